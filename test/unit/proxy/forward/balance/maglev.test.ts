/** The lookup table: even shares, the same for everybody, and few moves when a place goes. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { hash32 } from '#src/lib/hash.ts';
import { buildMaglev, slotCount } from '#src/proxy/forward/balance/maglev.ts';

function hashesOf(count: number): number[] {
  return Array.from({ length: count }, (_, n) => hash32(`10.0.0.${n}:80`));
}

function owned(table: Int32Array, place: number): number {
  return table.filter((owner) => owner === place).length;
}

it('equal places own equal parts, to within one slot', () => {
  const table = buildMaglev(hashesOf(20), new Float64Array(20).fill(1));
  assert.equal(table.length, slotCount(20));
  for (let n = 0; n < 20; n++)
    assert.ok(Math.abs(owned(table, n) - table.length / 20) <= 1, `${n}: ${owned(table, n)}`);
});

it('weights count', () => {
  const sizes = Float64Array.of(1, 2, 5);
  const table = buildMaglev(hashesOf(3), sizes);
  sizes.forEach((size, n) => assert.ok(Math.abs(owned(table, n) / table.length - size / 8) < 0.01, `${n}`));
});

it('who owns a slot does not depend on the order of the places', () => {
  const hashes = hashesOf(7);
  const table = buildMaglev(hashes, new Float64Array(7).fill(1));
  const reversed = buildMaglev(hashes.toReversed(), new Float64Array(7).fill(1));
  assert.deepEqual([...reversed.map((owner) => 6 - owner)], [...table]);
});

it('of ten places one that goes moves its tenth and less than 4 % of the rest', () => {
  const hashes = hashesOf(10);
  const before = buildMaglev(hashes, new Float64Array(10).fill(1));
  const after = buildMaglev(hashes.slice(0, 9), new Float64Array(9).fill(1));
  const moved = before.filter((owner, slot) => owner !== 9 && owner !== after[slot]).length;
  assert.ok(moved / before.length < 0.04, `${moved} of ${before.length} moved`);
});

it('sizes are primes, at most 65,537; no place has no table', () => {
  assert.deepEqual([slotCount(1), slotCount(3), slotCount(20), slotCount(1e6)], [251, 1021, 4093, 65_537]);
  assert.equal(buildMaglev([], new Float64Array(0)).length, 0);
});
