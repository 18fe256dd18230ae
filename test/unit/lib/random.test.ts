/** Random numbers: the published generator, replayable, evenly spread. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mix32 } from '#src/lib/hash.ts';
import { Random, secretBytes } from '#src/lib/random.ts';
import { bytesPerCall, COUNTED } from '../../support/proxy/allocation.ts';

const MASK = (1n << 32n) - 1n;

/** xoshiro128** with big integers, seeded as ours is. */
function reference(seed: number, count: number): number[] {
  const rotate = (x: bigint, by: bigint): bigint => ((x << by) | (x >> (32n - by))) & MASK;
  let sum = seed | 0;
  const seeded = (): bigint => {
    sum = (sum + 0x9e3779b9) | 0;
    return BigInt(mix32(sum));
  };
  let [a, b, c, d] = [seeded(), seeded(), seeded(), seeded()];
  return Array.from({ length: count }, () => {
    const result = (rotate((b * 5n) & MASK, 7n) * 9n) & MASK;
    const shifted = (b << 9n) & MASK;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotate(d, 11n);
    return Number(result);
  });
}

describe('random numbers', () => {
  it('are those of xoshiro128**', () => {
    for (const seed of [0, 1, -7, 2 ** 31, 123_456_789]) {
      const random = new Random(seed);
      const numbers = Array.from({ length: 2000 }, () => random.nextUint32());
      assert.deepEqual(numbers, reference(seed, 2000), `seed ${seed}`);
    }
  });

  it('differ between neighboring seeds from the first one on', () => {
    const first = new Set(Array.from({ length: 1000 }, (_, seed) => new Random(seed).nextUint32()));
    assert.equal(first.size, 1000);
  });

  it('lie in [0, 1) and are evenly spread in every byte', () => {
    const random = new Random(42);
    const counts = [0, 8, 16, 24].map(() => new Int32Array(256));
    const draws = 256 * 400;
    for (let n = 0; n < draws; n++) {
      const word = random.nextUint32();
      for (const [byte, count] of counts.entries()) {
        const value = (word >>> (8 * byte)) & 0xff;
        count[value] = (count[value] as number) + 1;
      }
      const float = random.nextFloat();
      assert.ok(float >= 0 && float < 1);
    }
    for (const count of counts) {
      const chiSquare = count.reduce((sum, seen) => sum + (seen - 400) ** 2 / 400, 0);
      // 255 degrees of freedom: mean 255, standard deviation 22.6.
      assert.ok(chiSquare > 150 && chiSquare < 360, `chi-square ${chiSquare}`);
    }
  });

  it('allocate nothing', COUNTED, () => {
    const random = new Random(1);
    const kept = new Uint32Array(1);
    assert.ok(bytesPerCall(() => void (kept[0] = random.nextUint32())) <= 0.1);
  });
});

it('bytes for keys are as many as asked for, and others every time', () => {
  assert.equal(secretBytes(32).length, 32);
  assert.notDeepEqual(secretBytes(32), secretBytes(32));
});
