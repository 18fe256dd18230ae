/** The hash of keys: known values, even spread, nothing allocated. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hash32, hashLatin1, mix32 } from '#src/lib/hash.ts';
import { bytesPerCall, COUNTED } from '../../support/proxy/allocation.ts';

describe('mix32', () => {
  // Reference values of MurmurHash3's fmix32.
  const known: readonly (readonly [number, number])[] = [
    [0, 0],
    [1, 0x514e28b7],
    [2, 0x30f4c306],
    [0xffffffff, 0x81f16f39],
  ];
  for (const [input, output] of known) {
    it(`of ${input} is ${output}`, () => assert.equal(mix32(input), output));
  }

  it('maps different words to different words', () => {
    const seen = new Set<number>();
    for (let i = 0; i < 200_000; i++) seen.add(mix32(i));
    assert.equal(seen.size, 200_000);
  });
});

describe('hash32', () => {
  it('is FNV-1a, mixed', () => {
    assert.equal(hash32(''), mix32(0x811c9dc5));
    assert.equal(hash32('a'), mix32(0xe40c292c));
    assert.equal(hash32('foobar'), mix32(0xbf9cf968));
  });

  it('is the same of a text’s bytes', () => {
    for (const text of ['', 'user-1', 'caf\xe9', '\xff'.repeat(300)]) {
      const bytes = Buffer.from(`<${text}>`, 'latin1');
      assert.equal(hashLatin1(bytes, 1, bytes.length - 1), hash32(text), text);
    }
  });

  it('is a whole number of 32 bits', () => {
    for (const text of ['', 'user-1', 'ü', '\u{1f600}', 'x'.repeat(10_000)]) {
      const hash = hash32(text);
      assert.ok(Number.isInteger(hash) && hash >= 0 && hash < 2 ** 32, text);
    }
  });

  it('spreads numbered users evenly over small counts', () => {
    for (const buckets of [2, 3, 7, 100]) {
      const counts = new Array<number>(buckets).fill(0);
      const users = 1000 * buckets;
      for (let i = 0; i < users; i++) {
        const bucket = hash32(`user-${i}`) % buckets;
        counts[bucket] = (counts[bucket] as number) + 1;
      }
      let chiSquare = 0;
      for (const count of counts) chiSquare += (count - 1000) ** 2 / 1000;
      const freedom = buckets - 1;
      assert.ok(chiSquare < freedom + 5 * Math.sqrt(2 * freedom), `${buckets} buckets: ${chiSquare}`);
    }
  });

  it('allocates nothing', COUNTED, () => {
    let kept = 0;
    assert.equal(
      bytesPerCall(() => void (kept ^= hash32('user-12345') & 0xffff)),
      0,
      String(kept),
    );
  });
});
