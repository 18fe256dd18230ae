/** The thread's memory: who has which part of it, and what is done in it. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import {
  code,
  offsetOf,
  putForGood,
  readMemory,
  reserve,
  viewOf,
  whole,
  words,
} from '#src/proxy/wire/memory/memory.ts';

describe('the memory', () => {
  it('gives out parts that nobody else has, with room behind them to look ahead', () => {
    const [first, second, third] = [reserve(1), reserve(100), reserve(0)];
    assert.deepEqual([first % 64, second % 64, third % 64], [0, 0, 0]);
    assert.ok(first + 1 + 64 <= second && second + 100 + 64 <= third);
  });

  it('refuses more than there is, and has the rest all the same', () => {
    assert.throws(() => reserve(whole.length), /^RangeError: no room for \d+ bytes more in \d+$/);
    assert.ok(reserve(64) > 0);
  });

  it('keeps what is put down for good', () => {
    const at = putForGood(Buffer.from('for good'));
    reserve(64);
    assert.equal(whole.toString('latin1', at, at + 8), 'for good');
  });

  it('is one, whether as bytes, as words or as a view of some of it', () => {
    const at = reserve(8);
    words[at / 4] = 0x64_63_62_61;
    assert.equal(whole.toString('latin1', at, at + 4), 'abcd');
    assert.deepEqual([...viewOf(at + 1, 2)], [0x62, 0x63]);
  });

  it('tells where what is read into it begins, and of other bytes that they are elsewhere', () => {
    assert.equal(offsetOf(whole), 0);
    readMemory.write('here', 10, 'latin1');
    const at = offsetOf(readMemory) + 10;
    assert.equal(whole.toString('latin1', at, at + 4), 'here');
    assert.deepEqual([offsetOf(Buffer.alloc(8)), offsetOf(readMemory.subarray(0, 8))], [-1, -1]);
  });
});

describe('bytes that are moved', () => {
  it('are all there wherever they overlap', () => {
    const at = reserve(64);
    const text = 'abcdefghijklmnopqrstuvwxyz0123456789';
    for (const [from, to] of [
      [0, 3],
      [3, 0],
      [0, 28],
      [7, 7],
    ] as const) {
      whole.write(text, at + from, 'latin1');
      code.copy(at + to, at + from, text.length);
      assert.equal(whole.toString('latin1', at + to, at + to + text.length), text);
    }
  });
});

describe('hexadecimal digits', () => {
  it('are those of both numbers, each from its lowest four bits up', () => {
    const at = reserve(16);
    const random = new Random(5);
    const digitsOf = (bits: number): string => [...bits.toString(16).padStart(8, '0')].reverse().join('');
    for (const [low, high] of [
      [0, 0],
      [1, 0xf000_0000],
      [0xffff_ffff, 0x0123_4567],
      ...Array.from({ length: 200 }, () => [random.nextUint32(), random.nextUint32()] as const),
    ] as const) {
      code.hex(at, low, high);
      assert.equal(whole.toString('latin1', at, at + 16), digitsOf(low) + digitsOf(high));
    }
  });
});
