/** Header blocks are the same in one frame and in many, padded or not, and each is decoded. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CODE, type FrameHead } from '#src/proxy/http2/frames.ts';
import { BlockReader } from '#src/proxy/http2/session/blocks.ts';
import { block, END_HEADERS, END_STREAM, GET, HAS_PRIORITY, PADDED, word } from '../../../../support/http/http2.ts';

const LIMITS = { countMax: 100, listBytesMax: 10_000 };
const WHOLE = block(GET);
const FIELDS = GET.flat();

const head = (flags: number, bytes: Buffer, type = 1): FrameHead => ({ type, flags, id: 1, length: bytes.length });

function begin(reader: BlockReader, flags: number, bytes: Buffer) {
  const memory = Buffer.from(bytes);
  const begun = reader.begin(head(flags, bytes), memory, 0, memory.length);
  memory.fill(0xee);
  return begun;
}

describe('a header block', () => {
  it('in one frame is its fields', () => {
    const reader = new BlockReader(LIMITS);
    assert.deepEqual(begin(reader, END_HEADERS | END_STREAM, WHOLE), {
      id: 1,
      isEnd: true,
      fields: FIELDS,
      fault: CODE.noError,
    });
    assert.equal(begin(reader, END_HEADERS, WHOLE)?.isEnd, false);
  });

  it('has padding and a priority that are left out', () => {
    const pad = Buffer.alloc(3, 0x82);
    const priority = Buffer.concat([word(3), Buffer.alloc(1)]);
    for (const [flags, bytes] of [
      [PADDED, [Buffer.from([3]), WHOLE, pad]],
      [HAS_PRIORITY, [priority, WHOLE]],
      [PADDED | HAS_PRIORITY, [Buffer.from([3]), priority, WHOLE, pad]],
    ] as const) {
      const got = begin(new BlockReader(LIMITS), END_HEADERS | flags, Buffer.concat(bytes));
      assert.deepEqual([got?.fields, got?.fault], [FIELDS, CODE.noError]);
    }
  });

  it('that is shorter than its padding or priority is wrong for the connection', () => {
    for (const [flags, bytes] of [
      [PADDED, []],
      [PADDED, [1]],
      [HAS_PRIORITY, [0, 0, 0, 1]],
      [PADDED | HAS_PRIORITY, [1, 0, 0, 0, 1, 0]],
    ] as const) {
      const reader = new BlockReader(LIMITS);
      assert.equal(begin(reader, END_HEADERS | flags, Buffer.from(bytes)), null);
      assert.equal(reader.fault, CODE.protocol);
    }
  });

  it('in many frames is its fields, and open until the last', () => {
    const reader = new BlockReader(LIMITS);
    assert.equal(begin(reader, END_STREAM, WHOLE.subarray(0, 5)), null);
    assert.deepEqual([reader.openId, reader.fault], [1, CODE.noError]);
    const part = Buffer.from(WHOLE.subarray(5, 6));
    assert.equal(reader.goOn(head(0, part, 9), part, 0, 1), null);
    part.fill(0xee);
    const last = WHOLE.subarray(6);
    const got = reader.goOn(head(END_HEADERS, last, 9), last, 0, last.length);
    assert.deepEqual([got?.fields, got?.isEnd, reader.openId], [FIELDS, true, 0]);
  });

  it('cannot go on that has not begun', () => {
    const reader = new BlockReader(LIMITS);
    assert.equal(reader.goOn(head(END_HEADERS, WHOLE, 9), WHOLE, 0, WHOLE.length), null);
    assert.equal(reader.fault, CODE.protocol);
  });

  it('that nobody can read is wrong for the connection', () => {
    const reader = new BlockReader(LIMITS);
    assert.equal(begin(reader, END_HEADERS, Buffer.from([0xff, 0xff])), null);
    assert.equal(reader.fault, CODE.compression);
  });

  it('of a stream that depends on itself, or beyond the limits, is wrong for its stream and known to the table', () => {
    const reader = new BlockReader({ countMax: 4, listBytesMax: 10_000 });
    const indexed = Buffer.concat([
      WHOLE,
      Buffer.from([0x40, 1]),
      Buffer.from('x'),
      Buffer.from([1]),
      Buffer.from('y'),
    ]);
    assert.equal(begin(reader, END_HEADERS, indexed)?.fault, CODE.calm);
    const selfish = Buffer.concat([word(0x80000001), Buffer.from([0]), Buffer.from([0xbe])]);
    const got = begin(reader, END_HEADERS | HAS_PRIORITY, selfish);
    assert.deepEqual([got?.fault, got?.fields], [CODE.protocol, ['x', 'y']]);
  });
});
