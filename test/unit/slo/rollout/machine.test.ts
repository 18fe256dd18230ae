/** The machine by itself: steps with their gates, pauses with their ends, rollbacks from everywhere. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Rollout } from '#src/model/rollout.ts';
import { obey } from '#src/slo/rollout/commands.ts';
import type { RolloutInput, RolloutTerms } from '#src/slo/rollout/gates.ts';
import {
  BUDGET_PAUSE_MS_MIN,
  IDLE,
  isOnLastStep,
  type Moved,
  passOver,
  percentOf,
  turn,
} from '#src/slo/rollout/machine.ts';
import { command, input, PLAN, TERMS } from '../../../support/simulate/machine.ts';

const MIN = 60_000;
const EXHAUSTED = { remainingRatio: -0.2, remainingEvents: -2, alert: null };

function started(terms: RolloutTerms = TERMS): Rollout {
  const moved = obey(IDLE, command('start'), input(), terms);
  assert.ok('rollout' in moved);
  return moved.rollout;
}

function moved(rollout: Rollout, changes: Partial<RolloutInput>, terms: RolloutTerms = TERMS): Moved {
  const result = turn(rollout, input(changes), terms);
  assert.ok(result !== null);
  return result;
}

/** The rollout on a step, by passed gates. */
function onStep(step: number): Rollout {
  let rollout = started();
  for (let nowMs = 0; 'step' in rollout.state && rollout.state.step < step; nowMs += 10 * MIN) {
    rollout = turn(rollout, input({ nowMs }), TERMS)?.rollout ?? rollout;
  }
  return rollout;
}

describe('a healthy rollout', () => {
  it('goes 1, 5, 25, 50, 100 %, bakes and succeeds, each at its time', () => {
    let rollout = started();
    const history: string[] = [];
    for (let nowMs = 0; nowMs <= 120 * MIN; nowMs += 1000) {
      const result = turn(rollout, input({ nowMs }), TERMS);
      if (result === null) continue;
      rollout = result.rollout;
      history.push(`${nowMs / MIN} min ${result.kind} ${percentOf(rollout)}`);
    }
    const ramp = ['2 min step 5', '4 min step 25', '6 min step 50', '16 min bake 100', '76 min succeed 100'];
    assert.deepEqual(history, ramp);
    assert.equal(rollout.state.kind, 'succeeded');
  });

  it('says what let it through', () => {
    const { because, trigger } = moved(started(), { nowMs: 2 * MIN, requests: 1204 });
    assert.equal(trigger, 'gates');
    assert.equal(
      because,
      'proven sound; 2 min of 2 min on this step; 1,204 of 1,000 canary requests; no burn alert fires; ' +
        'nothing was counted in 28 days, so the budget is whole',
    );
  });
});

describe('a step', () => {
  const late = { nowMs: 3 * MIN };
  const closed: readonly [string, Partial<RolloutInput>][] = [
    ['without evidence', { ...late, promotion: { isPromotable: false, sentence: '' } }],
    ['before its time', { nowMs: 2 * MIN - 1 }],
    ['with one request too few', { ...late, requests: 999 }],
    ['while an alert fires', { ...late, budget: { ...EXHAUSTED, remainingRatio: 1, alert: 'availability burns' } }],
  ];
  for (const [name, changes] of closed) {
    it(`${name} is not taken`, () => assert.equal(turn(started(), input(changes), TERMS), null));
  }

  it('takes twice as long while little of the budget is left', () => {
    const budget = { remainingRatio: 0.1, remainingEvents: null, alert: null };
    assert.equal(turn(started(), input({ nowMs: 4 * MIN - 1, budget }), TERMS), null);
    assert.equal(moved(started(), { nowMs: 4 * MIN, budget }).kind, 'step');
  });

  it('asks for no evidence where the plan does not', () => {
    const terms = { ...TERMS, plan: { ...PLAN, needsEvidence: false } };
    const promotion = { isPromotable: false, sentence: '' };
    assert.equal(moved(started(terms), { nowMs: 2 * MIN, promotion }, terms).kind, 'step');
  });

  it('that waits too long is paused, or rolled back where the plan says so', () => {
    const waiting = { nowMs: 120 * MIN, requests: 10 };
    assert.equal(turn(started(), input({ ...waiting, nowMs: 120 * MIN - 1 }), TERMS), null);
    const pause = moved(started(), waiting);
    assert.deepEqual([pause.kind, pause.trigger, percentOf(pause.rollout)], ['pause', 'policy', 1]);
    assert.equal(pause.because, '2 h of at most 2 h went by: 10 of 1,000 canary requests');
    assert.equal(turn(pause.rollout, input({ nowMs: 1e9 }), TERMS), null, 'a person must resume it');
    const strict = { ...TERMS, plan: { ...PLAN, onStepMax: 'rollback' } as const };
    assert.deepEqual([moved(started(strict), waiting, strict).kind, 'policy'], ['rollback', 'policy']);
  });
});

