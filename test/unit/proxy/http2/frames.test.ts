import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameReader, goawayFrame } from '#src/proxy/http2/frames.ts';
import { data, frame, GET, headers, TYPE } from '../../../support/http/http2.ts';

const BYTES = Buffer.concat([
  Buffer.from('begin'),
  headers(1, GET),
  data(0x80000003, 'abc'),
  frame(TYPE.ping, 1, 0, Buffer.alloc(8)),
  frame(9, 4, 5),
]);
const HEARD = [
  [1, 5, headers(1, GET).length - 9, 1],
  [0, 1, 3, 3],
  [6, 1, 8, 0],
  [9, 4, 0, 5],
];

function readerOf(goOn = true): { reader: FrameReader; heard: number[][] } {
  const heard: number[][] = [];
  const reader = new FrameReader({ frame: (...one) => heard.push(one) > 0 && goOn }, 5);
  return { reader, heard };
}

test('frames are told apart wherever they are cut', () => {
  for (let cut = 0; cut <= BYTES.length; cut++) {
    const { reader, heard } = readerOf();
    assert.equal(reader.take(BYTES, 0, cut), true);
    assert.equal(reader.take(BYTES, cut, BYTES.length), true);
    assert.deepEqual(heard, HEARD, `cut at ${cut}`);
    assert.equal(reader.isWithin, false);
  }
});

test('byte by byte it is within a frame but at its end', () => {
  const { reader, heard } = readerOf();
  for (let at = 0; at < BYTES.length; at++) reader.take(BYTES, at, at + 1);
  assert.deepEqual(heard, HEARD);
  reader.take(Buffer.alloc(1), 0, 1);
  assert.equal(reader.isWithin, true);
});

test('who says no hears no more of what was read', () => {
  const { reader, heard } = readerOf(false);
  assert.equal(reader.take(BYTES, 0, BYTES.length), false);
  assert.equal(heard.length, 1);
});

test('a frame may be as long as its length can say', () => {
  const { reader, heard } = readerOf();
  reader.take(Buffer.concat([Buffer.from('begin'), Buffer.from('ffffff000000000001', 'hex')]), 0, 14);
  assert.equal(heard[0]?.[2], 0xffffff);
});

test('GOAWAY names the last stream and the code', () => {
  const goaway = goawayFrame(2 ** 31 - 1, 11);
  assert.equal(goaway.toString('hex'), `000008${'07'}0000000000${'7fffffff'}${'0000000b'}`);
});
