/** The graded response, both ways: mild trouble ends by itself, severe trouble needs a person. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  bringBack,
  type DriftState,
  EVALUATIONS,
  type Grade,
  gradeOf,
  nextDrift,
  STEADY,
} from '#src/slo/budget/drift/grade.ts';

function after(grades: readonly Grade[], from: DriftState = STEADY, hasBetter = true): DriftState {
  let state = from;
  for (const [n, grade] of grades.entries()) state = nextDrift(state, grade, n, hasBetter);
  return state;
}

const MILD: DriftState = after(['mild', 'mild', 'mild']);
const OFFLINE: DriftState = after(['severe', 'severe', 'severe']);

describe('a version that drifts', () => {
  it('is mild after three evaluations in a row, not before', () => {
    assert.equal(EVALUATIONS, 3);
    assert.equal(after(['mild', 'mild']).kind, 'steady');
    assert.equal(MILD.kind, 'mild');
    assert.equal(after(['mild', 'mild', 'calm', 'mild', 'mild']).kind, 'steady');
  });

  it('recovers from mild by itself after three calm ones in a row', () => {
    assert.equal(after(['calm', 'calm'], MILD).kind, 'mild');
    assert.equal(after(['calm', 'calm', 'mild', 'calm', 'calm'], MILD).kind, 'mild');
    assert.deepEqual(after(['calm', 'calm', 'calm'], MILD), STEADY);
  });

  it('is offline after three severe ones in a row, from steady and from mild', () => {
    assert.equal(OFFLINE.kind, 'offline');
    assert.equal(after(['severe', 'severe', 'severe'], MILD).kind, 'offline');
    assert.equal(after(['severe', 'severe', 'mild', 'severe', 'severe']).kind, 'mild');
    assert.equal(after(['severe', 'severe', 'mild', 'severe', 'severe', 'severe']).kind, 'offline');
  });

  it('stays offline until a person brings it back', () => {
    assert.equal(after(['calm', 'calm', 'calm', 'calm'], OFFLINE), OFFLINE);
    assert.deepEqual(bringBack(OFFLINE), STEADY);
    assert.equal(bringBack(MILD), MILD);
  });

  it('neither counts nor breaks a row by what it cannot tell', () => {
    assert.equal(after(['mild', 'unknown', 'mild', 'unknown', 'mild']).kind, 'mild');
    assert.equal(after(['unknown', 'unknown', 'unknown']), STEADY);
    assert.equal(after(['unknown', 'unknown', 'unknown'], MILD), MILD);
  });

  it('goes offline only where another version does better, and then at once', () => {
    const shared = after(['severe', 'severe', 'severe', 'severe'], STEADY, false);
    assert.equal(shared.kind, 'mild');
    assert.equal(after(['severe'], shared).kind, 'offline');
  });
});

describe('a grade', () => {
  it('follows the burn rate', () => {
    assert.equal(gradeOf({ good: 10_000, bad: 10 }, 0.001), 'calm');
    assert.equal(gradeOf({ good: 9900, bad: 100 }, 0.001), 'mild');
    assert.equal(gradeOf({ good: 9000, bad: 1000 }, 0.001), 'severe');
  });

  it('is unknown when nothing, or too little, was counted', () => {
    assert.equal(gradeOf({ good: 0, bad: 0 }, 0.001), 'unknown');
    assert.equal(gradeOf({ good: 10, bad: 1 }, 0.001), 'unknown');
  });

  it('is mild where the counts prove no more than that', () => {
    // 20 of 1,000 is a burn of 20, but 25 are needed to be sure of 14.4 and 13 to be sure of 6.
    assert.equal(gradeOf({ good: 980, bad: 20 }, 0.001), 'mild');
  });
});
