/** Scores by the second, and the three in a row that begin and end a policy. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BusinessConfig, CompositeConfig } from '#src/model/slo.ts';
import { formulaOf, NO_SURROUNDINGS, ROW, Score, scoreFor } from '#src/slo/budget/composite/score.ts';
import { DEFAULT_SLO } from '#src/sources/defaults.ts';

const CONFIG: CompositeConfig = {
  targetRatio: 0.99,
  atLeastRatio: 0.8,
  windowMs: 1000,
  formula: 'mean',
  weights: { success: 1, latency: 1, health: 1, dependencies: 0 },
  dependencies: [],
  whileBelow: null,
};
const NOTHING = { finished: 0, bad: 0, late: 0 };
const GOOD = { finished: 100, bad: 0, late: 0 };
const BAD = { finished: 100, bad: 100, late: 0 };

/** A score with its clock. */
class Desk {
  readonly score: Score;
  health: number | null = null;
  #second = 0;

  constructor(config: Partial<CompositeConfig> = {}, isTimed = true) {
    this.score = new Score({ kind: 'composite', config: { ...CONFIG, ...config }, isTimed });
  }

  next(counts = NOTHING): boolean | null {
    const surroundings = () => ({ health: this.health, dependencies: 0 });
    return this.score.look(counts, surroundings, ++this.#second * 1000);
  }
}

describe('a composite score', () => {
  it('says of each second whether it is good', () => {
    const desk = new Desk();
    desk.health = 1;
    assert.equal(desk.next(GOOD), true);
    assert.equal(desk.next({ finished: 100, bad: 10, late: 45 }), true);
    assert.equal(desk.score.status().now?.toFixed(4), '0.8000', '0.9, half of the good ones in time, all healthy');
    assert.equal(desk.next({ finished: 100, bad: 12, late: 45 }), false);
    assert.deepEqual(Object.keys(desk.score.status().parts), ['success', 'latency', 'health']);
  });

  it('goes by health alone while nobody asks, and by nothing when that is not known', () => {
    const desk = new Desk();
    assert.equal(desk.next(), null);
    assert.equal(desk.score.status().now, null);
    desk.health = 0.5;
    assert.equal(desk.next(), false);
    desk.health = 1;
    assert.equal(desk.next(), true);
  });

  it('has no part for latency without an objective for it', () => {
    const desk = new Desk({}, false);
    desk.next({ finished: 100, bad: 0, late: 100 });
    assert.equal(desk.score.status().parts.latency, null);
    assert.equal(desk.score.status().now, 1);
  });

  it('counts a second once, however often it is looked at, with all that it brought', () => {
    const { score } = new Desk({ windowMs: 2000 });
    assert.equal(
      score.look(GOOD, () => NO_SURROUNDINGS, 1000),
      true,
    );
    assert.equal(
      score.look(BAD, () => NO_SURROUNDINGS, 1500),
      null,
    );
    assert.equal(
      score.look(NOTHING, () => NO_SURROUNDINGS, 2000),
      false,
    );
  });

  it('is below after three seconds in a row, and steady again after three', () => {
    const desk = new Desk();
    const row = (counts: typeof GOOD, times: number): boolean[] =>
      Array.from({ length: times }, () => {
        desk.next(counts);
        return desk.score.isBelow;
      });
    assert.deepEqual(row(BAD, ROW - 1), [false, false]);
    row(GOOD, 1);
    assert.deepEqual(row(BAD, ROW), [false, false, true], 'a good second begins the row anew');
    assert.deepEqual(row(GOOD, ROW - 1), [true, true]);
    row(BAD, 1);
    assert.deepEqual(row(GOOD, ROW), [true, true, false]);
  });

  it('ends its policy when there is nothing to go by', () => {
    const desk = new Desk();
    for (let n = 0; n < ROW; n++) desk.next(BAD);
    assert.equal(desk.score.isBelow, true);
    desk.next();
    assert.equal(desk.score.isBelow, false);
  });

  it('begins a window of another length empty, and keeps one of the same', () => {
    const desk = new Desk({ windowMs: 2000 });
    desk.next(BAD);
    desk.score.follow({ kind: 'composite', config: { ...CONFIG, windowMs: 2000, formula: 'minimum' }, isTimed: true });
    assert.equal(desk.next(), false);
    desk.score.follow({ kind: 'composite', config: CONFIG, isTimed: true });
    assert.equal(desk.next(), null);
  });
});

describe('a business score', () => {
  const { errorWeights, budgetPolicy } = DEFAULT_SLO;
  const terms = { calendar: null, errorWeights, budgetPolicy };
  const business: BusinessConfig = { targetRatio: 0.99, atLeastRatio: 0.9, windowMs: 1000, lateRatio: 0.5, terms };

  it('sums up what was asked for and what was served of it', () => {
    const formula = formulaOf({ ...terms, business });
    assert.ok(formula !== null);
    const score = new Score(formula);
    assert.equal(
      score.look({ finished: 100, bad: 5, late: 10 }, () => NO_SURROUNDINGS, 1000),
      true,
    );
    assert.equal(
      score.look({ finished: 100, bad: 5, late: 12 }, () => NO_SURROUNDINGS, 2000),
      false,
    );
    assert.deepEqual(score.status(), {
      now: 0.89,
      atLeastRatio: 0.9,
      parts: {},
      isBelow: false,
      value: { asked: 200, served: 179 },
    });
  });

  it('is nobody’s who does not ask for it', () => {
    assert.equal(formulaOf(terms), null);
    assert.equal(scoreFor(terms, null), null);
  });
});
