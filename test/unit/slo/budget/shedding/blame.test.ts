/** Whose fault a burn is. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Blame, type Outcomes } from '#src/slo/budget/shedding/blame.ts';

/** Of 99.9 %: fast is a ratio above 1.152 %. */
const BUDGET = 0.001;

function of(finished: number, bad = 0, refused = 0, late = 0): Outcomes {
  return { finished, bad, late, refused };
}

function blamed(route: Outcomes, canary = of(0)): readonly [boolean, boolean] {
  const blame = new Blame(0);
  blame.count(route, canary, 1000);
  const { isBurning, isBurningWithoutCanary } = blame.burning('availability', BUDGET);
  return [isBurning, isBurningWithoutCanary];
}

describe('a route burns fast', () => {
  it('by failures, from 0.8 times 14.4 of its budget on', () => {
    assert.deepEqual(blamed(of(10_000, 115)), [false, false]);
    assert.deepEqual(blamed(of(10_000, 116)), [true, true]);
    assert.deepEqual(blamed(of(0)), [false, false], 'nothing counted is no burn');
  });

  it('not by what the gateway refuses', () => {
    assert.deepEqual(blamed(of(10_000, 5000, 5000)), [false, false]);
    assert.deepEqual(blamed(of(10_000, 5000, 4800)), [true, true]);
  });

  it('and without its canary only if the others fail as well', () => {
    assert.deepEqual(blamed(of(10_000, 500), of(1000, 500)), [true, false], 'the canary alone');
    assert.deepEqual(blamed(of(10_000, 500), of(1000, 50)), [true, true], 'an outage that both share');
    assert.deepEqual(blamed(of(10_000, 100), of(1000, 900)), [false, false], 'failures that stable mended');
    assert.deepEqual(blamed(of(1000, 500), of(1000, 500)), [true, false], 'there are no others');
  });

  it('of latency by what was late as well', () => {
    const blame = new Blame(0);
    blame.count(of(10_000, 0, 0, 200), of(1000, 0, 0, 200), 1000);
    assert.deepEqual(blame.burning('availability', BUDGET), { isBurning: false, isBurningWithoutCanary: false });
    assert.deepEqual(blame.burning('latency', BUDGET), { isBurning: true, isBurningWithoutCanary: false });
  });

  it('until its failures have faded, with a time constant of five minutes', () => {
    const blame = new Blame(0);
    blame.count(of(1000, 30), of(0), 1000);
    const after = (minutes: number): boolean => {
      blame.count(of(1000), of(0), 1000 + minutes * 60_000);
      return blame.burning('availability', BUDGET).isBurning;
    };
    // 3 % of 1,000 requests; beside as many sound ones 1.35 % a minute later, and 0.6 % after five.
    assert.deepEqual([after(1), after(5)], [true, false]);
  });
});
