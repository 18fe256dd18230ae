/** Parts become a score by hand-computed examples. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { businessOf, inTimeOf, scoreOf, servedOf, successOf } from '#src/slo/budget/composite/formula.ts';

const EQUAL = { success: 1, latency: 1, health: 1, dependencies: 1 };
const PARTS = { success: 0.9, latency: 0.8, health: 0.5, dependencies: 1 };

describe('a score', () => {
  it('is the weighted mean of its parts', () => {
    assert.equal(scoreOf(PARTS, EQUAL, 'mean')?.toFixed(6), '0.800000');
    const weights = { success: 5, latency: 2, health: 2, dependencies: 1 };
    assert.equal(scoreOf(PARTS, weights, 'mean')?.toFixed(6), '0.810000');
  });

  it('is their weighted geometric mean, and 0 when one of them is', () => {
    assert.equal(scoreOf(PARTS, EQUAL, 'product')?.toFixed(6), (0.36 ** 0.25).toFixed(6));
    assert.equal(scoreOf({ ...PARTS, health: 0 }, EQUAL, 'product'), 0);
    assert.ok((scoreOf({ ...PARTS, health: 0 }, { ...EQUAL, health: 0 }, 'product') ?? 0) > 0.8);
  });

  it('is the worst of those that weigh anything', () => {
    assert.equal(scoreOf(PARTS, EQUAL, 'minimum'), 0.5);
    assert.equal(scoreOf(PARTS, { ...EQUAL, health: 0 }, 'minimum'), 0.8);
  });

  it('leaves out what has no data, and is nothing when that is all', () => {
    assert.equal(scoreOf({ ...PARTS, success: null, latency: null }, EQUAL, 'mean'), 0.75);
    const none = { success: null, latency: null, health: 0.3, dependencies: null };
    assert.equal(scoreOf(none, { ...EQUAL, health: 0 }, 'mean'), null);
  });
});

describe('parts', () => {
  it('of requests are shares of them, and nothing without any', () => {
    assert.equal(successOf({ finished: 200, bad: 3, late: 9 }), 0.985);
    assert.equal(inTimeOf({ finished: 200, bad: 100, late: 25 }), 0.75);
    assert.equal(successOf({ finished: 0, bad: 0, late: 0 }), null);
    assert.equal(inTimeOf({ finished: 5, bad: 5, late: 0 }), null, 'failures are not slow as well');
  });

  it('stay within 0 and 1 when a miss is read before its end', () => {
    assert.equal(successOf({ finished: 1, bad: 2, late: 0 }), 0);
    assert.equal(inTimeOf({ finished: 1, bad: 0, late: 2 }), 0);
  });
});

describe('business value', () => {
  it('is served in full when good, in part when late, not at all when bad', () => {
    const recent = { finished: 100, bad: 10, late: 20 };
    assert.equal(servedOf(recent, 1), 90);
    assert.equal(servedOf(recent, 0.25), 75);
    assert.equal(businessOf(recent, 0), 0.7);
    assert.equal(businessOf({ finished: 0, bad: 0, late: 0 }, 1), null);
  });
});
