/** How many fields header blocks have, however they are written and wherever they are cut. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FieldBlocks } from '#src/proxy/http2/field-blocks.ts';
import { FrameReader } from '#src/proxy/http2/frames.ts';
import {
  block,
  END_HEADERS,
  END_STREAM,
  frame,
  GET,
  HAS_PRIORITY,
  headers,
  PADDED,
  TYPE,
} from '../../../support/http/http2.ts';

/** What a client sends is read in pieces of so many bytes. */
function read(bytes: Buffer, pieceBytes = bytes.length): FieldBlocks {
  const blocks = new FieldBlocks();
  const reader = new FrameReader(
    {
      frame: (type, flags, length, id) => {
        if (type === TYPE.headers || type === TYPE.continuation) blocks.frame(type, flags, length, id);
        return true;
      },
      part: (...part) => blocks.take(...part),
    },
    0,
  );
  for (let at = 0; at < bytes.length; at += pieceBytes) reader.take(bytes, at, Math.min(bytes.length, at + pieceBytes));
  return blocks;
}

const ALL = END_STREAM | END_HEADERS;
const LONG = 'y'.repeat(20_000);

const CASES: readonly (readonly [name: string, bytes: Buffer, count: number])[] = [
  ['literals', headers(1, GET), 4],
  ['no field', frame(TYPE.headers, ALL, 1), 0],
  [
    'names and values without anything',
    headers(1, [
      ['', ''],
      ['x', ''],
    ]),
    2,
  ],
  ['indices, short and long', frame(TYPE.headers, ALL, 1, Buffer.from([0x82, 0xff, 0x01, 0xff, 0x80, 0x01])), 3],
  [
    'literals that are to be indexed',
    frame(TYPE.headers, ALL, 1, Buffer.from([0x41, 1, 97, 0x40, 1, 98, 1, 99, 0x7f, 5, 0])),
    3,
  ],
  [
    'literals that are never to be',
    frame(TYPE.headers, ALL, 1, Buffer.from([0x10, 1, 97, 1, 98, 0x1f, 0x80, 0x01, 1, 99])),
    2,
  ],
  [
    'sizes of the table, which are no fields',
    frame(TYPE.headers, ALL, 1, Buffer.from([0x20, 0x3f, 0xe1, 0x1f, 0x82])),
    1,
  ],
  ['a long text', headers(1, [...GET, ['x-long', LONG]]), 5],
  [
    'padding and a priority',
    frame(
      TYPE.headers,
      ALL | PADDED | HAS_PRIORITY,
      1,
      Buffer.concat([Buffer.from([3]), Buffer.alloc(5), block(GET), Buffer.from([0x82, 0x82, 0x82])]),
    ),
    4,
  ],
  [
    'a text that goes on in another frame',
    Buffer.concat([
      frame(TYPE.headers, END_STREAM, 1, block([['x-a', 'abc']]).subarray(0, 6)),
      frame(TYPE.continuation, 0, 1),
      frame(TYPE.continuation, END_HEADERS, 1, Buffer.concat([block([['x-a', 'abc']]).subarray(6), block(GET)])),
    ]),
    5,
  ],
];

describe('a header block', () => {
  for (const [name, bytes, count] of CASES) {
    it(`has as many fields as there are: ${name}`, () => {
      for (const pieceBytes of [bytes.length, 1, 2, 7]) assert.equal(read(bytes, pieceBytes).begin(1)?.head, count);
    });
  }

  it('behind the body is told apart, whenever its stream begins', () => {
    const bytes = Buffer.concat([
      headers(1, GET, END_HEADERS),
      headers(1, [
        ['x', 'y'],
        ['z', ''],
      ]),
    ]);
    assert.deepEqual(read(bytes).begin(1), { head: 4, trailer: 2 });
    const blocks = read(headers(1, GET, END_HEADERS));
    const begun = blocks.begin(1);
    assert.deepEqual(begun, { head: 4, trailer: -1 });
    const last = frame(TYPE.headers, ALL, 1, Buffer.from([0x82]));
    blocks.frame(TYPE.headers, ALL, 1, 1);
    blocks.take(last, 9, 10, 0);
    assert.deepEqual(begun, { head: 4, trailer: 1 });
  });

  it('behind that changes nothing of what was counted', () => {
    const trailers = headers(1, [
      ['x', 'y'],
      ['z', ''],
    ]);
    const blocks = read(Buffer.concat([headers(1, GET, END_HEADERS), trailers, headers(1, [['x', 'y']])]));
    assert.deepEqual(blocks.begin(1), { head: 4, trailer: 2 });
  });
});

describe('what is kept', () => {
  it('ends with its stream, and of streams that are passed over with the next', () => {
    const blocks = read(Buffer.concat([headers(1, GET), headers(3, GET), headers(5, GET), headers(7, GET)]));
    assert.equal(blocks.size, 4);
    assert.equal(blocks.begin(5)?.head, 4);
    assert.equal(blocks.begin(1), null);
    assert.equal(blocks.size, 2);
    blocks.forget(5);
    blocks.forget(7);
    assert.equal(blocks.size, 0);
  });

  it('is bounded where the session begins none', () => {
    const many = Array.from({ length: 3000 }, (_, n) => headers(2 * n + 1, GET));
    const blocks = read(Buffer.concat(many));
    assert.equal(blocks.size, 1000);
    assert.equal(blocks.begin(1), null);
    assert.equal(blocks.begin(5999)?.head, 4);
  });
});
