/** Random histories of rollouts: commands, gates, budgets, gaps and restarts in any order. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Rollout, SavedRollout } from '#src/model/rollout.ts';
import { ROLLOUT_COMMANDS } from '#src/model/rollout.ts';
import { obey } from '#src/slo/rollout/commands.ts';
import type { RolloutInput, RolloutTerms } from '#src/slo/rollout/gates.ts';
import { IDLE, type Moved, passOver, percentOf, turn } from '#src/slo/rollout/machine.ts';
import { fromState, toState } from '#src/slo/rollout/saved.ts';
import { samples } from '../../support/runner/depth.ts';
import { SPEC } from '../../support/simulate/detection.ts';
import { command, input, PLAN } from '../../support/simulate/machine.ts';

const SEED = 20_261_121;
const RUNS = samples(1500, 150);
const DWELL_MS = 3000;

const steps = fc
  .uniqueArray(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 6 })
  .map((tenths) => tenths.toSorted((a, b) => a - b).map((tenth) => ({ percent: tenth / 10, dwellMs: DWELL_MS })));

const terms: fc.Arbitrary<RolloutTerms> = fc
  .record({ steps, needsEvidence: fc.boolean(), onStepMax: fc.constantFrom('pause', 'rollback') })
  .map((changes) => ({
    plan: { ...PLAN, ...changes, requestsMin: 10, stepMaxMs: 9000, bakeMs: 5000 },
    budgetPolicy: SPEC.budgetPolicy,
  }));

/** What happens next: time and readings, a command, a gap, or a restart. */
const event = fc.record({
  afterMs: fc.integer({ min: 0, max: 4000 }),
  isConvicted: fc.nat(150).map((n) => n === 0),
  isBurning: fc.nat(80).map((n) => n === 0),
  isPromotable: fc.nat(3).map((n) => n > 0),
  requests: fc.integer({ min: 5, max: 40 }),
  badCaused: fc.integer({ min: 0, max: 22 }),
  remainingRatio: fc.constantFrom(null, 1, 1, 1, 1, 1, 0.1, -0.1),
  alert: fc.constantFrom(null, null, null, null, null, 'burns'),
  command: fc.constantFrom(null, null, null, null, null, null, 'start', 'resume', ...ROLLOUT_COMMANDS),
  isFix: fc.nat(9).map((n) => n === 0),
  gapMs: fc.constantFrom(0, 0, 0, 0, 60_000, -60_000),
  isRestart: fc.nat(9).map((n) => n === 0),
});

type Event = typeof event extends fc.Arbitrary<infer T> ? T : never;

const history = fc.array(event, { minLength: 20, maxLength: 80 });

function readingOf(one: Event, nowMs: number): RolloutInput {
  const { isConvicted, isPromotable, requests, badCaused, remainingRatio, alert } = one;
  return input({
    nowMs,
    isConvicted,
    burning: one.isBurning ? 'burns' : null,
    promotion: { isPromotable, sentence: 'evidence' },
    requests,
    badCaused,
    budget: { remainingRatio, remainingEvents: remainingRatio === null ? null : 100, alert },
  });
}

function share(rollout: Rollout): number {
  return percentOf(rollout) ?? 0;
}

/** What speaks against a step, or against the end of the bake, by rules written here once more. @param stayMs at this share */
function against(
  rollout: Rollout,
  { reading, of, stayMs }: { reading: RolloutInput; of: RolloutTerms; stayMs: number },
) {
  const { plan, budgetPolicy } = of;
  const { budget, promotion, requests, badCaused } = reading;
  assert.ok(plan !== null && 'step' in rollout.state, 'a step of a rollout that has none');
  const isBaking = rollout.state.step === rollout.ladder.length - 1;
  const left = budget.remainingRatio ?? 1;
  const neededMs = isBaking ? plan.bakeMs : DWELL_MS * (left < budgetPolicy.slowBelowRatio ? 2 : 1);
  const mayCause = Math.floor((rollout.leftAtStart ?? 0) * budgetPolicy.releaseAllowanceRatio);
  const isSpent = left <= 0 || (mayCause >= 1 && badCaused > mayCause);
  const speaks: Readonly<Record<string, boolean>> = {
    'its evidence': plan.needsEvidence && !isBaking && !promotion.isPromotable,
    'its requests': !isBaking && requests < plan.requestsMin,
    'its time': stayMs < neededMs,
    'an alert': budget.alert !== null,
    'the budget': isSpent && rollout.fixReason === '',
  };
  return Object.keys(speaks).filter((name) => speaks[name]);
}

