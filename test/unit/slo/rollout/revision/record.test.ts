import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { countsBetween, NO_COUNTS, pairOf, type RouteCounts, RouteRecord } from '#src/slo/rollout/revision/record.ts';

const counts = (finished: number, bad: number, missing = 0): RouteCounts => ({
  finished,
  bad,
  answered: finished,
  turnedAway: bad + missing,
});

suite('what a route did lately', () => {
  test('is a sum over three minutes, older blocks forgotten', () => {
    const record = new RouteRecord();
    record.add(counts(1000, 1000), 10_000);
    for (let block = 0; block < 18; block++) record.add(counts(10, 1, 2), 10_000);
    assert.deepEqual(record.sum, { finished: 180, bad: 18, answered: 180, turnedAway: 54, ms: 180_000 });
    assert.deepEqual(pairOf('errors', record.sum), [180, 18]);
    assert.equal(record.answered, 180);
    assert.deepEqual(pairOf('refusals', record.sum), [180, 54]);
  });

  test('was worst in the block with the largest share, of those with enough', () => {
    const record = new RouteRecord();
    assert.equal(record.worst('errors'), 0);
    record.add(counts(19, 19), 10_000);
    record.add(counts(100, 5, 20), 10_000);
    record.add(counts(20, 2), 10_000);
    assert.deepEqual([record.worst('errors'), record.worst('refusals')], [0.1, 0.25]);
  });

  test('clusters when failures come in a few blocks, and not when they are spread', () => {
    const spread = new RouteRecord();
    const bursts = new RouteRecord();
    for (let block = 0; block < 16; block++) {
      spread.add(counts(500, 5), 10_000);
      bursts.add(counts(500, block % 8 === 0 ? 20 : 0), 10_000);
    }
    assert.equal(spread.dispersion('errors'), 1);
    // 14 blocks with none and 2 with 20 of an expected 2.5.
    const expected = (14 * 2.5 ** 2 + 2 * 17.5 ** 2) / (2.5 * 0.995 * 15);
    assert.ok(Math.abs(bursts.dispersion('errors') - expected) < 1e-6, String(bursts.dispersion('errors')));
    bursts.add(counts(500, 500), 10_000);
    assert.equal(bursts.dispersion('errors'), 20, 'an outage is no clustering');
    const few = new RouteRecord();
    few.add(counts(100, 9), 10_000);
    few.add(counts(100, 0), 10_000);
    assert.equal(few.dispersion('errors'), 1, 'nine failures show nothing');
  });

  test('between two readings is never negative, also where a cell begins anew', () => {
    assert.deepEqual(countsBetween(counts(10, 2), counts(15, 3, 1)), counts(5, 1, 1));
    assert.deepEqual(countsBetween(counts(10, 2), counts(3, 1)), counts(3, 1));
    assert.deepEqual(countsBetween(NO_COUNTS, NO_COUNTS), NO_COUNTS);
    // A reading between two words of a writer.
    assert.deepEqual(countsBetween(counts(10, 2), { finished: 11, bad: 5, answered: 11, turnedAway: 5 }), counts(1, 1));
  });
});
