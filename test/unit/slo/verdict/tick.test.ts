/** The closing rule of a tick: time and arrivals, never outcomes. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PairCounts } from '#src/model/slo.ts';
import { OpenTick, TICK_MS_MIN } from '#src/slo/verdict/tick.ts';

function counts(canary: readonly [number, number], stable: readonly [number, number]): PairCounts {
  return {
    canary: { finished: canary[0], bad: canary[1] },
    stable: { finished: stable[0], bad: stable[1] },
  };
}

const NOTHING = counts([0, 0], [0, 0]);

describe('a tick', () => {
  it('closes once it is long enough and both arms finished something', () => {
    const tick = new OpenTick(1000);
    assert.equal(tick.add(counts([1, 0], [1, 0]), 1000 + TICK_MS_MIN - 1), false);
    assert.equal(tick.add(NOTHING, 1000 + TICK_MS_MIN), true);
  });

  it('waits for the arm that finished nothing, however long', () => {
    const tick = new OpenTick(0);
    assert.equal(tick.add(counts([0, 0], [40, 2]), 60_000), false);
    assert.equal(tick.add(counts([1, 1], [0, 0]), 120_000), true);
    assert.deepEqual([tick.canaryFinished, tick.canaryBad, tick.stableFinished, tick.stableBad], [1, 1, 40, 2]);
  });

  it('closes at the same time whatever the outcomes are', () => {
    for (const bad of [0, 1, 3]) {
      const tick = new OpenTick(0);
      assert.equal(tick.add(counts([3, bad], [0, 0]), 100), false);
      assert.equal(tick.add(counts([0, 0], [3, 3 - bad]), 100), true);
    }
  });

  it('begins anew, empty, when it is opened', () => {
    const tick = new OpenTick(0);
    tick.add(counts([3, 2], [9, 1]), 100);
    tick.open(100);
    assert.equal(tick.add(NOTHING, 1000), false);
    assert.deepEqual([tick.canaryFinished, tick.canaryBad, tick.stableFinished, tick.stableBad], [0, 0, 0, 0]);
    assert.equal(tick.add(counts([1, 0], [1, 0]), 1000), true);
  });
});
