/** Probes of an endpoint that is half-open: one after the other, counted once, never waited for without end. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PATIENCE_MS, Trial } from '#src/health/trial.ts';
import { PROBE_RESULT } from '#src/model/threads/load/capacity.ts';

const { ignored, good, bad, answered } = PROBE_RESULT;

/** A trial whose probe `number` is under way since `atMs`. */
function underWay({ number = 1, atMs = 0, needed = 3 } = {}): Trial {
  const trial = new Trial(needed);
  trial.offered(number);
  trial.taken(atMs);
  return trial;
}

describe('a trial', () => {
  it('asks for one probe at a time', () => {
    const trial = new Trial(3);
    assert.equal(trial.isDue(0), true);
    trial.offered(1);
    assert.equal(trial.isDue(0), false);
    trial.taken(100);
    assert.equal(trial.isDue(200), false);
    trial.take(1, good, 300);
    assert.equal(trial.isDue(300), true);
  });

  it('is passed by so many good probes', () => {
    const trial = new Trial(2);
    for (const number of [7, 8]) {
      assert.equal(trial.verdict, null);
      trial.offered(number);
      trial.take(number, good, 0);
    }
    assert.deepEqual([trial.verdict, trial.passed], ['passed', 2]);
  });

  it('is failed by one bad probe', () => {
    const trial = underWay();
    trial.take(1, bad, 0);
    assert.equal(trial.verdict, 'failed');
  });

  it('counts a report once, however often it is read', () => {
    const trial = underWay();
    for (let n = 0; n < 5; n++) trial.take(1, good, 0);
    assert.equal(trial.passed, 1);
  });

  it('does not hear of probes of an earlier one', () => {
    const trial = underWay({ number: 9 });
    trial.take(8, bad, 0);
    trial.take(7, good, 0);
    assert.deepEqual([trial.verdict, trial.passed, trial.isDue(0)], [null, 0, false]);
    new Trial(1).take(1, bad, 0);
  });

  it('goes on after a probe that says nothing', () => {
    const trial = underWay();
    trial.take(1, ignored, 0);
    assert.deepEqual([trial.verdict, trial.passed, trial.isDue(0)], [null, 0, true]);
  });
});

describe('patience', () => {
  it('with an offer that nobody takes has no end', () => {
    const trial = new Trial(3);
    trial.offered(1);
    assert.equal(trial.isDue(1e9), false);
  });

  it('with a probe of which nothing is heard has one: another is made besides', () => {
    const trial = underWay({ atMs: 1000 });
    trial.taken(5000);
    assert.equal(trial.isDue(1000 + PATIENCE_MS - 1), false, 'counted from the first time that it was seen taken');
    assert.equal(trial.isDue(1000 + PATIENCE_MS), true);
    trial.offered(2);
    trial.take(2, good, 20_000);
    assert.equal(trial.passed, 1);
    trial.take(1, good, 20_000);
    assert.equal(trial.passed, 1, 'what was given up is no proof');
    trial.take(1, bad, 20_000);
    assert.equal(trial.verdict, 'failed', 'but still a failure');
  });

  it('with an answer that does not end takes its beginning for good', () => {
    const trial = underWay();
    trial.take(1, answered, PATIENCE_MS - 1);
    assert.deepEqual([trial.passed, trial.isDue(PATIENCE_MS - 1)], [0, false]);
    trial.take(1, answered, PATIENCE_MS);
    assert.deepEqual([trial.passed, trial.isDue(PATIENCE_MS)], [1, true]);
    trial.take(1, bad, PATIENCE_MS + 1);
    assert.equal(trial.verdict, 'failed', 'it broke off');
  });
});
