/** Who does worse than the siblings, and how many may go. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Interval, judge, outMax, type Suspect } from '#src/health/judge.ts';
import { OUTLIER } from '../../support/simulate/health.ts';

const QUIET: Interval = { good: 0, bad: 0, answered: 0, waitedMs: 0 };

function counted(good: number, bad: number, meanMs = 10): Interval {
  return { good, bad, answered: good, waitedMs: good * meanMs };
}

function suspects(intervals: readonly (Interval | null)[], rows: readonly number[] = []): Suspect[] {
  return intervals.map((interval, id) => ({ id, isOut: false, inRow: rows[id] ?? 0, interval }));
}

/** Ids of the ejected, then of the withheld. */
function sentence(list: readonly Suspect[], change: Partial<typeof OUTLIER> = {}): number[][] {
  const { ejected, withheld } = judge(list, { ...OUTLIER, ...change });
  return [ejected.map(({ id }) => id), withheld.map(({ id }) => id)];
}

describe('a row of failures', () => {
  it('ejects at the threshold, not before, and says so', () => {
    assert.deepEqual(sentence(suspects([null, null, null], [4, 0, 0])), [[], []]);
    const { ejected } = judge(suspects([null, null, null], [5, 0, 0]), OUTLIER);
    assert.deepEqual(ejected, [{ id: 0, because: '5 errors in a row' }]);
  });

  it('ejects the longest first; a shared outage takes no more than the allowed share', () => {
    assert.deepEqual(sentence(suspects([null, null, null, null], [7, 9, 5, 8])), [
      [1, 3],
      [0, 2],
    ]);
  });
});

describe('a success ratio', () => {
  const healthy = counted(99, 1);

  it('below the minimum ejects when the siblings do better, with both in words', () => {
    const { ejected } = judge(suspects([healthy, counted(60, 40), healthy]), OUTLIER);
    assert.deepEqual(ejected, [{ id: 1, because: '40 of 100 attempts failed, 2 of 200 elsewhere' }]);
  });

  it('at the minimum does not', () => {
    assert.deepEqual(sentence(suspects([healthy, counted(80, 20), healthy])), [[], []]);
  });

  it('that all share ejects nobody, up to total failure', () => {
    for (const bad of [25, 50, 90, 100]) {
      const all = [counted(100 - bad, bad), counted(102 - bad, bad - 2), counted(101 - bad, bad - 1)];
      assert.deepEqual(sentence(suspects(all)), [[], []], `${bad} %`);
    }
  });

  it('of too few attempts, own or of the siblings, says nothing', () => {
    assert.deepEqual(sentence(suspects([healthy, counted(0, 49), healthy])), [[], []]);
    assert.deepEqual(sentence(suspects([counted(30, 0), counted(0, 100)])), [[], []]);
    assert.deepEqual(sentence(suspects([counted(0, 100)])), [[], []]);
    assert.deepEqual(sentence(suspects([QUIET, QUIET]), { requestsMin: 0 }), [[], []]);
  });

  it('of one bad sibling does not excuse another', () => {
    assert.deepEqual(sentence(suspects([counted(0, 100), counted(30, 70), healthy, healthy])), [[0, 1], []]);
  });

  it('of endpoints that are out already is not compared', () => {
    const list = suspects([counted(60, 40), counted(0, 900), healthy, healthy]);
    list[1] = { ...(list[1] as Suspect), isOut: true };
    assert.deepEqual(sentence(list), [[0], []]);
  });
});

describe('a mean time to the head', () => {
  const usual = counted(100, 0, 20);

  it('above the factor of the siblings’ median ejects, with both in words', () => {
    const { ejected } = judge(suspects([usual, usual, counted(100, 0, 101), counted(100, 0, 30)]), OUTLIER);
    assert.deepEqual(ejected, [{ id: 2, because: '101 ms to the response head on average, 20 ms elsewhere' }]);
  });

  it('at the factor, or slower for all, does not', () => {
    assert.deepEqual(sentence(suspects([usual, usual, counted(100, 0, 100)])), [[], []]);
    assert.deepEqual(sentence(suspects([1000, 1100, 1300].map((mean) => counted(100, 0, mean)))), [[], []]);
  });

  it('of which the difference is less than 10 ms does not', () => {
    assert.deepEqual(sentence(suspects([0.2, 0.2, 9].map((mean) => counted(100, 0, mean)))), [[], []]);
    assert.deepEqual(sentence(suspects([0.2, 0.2, 11].map((mean) => counted(100, 0, mean)))), [[2], []]);
  });

  it('of too few answers, own or of all siblings, says nothing', () => {
    assert.deepEqual(sentence(suspects([usual, counted(49, 0, 900)])), [[], []]);
    assert.deepEqual(sentence(suspects([counted(49, 0, 1), counted(100, 0, 900)])), [[], []]);
  });

  it('of two slow ones among four ejects both', () => {
    const slow = counted(100, 0, 500);
    assert.deepEqual(sentence(suspects([slow, usual, usual, usual, counted(100, 0, 400)])), [[0, 4], []]);
  });
});

describe('the share that may be out', () => {
  it('is rounded down, but one of two or more always may', () => {
    const of = (ratio: number, count: number): number => outMax(count, { ...OUTLIER, ejectedRatioMax: ratio });
    assert.deepEqual(
      [of(0.5, 1), of(0.5, 2), of(0.5, 5), of(0.1, 30), of(0, 9), of(1, 3), of(1, 1)],
      [0, 1, 2, 3, 1, 3, 0],
    );
  });

  it('includes who is out already, for whatever reason', () => {
    const list = suspects([null, null, null, null], [9, 0, 0, 0]);
    list[1] = { ...(list[1] as Suspect), isOut: true };
    list[2] = { ...(list[2] as Suspect), isOut: true };
    assert.deepEqual(sentence(list), [[], [0]]);
    assert.deepEqual(sentence(list, { ejectedRatioMax: 0.75 }), [[0], []]);
  });

  it('leaves a lone endpoint in', () => {
    assert.deepEqual(sentence(suspects([null], [50])), [[], [0]]);
  });
});
