/** Priorities and cohorts. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { STANDING_CANARY, STANDINGS } from '#src/model/threads/load/standing.ts';
import {
  COHORTS,
  cohortOf,
  firstAlike,
  KEYS,
  keyOf,
  PRIORITY_DEFAULT,
  rankOf,
  rankOfWord,
} from '#src/proxy/decide/admission/priority.ts';
import { bytesPerCall, COUNTED } from '../../../../support/proxy/allocation.ts';

const HOUR_MS = 3_600_000;

describe('a priority', () => {
  it('is a rank: critical first, then default, degraded, best-effort', () => {
    assert.deepEqual((['critical', 'default', 'degraded', 'best-effort'] as const).map(rankOf), [0, 1, 2, 3]);
    assert.equal(PRIORITY_DEFAULT, 1);
  });

  it('that a peer names counts only if it is one of the words, exactly', () => {
    assert.equal(rankOfWord('critical', 2), 0);
    for (const word of [null, '', 'Critical', 'critical ', 'urgent', '0']) assert.equal(rankOfWord(word, 2), 2);
  });

  it('weighs more than any cohort', () => {
    for (let user = 0; user < 1000; user++) {
      const key = keyOf(1, user, 0);
      assert.ok(key >= STANDINGS * COHORTS && key < (STANDINGS + 1) * COHORTS);
      assert.ok(keyOf(3, user, 0, STANDING_CANARY) < KEYS);
    }
  });

  it('weighs more than any standing, and a standing more than any cohort', () => {
    for (let user = 0; user < 1000; user++) {
      assert.ok(keyOf(0, user, 0, STANDING_CANARY) < keyOf(1, user + 1, 0, 0));
      for (let standing = 1; standing < STANDINGS; standing++) {
        assert.ok(keyOf(1, user, 0, standing - 1) < keyOf(1, user + 1, 0, standing));
      }
    }
  });

  it('has one first key for all cohorts that stand alike, after every key of what goes before', () => {
    for (const user of [0, 7, 123_456]) {
      assert.equal(firstAlike(keyOf(1, user, 0, 2)), (1 * STANDINGS + 2) * COHORTS);
      assert.ok(keyOf(1, user, 0, 1) < firstAlike(keyOf(1, user, 0, 2)));
    }
  });

  it('and standing leave the order of cohorts as it is', () => {
    for (let user = 0; user < 1000; user++) {
      for (let standing = 0; standing < STANDINGS; standing++) {
        assert.equal(keyOf(2, user, 0, standing) % COHORTS, cohortOf(user, 0));
      }
    }
  });
});

describe('a cohort', () => {
  it('is the same for an hour and mostly another in the next', () => {
    let moved = 0;
    for (let user = 0; user < 1000; user++) {
      assert.equal(cohortOf(user, 5 * HOUR_MS), cohortOf(user, 6 * HOUR_MS - 1));
      if (cohortOf(user, 5 * HOUR_MS) !== cohortOf(user, 6 * HOUR_MS)) moved += 1;
    }
    assert.ok(moved > 950, `${moved}`);
  });

  it('has its share of users', () => {
    const counts = new Array<number>(COHORTS).fill(0);
    for (let user = 0; user < 128_000; user++)
      counts[cohortOf(Math.imul(user, 7919), 0)] = (counts[cohortOf(Math.imul(user, 7919), 0)] as number) + 1;
    assert.ok(
      Math.min(...counts) > 850 && Math.max(...counts) < 1150,
      `${Math.min(...counts)}..${Math.max(...counts)}`,
    );
  });

  it('costs no memory', COUNTED, () => {
    let user = 0;
    assert.equal(
      bytesPerCall(() => keyOf(2, user++ & 0xffff, 12_345_678, 3)),
      0,
    );
  });
});