/** Every rise of the share, and the end of a bake, has a cause that allows it. */
function checkRise(
  before: Rollout,
  moved: Moved,
  terms: { reading: RolloutInput; of: RolloutTerms; stayMs: number },
): void {
  const { rollout, kind } = moved;
  if (kind === 'step' || kind === 'bake' || kind === 'succeed') assert.deepEqual(against(before, terms), [], kind);
  if (share(rollout) <= share(before) || kind === 'step' || kind === 'bake') return;
  if (kind === 'start') {
    assert.equal(share(rollout), rollout.ladder[0]?.percent, 'a start above the first step');
  } else if (kind === 'undo') {
    assert.equal(share(rollout), share({ ...before.undo, undo: null } as Rollout), 'an undo to where nobody was');
  } else assert.equal(kind, 'promote', `${kind} gives users to the canary`);
}

/** Plays one history; checks every transition and returns how many of each kind there were. */
function play(of: RolloutTerms, events: readonly Event[], moves = new Map<string, number>()): Map<string, number> {
  let rollout = IDLE;
  let nowMs = 1_000_000;
  /** When the canary got its share; time that nobody saw is none. */
  let sharedAtMs = nowMs;
  const take = (moved: Moved, reading: RolloutInput) => {
    checkRise(rollout, moved, { reading, of, stayMs: nowMs - sharedAtMs });
    const { state } = moved.rollout;
    if ('step' in state && 'step' in rollout.state)
      assert.ok(state.step <= rollout.state.step + 1, 'more than one step');
    assert.notEqual(state, rollout.state, 'a transition to the same state');
    if (percentOf(moved.rollout) !== percentOf(rollout)) sharedAtMs = nowMs;
    rollout = moved.rollout;
    moves.set(moved.kind, (moves.get(moved.kind) ?? 0) + 1);
  };
  for (const one of events) {
    nowMs += one.afterMs + one.gapMs;
    sharedAtMs += one.gapMs;
    if (one.gapMs !== 0) rollout = passOver(rollout, one.gapMs);
    if (one.isRestart) {
      const saved = toState(rollout, { route: 'r', generation: 'g', decision: null }, { nowMs, badCaused: 0 });
      const back = fromState(JSON.parse(JSON.stringify(saved)) as SavedRollout, 'g', nowMs);
      assert.deepEqual(back, rollout);
      rollout = back;
    }
    const reading = readingOf(one, nowMs);
    if (one.command !== null) {
      const kept = structuredClone(rollout);
      const result = obey(rollout, command(one.command, { isFix: one.isFix, reason: 'r' }), reading, of);
      assert.deepEqual(rollout, kept, 'a command changes nothing but by its answer');
      if ('rollout' in result) take(result, reading);
      if (one.command === 'abort') assert.equal(share(rollout), 0, 'abort is refused');
    }
    const isOut = rollout.state.kind === 'rolled-back';
    const moved = turn(rollout, reading, of);
    if (moved !== null) take(moved, reading);
    if (one.isConvicted) assert.equal(rollout.state.kind, 'rolled-back', 'a conviction without a rollback');
    if (isOut) assert.equal(moved, null, 'a rolled-back canary moved by itself');
  }
  return moves;
}

describe('any history of a rollout', () => {
  it('takes no step without its gates, rolls back at once from everywhere, and survives any restart', (t) => {
    t.diagnostic(`seed ${SEED}, ${RUNS} histories`);
    const moves = new Map<string, number>();
    fc.assert(
      fc.property(terms, history, (of, events) => {
        play(of, events, moves);
      }),
      { seed: SEED, numRuns: RUNS },
    );
    const all = [...moves.values()].reduce((sum, count) => sum + count, 0);
    t.diagnostic([...moves].map(([kind, count]) => `${kind} ${count}`).join(', '));
    assert.ok(all > RUNS * 5, `only ${all} transitions: the histories do not say much`);
    for (const kind of ['step', 'bake', 'succeed', 'pause', 'rollback', 'undo']) {
      assert.ok((moves.get(kind) ?? 0) > RUNS / 50, `next to no ${kind}: ${moves.get(kind)}`);
    }
  });

  it('is aborted in one command, whatever state it is in', (t) => {
    t.diagnostic(`seed ${SEED}`);
    fc.assert(
      fc.property(terms, history, (of, events) => {
        const aborted = obey(IDLE, command('abort'), input(), of);
        assert.ok('rollout' in aborted);
        play(of, [...events, { ...(events[0] as Event), command: 'abort' }]);
      }),
      { seed: SEED, numRuns: samples(200, 40) },
    );
  });
});
