/** When a version begins and ceases to refuse. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Refusals } from '#src/slo/budget/shedding/refusals.ts';

const NONE = [0, 0, 0, 0];

describe('refusals', () => {
  it('begin with the first and end when none came for 10 s', () => {
    const refusals = new Refusals();
    assert.equal(refusals.look(NONE, 0), null);
    assert.equal(refusals.look([0, 2, 0, 1], 1000), 'begins');
    assert.equal(refusals.sinceMs, 1000);
    assert.equal(refusals.look(NONE, 5000), null);
    assert.equal(refusals.look([0, 0, 0, 4], 10_500), null, 'one story');
    assert.equal(refusals.look(NONE, 20_400), null);
    assert.equal(refusals.look(NONE, 20_500), 'ends');
    assert.deepEqual([refusals.counts, refusals.lastMs, refusals.sinceMs], [[0, 2, 0, 5], 10_500, null]);
    assert.equal(refusals.look(NONE, 40_000), null);
  });

  it('are counted anew each time', () => {
    const refusals = new Refusals();
    refusals.look([9, 9, 9, 9], 0);
    refusals.look(NONE, 10_000);
    assert.equal(refusals.look([0, 0, 1, 0], 11_000), 'begins');
    assert.deepEqual([refusals.counts, refusals.sinceMs], [[0, 0, 1, 0], 11_000]);
  });

  it('every other second for a minute are two changes', () => {
    const refusals = new Refusals();
    const changes: (string | null)[] = [];
    for (let s = 0; s < 80; s++) changes.push(refusals.look(s < 60 && s % 2 === 0 ? [0, 1, 0, 0] : NONE, s * 1000));
    assert.deepEqual(
      changes.filter((change) => change !== null),
      ['begins', 'ends'],
    );
  });
});
