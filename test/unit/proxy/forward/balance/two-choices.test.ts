/** Power of two choices: the less loaded of two, by weight, never the one to avoid. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { TwoChoices } from '#src/proxy/forward/balance/two-choices.ts';
import type { Endpoint } from '#src/proxy/forward/endpoint.ts';
import { bytesPerCall, COUNTED } from '../../../../support/proxy/allocation.ts';
import { type Group, groupOf, picksOf, targetsOf } from '../../../../support/simulate/balancing.ts';

const SEED = 11;
const EVEN_6 = [1, 1, 1, 1, 1, 1];

function at(group: Group, n: number): Endpoint {
  return group.endpoints[n] as Endpoint;
}

for (const balancer of ['peakEwma', 'leastRequest'] as const) {
  describe(`a pick by ${balancer}`, () => {
    it('of none is null, of one is that one, to be avoided or not', () => {
      assert.equal(targetsOf(groupOf([]), balancer).pick(null, 0, 0), null);
      const one = groupOf([1]);
      assert.equal(targetsOf(one, balancer).pick(null, 0, 0), one.endpoints[0]);
      assert.equal(targetsOf(one, balancer).pick(at(one, 0), 0, 0), one.endpoints[0]);
    });

    it('spreads evenly over equals', () => {
      const group = groupOf(EVEN_6, SEED);
      for (const count of picksOf(group, targetsOf(group, balancer), 6000)) {
        assert.ok(Math.abs(count - 1000) < 150, `seed ${SEED}: ${count}`);
      }
    });

    it('gives idle endpoints the shares of their weights', () => {
      for (const weights of [
        [3, 1],
        [100, 101, 1],
        [1000, 1, 1, 1],
      ]) {
        const group = groupOf(weights, SEED);
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        picksOf(group, targetsOf(group, balancer), 40_000).forEach((count, n) => {
          const share = (weights[n] as number) / total;
          assert.ok(Math.abs(count / 40_000 - share) < 0.012, `seed ${SEED}: ${weights.join()}: ${count} at ${n}`);
        });
      }
    });

    it('gives busy endpoints work in proportion to their weights', () => {
      const group = groupOf([3, 1], SEED);
      picksOf(group, targetsOf(group, balancer), 400, { picked: (endpoint) => void endpoint.inFlight++ });
      const [heavy, light] = group.endpoints.map(({ inFlight }) => inFlight) as [number, number];
      assert.ok(Math.abs(heavy - 300) <= 6 && heavy + light === 400, `seed ${SEED}: ${heavy} and ${light}`);
    });

    it('keeps to the weights when now the one, now the other is the less loaded', () => {
      const group = groupOf([3, 1], SEED);
      const random = new Random(SEED);
      const picked = (): void => {
        at(group, 0).inFlight = random.nextUint32() & 1;
        at(group, 1).inFlight = 1 - at(group, 0).inFlight;
      };
      const [, light = 0] = picksOf(group, targetsOf(group, balancer), 20_000, { picked });
      assert.ok(Math.abs(light / 20_000 - 0.25) < 0.02, `seed ${SEED}: ${light} of 20,000`);
    });

    it('never takes the most loaded of all', () => {
      const group = groupOf([1, 1, 1, 1], SEED);
      at(group, 2).inFlight = 10;
      assert.equal(picksOf(group, targetsOf(group, balancer), 6000)[2], 0);
    });

    it('never takes the one to avoid while there is another, however loaded', () => {
      const pair = groupOf([1, 1], SEED);
      at(pair, 1).inFlight = 1000;
      assert.deepEqual(picksOf(pair, targetsOf(pair, balancer), 2000, { avoid: at(pair, 0) }), [0, 2000]);
      const heavy = groupOf([1, 50, 1], SEED);
      assert.equal(picksOf(heavy, targetsOf(heavy, balancer), 2000, { avoid: at(heavy, 1) })[1], 0);
    });

    it('leaves out who is out, at once, and takes who is back', () => {
      const group = groupOf(EVEN_6, SEED);
      const targets = targetsOf(group, balancer);
      group.set(4, 0);
      assert.equal(picksOf(group, targets, 2000)[4], 0);
      group.set(4, 1000);
      assert.ok((picksOf(group, targets, 2000)[4] as number) > 200, `seed ${SEED}`);
    });

    it('gives an endpoint in slow start the part of its share that its capacity says', () => {
      const group = groupOf([1, 1, 1, 1], SEED);
      group.set(0, 100);
      const [slow = 0] = picksOf(group, targetsOf(group, balancer), 31_000);
      assert.ok(Math.abs(slow - 1000) < 150, `seed ${SEED}: ${slow} of 31,000`);
    });

    it('takes all when all are out, and says so', () => {
      const group = groupOf([1, 1, 1], SEED);
      const targets = targetsOf(group, balancer);
      for (const n of [0, 1, 2]) group.set(n, 0);
      for (const count of picksOf(group, targets, 3000)) assert.ok(count > 800, `seed ${SEED}: ${count}`);
      assert.equal(targets.isPanicking, true);
    });

    it('keeps the fullest queue short: 100 requests over 10 endpoints leave none above 14', () => {
      const group = groupOf(new Array<number>(10).fill(1), SEED);
      picksOf(group, targetsOf(group, balancer), 100, { picked: (endpoint) => void endpoint.inFlight++ });
      const fullest = Math.max(...group.endpoints.map(({ inFlight }) => inFlight));
      assert.ok(fullest <= 14, `seed ${SEED}: ${fullest}`);
    });

    it('gives one that fails at once less than its share', () => {
      const group = groupOf([1, 1, 1, 1], SEED);
      const picked = (endpoint: Endpoint): void => {
        if (endpoint === group.endpoints[0]) endpoint.observeFailure(0.1, 0);
      };
      const [failing = 0] = picksOf(group, targetsOf(group, balancer), 4000, { picked });
      assert.ok(failing < 20, `seed ${SEED}: ${failing} of 4000`);
    });

    it('allocates nothing, even and weighted, also when a capacity has just moved', COUNTED, () => {
      for (const weights of [EVEN_6, [1, 2, 3]]) {
        const group = groupOf(weights, SEED);
        const targets = targetsOf(group, balancer);
        assert.ok(targets instanceof TwoChoices);
        let n = 0;
        const bytes = bytesPerCall(() => {
          n = (n + 1) & 255;
          if (n === 0) group.set(1, 900);
          if (n === 128) group.set(1, 800);
          targets.pick(null, n, n);
        });
        assert.equal(bytes, 0, `${bytes} B for ${weights.join()}`);
      }
    });
  });
}

describe('a pick by peakEwma', () => {
  it('gives an endpoint that never answered no more than its share', () => {
    const group = groupOf([1, 1], SEED);
    const [silent, healthy] = [at(group, 0), at(group, 1)];
    const random = new Random(SEED);
    // Sequential clients: the healthy one has answered before the next request, the silent one never does.
    const targets = targetsOf({ ...group, random }, 'peakEwma');
    for (let i = 0; i < 100; i++) if (targets.pick(null, 0, 0) === silent) silent.inFlight++;
    assert.ok(silent.inFlight <= 50, `${silent.inFlight} of 100 hang`);
    assert.equal(healthy.inFlight, 0);
  });

  it('prefers the faster of two that are equally busy', () => {
    const group = groupOf([1, 1], SEED);
    at(group, 0).observe(50, 0);
    assert.deepEqual(picksOf(group, targetsOf(group, 'peakEwma'), 1000), [0, 1000]);
  });
});

describe('a pick by leastRequest', () => {
  it('goes by requests in flight alone', () => {
    const group = groupOf([1, 1], SEED);
    at(group, 0).observe(5000, 0);
    at(group, 1).inFlight = 1;
    assert.deepEqual(picksOf(group, targetsOf(group, 'leastRequest'), 1000), [1000, 0]);
  });
});
