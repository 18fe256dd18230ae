import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fitOf } from '#src/slo/replay/fit.ts';

const judged = (total: number, bad: number, budgetRatio = 0.001) => fitOf({ good: total - bad, bad }, budgetRatio);

describe('a target', () => {
  it('of which nothing was counted is neither', () => assert.equal(judged(0, 0), null));

  it('is too tight when more failed than chance explains', () => {
    assert.equal(judged(100_000, 101), 'fits', 'one more than 100 is chance');
    assert.equal(judged(100_000, 130), 'too-tight');
    assert.equal(judged(100, 3), 'too-tight', 'also where not even one was allowed');
  });

  it('is too lax when a tenth of its budget would have been too much, beyond chance', () => {
    assert.equal(judged(46_100, 0), 'too-lax', 'exp(-4.61) is just below 1 %');
    assert.equal(judged(46_000, 0), 'fits');
    assert.equal(judged(1_000_000, 70), 'too-lax', '100 of 1000 would be a tenth');
    assert.equal(judged(1_000_000, 90), 'fits');
  });

  it('is not judged where it allows not even one bad event', () => {
    assert.equal(judged(999, 0), 'too-little');
    assert.equal(judged(100, 1), 'too-little', 'a single failure proves nothing');
    assert.equal(judged(1000, 0), 'fits');
  });
});
