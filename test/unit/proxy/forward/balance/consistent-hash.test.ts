/** Consistent hashing: users stay, few move, nobody is overrun. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mix32 } from '#src/lib/hash.ts';
import { ConsistentHash } from '#src/proxy/forward/balance/consistent-hash.ts';
import type { Targets } from '#src/proxy/forward/balance/targets.ts';
import { bytesPerCall, COUNTED } from '../../../../support/proxy/allocation.ts';
import { groupOf, picksOf, targetsOf } from '../../../../support/simulate/balancing.ts';

const USERS = 10_000;
const TEN = new Array<number>(10).fill(1);

/** The endpoint of every user. */
function homes(targets: Targets): number[] {
  return Array.from({ length: USERS }, (_, user) => targets.pick(null, mix32(user), 0)?.id ?? -1);
}

describe('a user', () => {
  it('stays with an endpoint', () => {
    const targets = targetsOf(groupOf(TEN), 'consistentHash');
    assert.deepEqual(homes(targets), homes(targets));
  });

  it('has the same endpoint on every gateway, whatever the order and the random seed', () => {
    const group = groupOf(TEN, 1);
    const turned = { ...groupOf(TEN, 2), endpoints: group.endpoints.toReversed() };
    assert.deepEqual(homes(targetsOf(turned, 'consistentHash')), homes(targetsOf(group, 'consistentHash')));
  });

  it('moves only when its own endpoint goes out, to all the others alike, and is back with it', () => {
    const group = groupOf(TEN);
    const targets = targetsOf(group, 'consistentHash');
    const before = homes(targets);
    group.set(3, 0);
    const during = homes(targets);
    const moved = during.filter((home, user) => home !== before[user]);
    assert.equal(moved.length, before.filter((home) => home === 13).length);
    for (let id = 10; id < 20; id++) {
      const share = moved.filter((home) => home === id).length / moved.length;
      assert.ok(id === 13 ? share === 0 : Math.abs(share - 1 / 9) < 0.05, `${id}: ${share}`);
    }
    group.set(3, 1000);
    assert.deepEqual(homes(targets), before);
  });

  it('of an endpoint in slow start comes back once and for all', () => {
    const group = groupOf(TEN);
    const targets = targetsOf(group, 'consistentHash');
    const full = homes(targets);
    const usersAt = (capacity: number): Set<number> => {
      group.set(3, capacity);
      return new Set(homes(targets).flatMap((home, user) => (home === 13 && full[user] === 13 ? [user] : [])));
    };
    const [some, more, all] = [usersAt(200), usersAt(600), usersAt(1000)];
    assert.ok(Math.abs(some.size / all.size - 0.2) < 0.06, `${some.size} of ${all.size}`);
    assert.ok(Math.abs(more.size / all.size - 0.6) < 0.06, `${more.size} of ${all.size}`);
    assert.ok(some.isSubsetOf(more) && more.isSubsetOf(all));
  });

  it('goes elsewhere when its endpoint is to be avoided, always to the same one', () => {
    const group = groupOf(TEN);
    const targets = targetsOf(group, 'consistentHash');
    const home = targets.pick(null, 77, 0);
    const other = targets.pick(home, 77, 0);
    assert.notEqual(other, home);
    assert.equal(targets.pick(home, 77, 0), other);
  });

  it('has a home as long as anybody is in, and the same one while that is so', () => {
    const group = groupOf(TEN);
    const targets = targetsOf(group, 'consistentHash');
    for (let n = 0; n < 9; n++) group.set(n, 0);
    assert.ok(homes(targets).every((home) => home === 19));
    group.set(8, 1000);
    const pair = homes(targets);
    assert.deepEqual(homes(targets), pair);
    const share = pair.filter((home) => home === 18).length / USERS;
    assert.ok(Math.abs(share - 0.5) < 0.05, `${share}`);
  });
});

describe('load', () => {
  it('is even to within the slots and the draw of users, and by weight', () => {
    for (const weights of [TEN, [1, 2, 5]]) {
      const group = groupOf(weights);
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      picksOf(group, targetsOf(group, 'consistentHash'), 20_000).forEach((count, n) => {
        const share = (weights[n] as number) / total;
        assert.ok(Math.abs(count / 20_000 - share) < 0.015, `${weights.join()}: ${count} at ${n}`);
      });
    }
  });

  it('of one user who alone sends everything is bounded at 1.25 times the mean', () => {
    const group = groupOf(TEN);
    const targets = targetsOf(group, 'consistentHash');
    picksOf(group, targets, 1000, { keyOf: () => 7, picked: (endpoint) => void endpoint.inFlight++ });
    const fullest = Math.max(...group.endpoints.map(({ inFlight }) => inFlight));
    assert.ok(fullest <= 126, `${fullest}`);
    assert.ok(fullest >= 100, 'and not spread further than need be');
  });

  it('of a few parallel requests stays together', () => {
    const group = groupOf(TEN);
    const targets = targetsOf(group, 'consistentHash');
    const counts = picksOf(group, targets, 8, { keyOf: () => 7, picked: (endpoint) => void endpoint.inFlight++ });
    assert.equal(Math.max(...counts), 8);
  });
});

it('none is null; all out is all, in panic', () => {
  assert.equal(targetsOf(groupOf([]), 'consistentHash').pick(null, 0, 0), null);
  const group = groupOf([1, 1, 1]);
  const targets = targetsOf(group, 'consistentHash');
  const before = homes(targets);
  for (const n of [0, 1, 2]) group.set(n, 0);
  assert.deepEqual(homes(targets), before);
  assert.equal(targets.isPanicking, true);
});

it('a pick allocates nothing', COUNTED, () => {
  const group = groupOf(TEN);
  const targets = targetsOf(group, 'consistentHash');
  assert.ok(targets instanceof ConsistentHash);
  let key = 0;
  const bytes = bytesPerCall(() => void targets.pick(null, (key = (key + 7919) & 0xfffffff), 0));
  assert.equal(bytes, 0, `${bytes} B`);
});
