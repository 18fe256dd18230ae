/** One e-value out of several: weights that add up to 1, whatever is judged. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { composeLogE, weightsOf } from '#src/slo/verdict/compose.ts';

describe('the weights', () => {
  it('add up to 1, whatever is judged', () => {
    for (const latency of [null, 0]) {
      for (const count of [0, 1, 7, 500]) {
        const { errors, latency: weight, route } = weightsOf({ latency, routes: Array(count).fill(0) });
        assert.ok(Math.abs(errors + weight + count * route - 1) < 1e-12, `${latency} ${count}`);
      }
    }
  });

  it('are 0.6, 0.3 and 0.1, and what is not judged goes to the errors', () => {
    assert.deepEqual(weightsOf({ latency: 0, routes: [0, 0] }), { errors: 0.6, latency: 0.3, route: 0.05 });
    assert.deepEqual(weightsOf({ latency: 0, routes: [] }), { errors: 0.7, latency: 0.3, route: 0 });
    assert.deepEqual(weightsOf({ latency: null, routes: [] }), { errors: 1, latency: 0, route: 0 });
  });
});

describe('the composed e-value', () => {
  it('is the weighted average', () => {
    const logE = composeLogE({ errors: Math.log(3), latency: Math.log(5), routes: [Math.log(7), Math.log(9)] });
    assert.ok(Math.abs(Math.exp(logE) - (1.8 + 1.5 + 0.8)) < 1e-12);
  });

  it('of parts that say nothing is 1', () => {
    assert.ok(Math.abs(composeLogE({ errors: 0, latency: 0, routes: [0, 0, 0] })) < 1e-12);
  });

  it('never exceeds the largest part and stays finite for extreme ones', () => {
    for (const errors of [-1e5, -3, 0, 12, 1e5]) {
      for (const latency of [-1e5, 0, 9, 1e5]) {
        const logE = composeLogE({ errors, latency, routes: [] });
        assert.ok(Number.isFinite(logE) && logE <= Math.max(errors, latency), `${errors} ${latency}: ${logE}`);
      }
    }
  });

  it('of parts without any hope has none', () => {
    assert.equal(
      composeLogE({ errors: Number.NEGATIVE_INFINITY, latency: null, routes: [] }),
      Number.NEGATIVE_INFINITY,
    );
  });
});