describe('the budget', () => {
  it('pauses a rollout when it is exhausted, and lets it go on when it is not any more', () => {
    const pause = moved(started(), { nowMs: MIN, budget: EXHAUSTED });
    assert.deepEqual([pause.kind, pause.trigger], ['pause', 'budget']);
    assert.match(pause.because, /overspent by 20 %: rollouts are frozen/);
    const soon = input({ nowMs: MIN + BUDGET_PAUSE_MS_MIN - 1 });
    assert.equal(turn(pause.rollout, soon, TERMS), null);
    const back = moved(pause.rollout, { nowMs: MIN + BUDGET_PAUSE_MS_MIN });
    assert.deepEqual([back.kind, back.trigger, back.rollout.state.kind], ['resume', 'budget', 'progressing']);
  });

  it('pauses a rollout that spent more than its allowance, for a person to decide', () => {
    const begun = obey(
      IDLE,
      command('start'),
      input({ budget: { ...EXHAUSTED, remainingRatio: 0.5, remainingEvents: 100 } }),
      TERMS,
    );
    assert.ok('rollout' in begun);
    assert.equal(turn(begun.rollout, input({ nowMs: 1, badCaused: 20 }), TERMS), null);
    const pause = moved(begun.rollout, { nowMs: 1, badCaused: 21 });
    assert.match(pause.because, /caused more than it may: 21 of the 20 bad events/);
    assert.equal(turn(pause.rollout, input({ nowMs: 1e8, badCaused: 21 }), TERMS), null);
  });

  it('does not stop a rollout that is labeled a fix', () => {
    const begun = obey(
      IDLE,
      command('start', { isFix: true, reason: 'stops the leak' }),
      input({ budget: EXHAUSTED }),
      TERMS,
    );
    assert.ok('rollout' in begun);
    assert.match(begun.because, /stops the leak.*but this is a fix \(stops the leak\)/);
    assert.deepEqual(
      begun.rollout.ladder.map(({ percent }) => percent),
      [0.5, 1, 5, 25, 50, 100],
    );
    assert.equal(turn(begun.rollout, input({ nowMs: 1, budget: EXHAUSTED }), TERMS), null);
  });
});

describe('a rollback', () => {
  const paused = obey(onStep(2), command('pause'), input({ nowMs: 1e6 }), TERMS);
  assert.ok('rollout' in paused);
  const succeeded: Rollout = { ...onStep(4), state: { kind: 'succeeded', step: 4, sinceMs: 0 } };
  const everywhere: readonly [string, Rollout][] = [
    ['idle', IDLE],
    ['progressing', onStep(1)],
    ['paused for a person', paused.rollout],
    ['baking', onStep(4)],
    ['succeeded', succeeded],
  ];
  for (const [name, rollout] of everywhere) {
    it(`by evidence comes at once while ${name}`, () => {
      const { rollout: after, kind, trigger } = moved(rollout, { isConvicted: true, budget: EXHAUSTED });
      assert.deepEqual([kind, trigger, percentOf(after), after.undo], ['rollback', 'evidence', 0, null]);
      assert.equal(turn(after, input({ isConvicted: true }), TERMS), null, 'and only once');
    });
  }

  it('by its own burn comes while it bakes, paused or not, and not before', () => {
    const burning = 'its own burn is 100x';
    assert.equal(moved(onStep(4), { burning }).trigger, 'burn');
    const held = obey(onStep(4), command('pause'), input(), TERMS);
    assert.ok('rollout' in held);
    assert.equal(moved(held.rollout, { burning }).kind, 'rollback');
    assert.equal(turn(onStep(3), input({ burning }), TERMS), null);
  });

  it('of a canary that is only watched needs no plan', () => {
    const { rollout } = moved(IDLE, { isConvicted: true }, { ...TERMS, plan: null });
    assert.equal(percentOf(rollout), 0);
    assert.equal(turn(IDLE, input(), { ...TERMS, plan: null }), null);
  });
});

describe('time that nobody saw', () => {
  it('makes no stay longer, whether it passed or was stepped back', () => {
    for (const gapMs of [10 * MIN, -10 * MIN]) {
      const rollout = passOver(started(), gapMs);
      assert.equal(turn(rollout, input({ nowMs: gapMs + 2 * MIN - 1 }), TERMS), null);
      assert.equal(moved(rollout, { nowMs: gapMs + 2 * MIN }).kind, 'step');
    }
    const state = passOver({ ...IDLE, state: { kind: 'idle' } }, 5).state;
    assert.deepEqual(state, { kind: 'idle' });
  });
});

describe('shares', () => {
  it('are null while the operator’s weights count, and 0 after a rollback', () => {
    assert.equal(percentOf(IDLE), null);
    assert.equal(percentOf(started()), 1);
    assert.equal(isOnLastStep(onStep(3)), false);
    assert.equal(isOnLastStep(onStep(4)), true);
  });
});
