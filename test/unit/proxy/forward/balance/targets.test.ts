/** Every balancer of the configuration is linked to its algorithm and honors weights. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ConsistentHash } from '#src/proxy/forward/balance/consistent-hash.ts';
import { RoundRobin } from '#src/proxy/forward/balance/round-robin.ts';
import { TwoChoices } from '#src/proxy/forward/balance/two-choices.ts';
import { offerProbe } from '#src/snapshot/endpoint-dials.ts';
import { groupOf, picksOf, targetsOf } from '../../../../support/simulate/balancing.ts';

const SEED = 21;

for (const [balancer, algorithm] of [
  ['peakEwma', TwoChoices],
  ['leastRequest', TwoChoices],
  ['roundRobin', RoundRobin],
  ['consistentHash', ConsistentHash],
] as const) {
  it(`${balancer} is ${algorithm.name}, over the endpoints in their order`, () => {
    const group = groupOf([1, 2, 3], SEED);
    const targets = targetsOf(group, balancer);
    assert.ok(targets instanceof algorithm);
    assert.deepEqual(targets.endpoints, group.endpoints);
    const counts = picksOf(group, targets, 12_000);
    assert.equal(targets.takeProbe({}), null);
    group.set(1, 0);
    offerProbe(group.dials, 11, 1);
    assert.notEqual(targets.pick(null, 0, 0), group.endpoints[1]);
    assert.equal(targets.takeProbe({}), group.endpoints[1]);
    counts.forEach((count, n) => assert.ok(Math.abs(count / 2000 - (n + 1)) < 0.2, `seed ${SEED}: ${counts.join()}`));
  });
}
