/** Evidence that cannot be believed: stable down, counters that do not add up, a clock with gaps; each ends by itself. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PairCounts } from '#src/model/slo.ts';
import { Soundness } from '#src/slo/verdict/soundness.ts';

function stable(finished: number, bad: number): PairCounts {
  return { canary: { finished: 5, bad: 0 }, stable: { finished, bad } };
}

describe('a stable version that fails altogether', () => {
  it('is no measure after 20 failures in a row, and is one again with its first good answer', () => {
    const soundness = new Soundness();
    for (let n = 1; n <= 3; n++) soundness.look(stable(5, 5), true, 100 * n);
    soundness.look(stable(4, 4), true, 400);
    assert.equal(soundness.fault, null);
    soundness.look(stable(0, 0), true, 500);
    soundness.look(stable(1, 1), true, 600);
    assert.equal(soundness.fault, 'stable-down');
    soundness.look(stable(50, 49), true, 700);
    assert.equal(soundness.fault, null);
  });
});

describe('counters', () => {
  it('that do not add up for a moment are a reading between two words, for five seconds a fault', () => {
    const soundness = new Soundness();
    for (let n = 0; n < 49; n++) soundness.look(stable(5, 0), false, 100 * n);
    assert.equal(soundness.fault, null);
    soundness.look(stable(5, 0), false, 5000);
    assert.equal(soundness.fault, 'counters');
    soundness.look(stable(5, 0), true, 5100);
    assert.equal(soundness.fault, null);
  });
});

describe('gaps', () => {
  it('three times within a minute are a fault, for that minute', () => {
    const soundness = new Soundness();
    for (const atMs of [0, 100_000, 110_000]) soundness.gap(atMs);
    assert.equal(soundness.fault, null);
    soundness.gap(120_000);
    assert.equal(soundness.fault, 'clock');
    soundness.look(stable(5, 0), true, 159_900);
    assert.equal(soundness.fault, 'clock');
    soundness.look(stable(5, 0), true, 160_000);
    assert.equal(soundness.fault, null);
  });
});
