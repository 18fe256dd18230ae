/** What is left of a budget, and for how long. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exhaustedInMs, remainingEvents, remainingRatio } from '#src/slo/budget/budget.ts';
import { WINDOW_MS } from '#src/slo/budget/ring.ts';

const B = 1 / 1024;

describe('what is left of a budget', () => {
  it('is all of it without failures, none at the target, less than none beyond', () => {
    assert.equal(remainingRatio({ good: 1024, bad: 0 }, B), 1);
    assert.equal(remainingRatio({ good: 1023, bad: 1 }, B), 0);
    assert.equal(remainingRatio({ good: 0, bad: 1024 }, B), -1023);
  });

  it('is not known when nothing was counted', () => {
    assert.equal(remainingRatio({ good: 0, bad: 0 }, B), null);
  });

  it('is a number of events, too', () => {
    assert.equal(remainingEvents({ good: 10_236, bad: 4 }, B), 6);
    assert.equal(remainingEvents({ good: 0, bad: 0 }, B), 0);
    assert.ok(remainingEvents({ good: 0, bad: 5 }, B) < 0);
  });
});

describe('the end of a budget', () => {
  it('is one period away at a burn of 1, and proportionally nearer', () => {
    assert.equal(exhaustedInMs(1, 1), WINDOW_MS['28d']);
    assert.equal(exhaustedInMs(0.5, 14), WINDOW_MS['28d'] / 28);
  });

  it('is now when nothing is left', () => {
    assert.equal(exhaustedInMs(0, 0), 0);
    assert.equal(exhaustedInMs(-3, null), 0);
  });

  it('is never without a burn, and unknown without events', () => {
    assert.equal(exhaustedInMs(0.5, 0), null);
    assert.equal(exhaustedInMs(0.5, null), null);
    assert.equal(exhaustedInMs(null, 5), null);
  });
});
