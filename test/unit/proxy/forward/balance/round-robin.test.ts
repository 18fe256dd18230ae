/** Smooth weighted round robin: exact shares in any stretch, nobody twice in a row without need. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { RoundRobin } from '#src/proxy/forward/balance/round-robin.ts';
import type { Targets } from '#src/proxy/forward/balance/targets.ts';
import { bytesPerCall, COUNTED } from '../../../../support/proxy/allocation.ts';
import { groupOf, picksOf, targetsOf } from '../../../../support/simulate/balancing.ts';

const SEED = 3;

function sequence(targets: Targets, count: number): number[] {
  return Array.from({ length: count }, () => (targets.pick(null, 0, 0)?.id ?? 0) - 10);
}

it('equals take turns, in the same order round after round', () => {
  const group = groupOf([1, 1, 1, 1], SEED);
  const turns = sequence(targetsOf(group, 'roundRobin'), 12);
  const round = turns.slice(0, 4);
  assert.deepEqual(
    round.toSorted((a, b) => a - b),
    [0, 1, 2, 3],
  );
  assert.deepEqual(turns, [...round, ...round, ...round]);
});

it('workers with other seeds do not start with the same endpoint', () => {
  const firsts = new Set(
    [1, 2, 3, 4, 5, 6].map((seed) => sequence(targetsOf(groupOf([1, 1, 1, 1], seed), 'roundRobin'), 1)[0]),
  );
  assert.ok(firsts.size > 1);
});

it('in every stretch an endpoint is within 2 of its share', () => {
  const weights = [5, 1, 3, 1];
  const turns = sequence(targetsOf(groupOf(weights, SEED), 'roundRobin'), 400);
  for (let length = 1; length <= 100; length += 7) {
    for (let from = 0; from + length <= turns.length; from += 11) {
      const stretch = turns.slice(from, from + length);
      weights.forEach((weight, n) => {
        const count = stretch.filter((turn) => turn === n).length;
        assert.ok(Math.abs(count - (weight * length) / 10) < 2, `seed ${SEED}: ${n} ${count} times in ${length}`);
      });
    }
  }
});

it('weights 3 : 1 never make the heavy one come four times in a row', () => {
  const turns = sequence(targetsOf(groupOf([3, 1], SEED), 'roundRobin'), 400).join('');
  assert.doesNotMatch(turns, /0000|11/);
});

it('who is out is skipped; who comes back has no arrears', () => {
  const group = groupOf([1, 1, 1, 1], SEED);
  const targets = targetsOf(group, 'roundRobin');
  group.set(2, 0);
  assert.equal(picksOf(group, targets, 3000)[2], 0);
  group.set(2, 1000);
  const [, , back = 0] = picksOf(group, targets, 400);
  assert.ok(Math.abs(back - 100) <= 1, `${back} of 400`);
});

it('a capacity takes its part of the turns', () => {
  const group = groupOf([1, 1], SEED);
  group.set(1, 250);
  const [full = 0, slow = 0] = picksOf(group, targetsOf(group, 'roundRobin'), 500);
  assert.ok(Math.abs(full - 400) <= 2 && Math.abs(slow - 100) <= 2, `${full} and ${slow}`);
});

it('the one to avoid keeps its turn', () => {
  const group = groupOf([1, 1, 1], SEED);
  const targets = targetsOf(group, 'roundRobin');
  const [first, second] = sequence(targets, 3) as [number, number, number];
  const avoid = group.endpoints[first] ?? null;
  assert.equal(targets.pick(avoid, 0, 0), group.endpoints[second]);
  assert.equal(targets.pick(null, 0, 0), avoid);
  const lone = groupOf([1]);
  assert.equal(targetsOf(lone, 'roundRobin').pick(lone.endpoints[0] ?? null, 0, 0), lone.endpoints[0]);
});

it('none is null; all out is all, in panic', () => {
  assert.equal(targetsOf(groupOf([]), 'roundRobin').pick(null, 0, 0), null);
  const group = groupOf([1, 1]);
  const targets = targetsOf(group, 'roundRobin');
  group.set(0, 0);
  group.set(1, 0);
  assert.deepEqual(picksOf(group, targets, 100), [50, 50]);
  assert.equal(targets.isPanicking, true);
});

it('a pick allocates nothing', COUNTED, () => {
  const group = groupOf([1, 2, 3, 4, 5]);
  const targets = targetsOf(group, 'roundRobin');
  assert.ok(targets instanceof RoundRobin);
  const bytes = bytesPerCall(() => void targets.pick(null, 0, 0));
  assert.equal(bytes, 0, `${bytes} B`);
});
