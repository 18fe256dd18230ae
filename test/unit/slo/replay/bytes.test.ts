/** Whole numbers, reals and texts come back as they were written. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ByteReader, ByteWriter } from '#src/slo/replay/bytes.ts';

describe('bytes', () => {
  it('hold whole numbers of any size, small ones in one byte', () => {
    const out = new ByteWriter();
    const numbers = [0, 1, 127, 128, 300, 2 ** 31, 2 ** 32 + 5, Number.MAX_SAFE_INTEGER];
    for (const number of numbers) out.whole(number);
    assert.equal(out.length, 1 + 1 + 1 + 2 + 2 + 5 + 5 + 8);
    const back = new ByteReader(out.take());
    for (const number of numbers) assert.equal(back.whole(), number);
    assert.equal(back.isAtEnd, true);
  });

  it('hold numbers of either sign, reals to the last bit, texts and raw bytes', () => {
    const out = new ByteWriter();
    for (const number of [0, -1, 1, -64, 63, -500_000]) out.signed(number);
    for (const number of [0.1, -1e300, Number.POSITIVE_INFINITY]) out.real(number);
    out.text('größer als 4 KiB: '.repeat(500));
    out.raw(Uint8Array.of(1, 2));
    const back = new ByteReader(out.take());
    for (const number of [0, -1, 1, -64, 63, -500_000]) assert.equal(back.signed() + 0, number);
    for (const number of [0.1, -1e300, Number.POSITIVE_INFINITY]) assert.equal(back.real(), number);
    assert.equal(back.text(), 'größer als 4 KiB: '.repeat(500));
    assert.deepEqual([...back.raw()], [1, 2]);
    assert.equal(out.length, 0);
  });

  it('that end too early are refused', () => {
    const cut = (bytes: number[]) => new ByteReader(Uint8Array.from(bytes));
    assert.throws(() => cut([]).byte(), RangeError);
    assert.throws(() => cut([200]).whole(), RangeError);
    assert.throws(() => cut(Array<number>(9).fill(255)).whole(), RangeError);
    assert.throws(() => cut([1, 2, 3]).real(), RangeError);
    assert.throws(() => cut([5, 65]).text(), RangeError);
  });
});
