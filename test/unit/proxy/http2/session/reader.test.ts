/** Frames are the same wherever reads cut them, and DATA comes as it comes. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type FrameEvents, FrameReader } from '#src/proxy/http2/session/reader.ts';
import { data, frame, GET, headers, PADDED, PING, TYPE } from '../../../../support/http/http2.ts';

/** What was heard: frames in words, the bytes of DATA put together. */
function readerOf(until: (what: string) => boolean = () => false, preface = '') {
  const heard: string[] = [];
  let body = '';
  const tell = (what: string): boolean => {
    heard.push(what);
    return !until(what);
  };
  const events: FrameEvents = {
    begins: ({ type, flags, length, id }) => tell(`begins ${type} ${flags} ${length} ${id}`),
    frame: ({ type, flags, id }, bytes, from, end) =>
      tell(`${type} ${flags} ${id} ${bytes.toString('hex', from, end)}`),
    data: (bytes, from, end, isLast) => {
      body += bytes.toString('latin1', from, end);
      if (!isLast) return true;
      const whole = body;
      body = '';
      return tell(`data ${whole}`);
    },
    malformed: () => {
      heard.push('malformed');
      return false;
    },
  };
  const reader = new FrameReader(events, Buffer.from(preface));
  return { reader, heard };
}

const padded = (text: string, padding: number): Buffer =>
  frame(TYPE.data, PADDED, 5, Buffer.concat([Buffer.from([padding]), Buffer.from(text), Buffer.alloc(padding, 'p')]));

const BYTES = Buffer.concat([
  headers(1, GET),
  data(0x80000003, 'abc'),
  PING,
  data(3, '', 0),
  frame(TYPE.settings, 1, 0),
  padded('padded', 200),
  padded('', 3),
  padded('x', 0),
  frame(0x99, 0xff, 7, Buffer.from('?')),
]);
const HEARD = [
  `begins 1 5 ${headers(1, GET).length - 9} 1`,
  `1 5 1 ${headers(1, GET).toString('hex', 9)}`,
  'begins 0 1 3 3',
  'data abc',
  'begins 6 0 8 0',
  '6 0 0 0000000000000000',
  'begins 0 0 0 3',
  'data ',
  'begins 4 1 0 0',
  '4 1 0 ',
  'begins 0 8 207 5',
  'data padded',
  'begins 0 8 4 5',
  'data ',
  'begins 0 8 2 5',
  'data x',
  'begins 153 255 1 7',
  '153 255 7 3f',
];

describe('frames', () => {
  it('are told apart wherever a read ends', () => {
    for (let cut = 0; cut <= BYTES.length; cut++) {
      const { reader, heard } = readerOf();
      assert.equal(reader.take(BYTES, 0, cut) && reader.take(BYTES, cut, BYTES.length), true);
      assert.deepEqual(heard, HEARD, `cut at ${cut}`);
      assert.equal(reader.isCut, false);
    }
  });

  it('are told apart in reads of any size, whose memory is written over', () => {
    for (const size of [1, 2, 3, 8, 9, 10, 64]) {
      const { reader, heard } = readerOf();
      const memory = Buffer.alloc(size);
      for (let at = 0; at < BYTES.length; at += size) {
        const count = BYTES.copy(memory, 0, at, at + size);
        reader.take(memory, 0, count);
        memory.fill(0xee);
      }
      assert.deepEqual(heard, HEARD, `in reads of ${size}`);
    }
  });

  it('that are cut are owed, and a body is not', () => {
    const { reader } = readerOf();
    const owed = (bytes: Buffer): boolean => {
      reader.take(bytes, 0, bytes.length);
      return reader.isCut;
    };
    assert.equal(owed(PING.subarray(0, 4)), true);
    assert.equal(owed(PING.subarray(4, 12)), true);
    assert.equal(owed(PING.subarray(12)), false);
    assert.equal(owed(data(1, 'body').subarray(0, 10)), false);
  });

  it('behind one that was not wanted are not heard of', () => {
    for (const last of HEARD) {
      const { reader, heard } = readerOf((what) => what === last);
      assert.equal(reader.take(BYTES, 0, BYTES.length), false);
      assert.deepEqual(heard, HEARD.slice(0, HEARD.indexOf(last) + 1));
    }
  });

  it('are heard of before anything is kept of them', () => {
    const { reader, heard } = readerOf((what) => what.startsWith('begins'));
    const long = Buffer.from('ffffff010000000001', 'hex');
    assert.equal(reader.take(long, 0, 9), false);
    assert.deepEqual([heard, reader.isCut], [['begins 1 0 16777215 1'], false]);
  });

  it('of DATA may not have more padding than bytes', () => {
    for (const payload of [Buffer.alloc(0), Buffer.from([1]), Buffer.from([3, 0, 0])]) {
      const { reader, heard } = readerOf();
      const bytes = frame(TYPE.data, PADDED, 1, payload);
      let goesOn = true;
      for (let at = 0; at < bytes.length && goesOn; at++) goesOn = reader.take(bytes, at, at + 1);
      assert.deepEqual([goesOn, heard.at(-1)], [false, 'malformed']);
    }
  });

  it('come behind a preface, which is owed until it is here', () => {
    const all = Buffer.concat([Buffer.from('preface'), PING]);
    for (let cut = 0; cut <= all.length; cut++) {
      const { reader, heard } = readerOf(undefined, 'preface');
      assert.equal(reader.isCut, true);
      assert.equal(reader.take(all, 0, cut) && reader.take(all, cut, all.length), true);
      assert.deepEqual([heard.length, reader.isCut], [2, false]);
    }
    for (let wrong = 0; wrong < 7; wrong++) {
      const { reader, heard } = readerOf(undefined, 'preface');
      const bytes = Buffer.from('preface');
      bytes[wrong] = 0;
      assert.equal(reader.take(bytes, 0, 3) && reader.take(bytes, 3, 7), false);
      assert.deepEqual(heard, ['malformed']);
    }
  });
});
