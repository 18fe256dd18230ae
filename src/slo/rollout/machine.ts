/**
 * The rollout state machine: what becomes of a rollout by itself, as time passes and evidence comes in.
 *
 * ```
 *           start             all gates passed              all gates passed, last step
 *   idle ────────▶ progressing ──────────────▶ progressing ─────────────────────────▶ baking ────────▶ succeeded
 *                    │  ▲  step k                 step k + 1                            │  ▲  all gates passed
 *      pause, budget,│  │resume, budget is back                          pause, budget  │  │resume
 *      longest wait  ▼  │                                                               ▼  │
 *                   paused                                                            paused
 *
 *   every state ── the evidence convicts, a person aborts ──▶ rolled-back      baking ── its own burn rate ──▶ rolled-back
 * ```
 * Idle keeps the operator's weights, rolled-back is weight 0, every other state has the share of its step. At most one
 * transition a turn, conviction before everything else. A step up needs every gate of the step before it (gates.ts), or a
 * person who forces it (commands.ts). Budget pauses end by themselves when the budget allows it again, but not before
 * BUDGET_PAUSE_MS_MIN: a budget that hovers at zero moves nothing more often than that.
 *
 * Pure: a rollout and an input in, another rollout out, or null when nothing changes. Time is an argument.
 * Source: docs/rollouts.md.
 */

import type { Pauser, Rollout, RolloutState, RolloutTrigger } from '../../model/rollout.ts';
import type { DecisionKind } from '../../model/slo.ts';
import { budgetStop, dwellOf, gatesOf, policyOf, type RolloutInput, type RolloutTerms } from './gates.ts';
import { duration } from './words.ts';

/** Shortest pause by the budget. */
export const BUDGET_PAUSE_MS_MIN = 60_000;

/** A rollout that has not begun. */
export const IDLE: Rollout = {
  state: { kind: 'idle' },
  ladder: [],
  fixReason: '',
  leftAtStart: null,
  spentBefore: 0,
  undo: null,
};

/** What a rollout became, and why. */
export interface Moved {
  readonly rollout: Rollout;
  readonly kind: DecisionKind;
  readonly trigger: RolloutTrigger;
  /** Why, with the numbers. */
  readonly because: string;
}

/** The canary's share of users in percent; null = as the operator wrote. */
export function percentOf({ state, ladder }: Rollout): number | null {
  if (state.kind === 'idle') return null;
  return state.kind === 'rolled-back' ? 0 : (ladder[state.step]?.percent ?? 0);
}

/** Whether the canary is on its last step, where it bakes. */
export function isOnLastStep({ state, ladder }: Rollout): boolean {
  return 'step' in state && state.step === ladder.length - 1;
}

/** Time that went by unseen, or that a clock stepped back: no stay and no wait is longer or shorter for it. */
export function passOver(rollout: Rollout, gapMs: number): Rollout {
  const { state, undo } = rollout;
  const later = undo === null ? null : { ...undo, state: shifted(undo.state, gapMs) };
  return { ...rollout, state: shifted(state, gapMs), undo: later };
}

/** Bad requests that it caused and that are counted no more, here or in the process: whoever takes a command back has caused them as well. */
export function spentMore(rollout: Rollout, badCaused: number): Rollout {
  const { spentBefore, undo } = rollout;
  const before = undo === null ? null : { ...undo, spentBefore: undo.spentBefore + badCaused };
  return { ...rollout, spentBefore: spentBefore + badCaused, undo: before };
}

function shifted(state: RolloutState, gapMs: number): RolloutState {
  if (state.kind === 'idle') return state;
  const sinceMs = state.sinceMs + gapMs;
  if (state.kind === 'progressing') return { ...state, sinceMs, waitingSinceMs: state.waitingSinceMs + gapMs };
  return state.kind === 'paused' ? { ...state, sinceMs, pausedAtMs: state.pausedAtMs + gapMs } : { ...state, sinceMs };
}

/** One turn. Null: everything stays. Cost: below 2 us. */
export function turn(rollout: Rollout, input: RolloutInput, terms: RolloutTerms): Moved | null {
  const { state } = rollout;
  if (state.kind === 'rolled-back') return null;
  if (input.isConvicted) return rolledBack(rollout, 'evidence', '', input);
  if (terms.plan === null || state.kind === 'idle' || state.kind === 'succeeded') return null;
  if (isOnLastStep(rollout) && input.burning !== null) return rolledBack(rollout, 'burn', input.burning, input);
  if (state.kind === 'paused') return state.by === 'budget' ? afterBudget(rollout, state, input, terms) : null;
  const stop = budgetStop(rollout, input, terms);
  if (stop !== null) return paused(rollout, state, { by: 'budget', because: stop, nowMs: input.nowMs });
  const gates = gatesOf(rollout, input, terms);
  if (gates.every(({ isPassed }) => isPassed)) {
    return raised(rollout, state, input.nowMs, gates.map(({ sentence }) => sentence).join('; '));
  }
  return state.kind === 'progressing' ? afterLongestWait(rollout, state, input, terms) : null;
}

/** Weight 0, for good. The memory of the run stays for `undo`, if a person did it. */
export function rolledBack(
  rollout: Rollout,
  trigger: RolloutTrigger,
  because: string,
  { nowMs }: Pick<RolloutInput, 'nowMs'>,
): Moved {
  const state: RolloutState = { kind: 'rolled-back', sinceMs: nowMs, by: trigger };
  return { rollout: { ...rollout, state, undo: null }, kind: 'rollback', trigger, because };
}

type OnStep = Extract<RolloutState, { kind: 'progressing' | 'baking' | 'paused' }>;

/** The next step, or the end of the bake. `because`: the gates that let it through, or who forced it. */
export function raised(rollout: Rollout, state: OnStep, nowMs: number, because: string): Moved {
  const last = rollout.ladder.length - 1;
  if (state.step === last) {
    const succeeded: RolloutState = { kind: 'succeeded', step: last, sinceMs: state.sinceMs };
    return { rollout: { ...rollout, state: succeeded, undo: null }, kind: 'succeed', trigger: 'gates', because };
  }
  const step = state.step + 1;
  const next = { ...rollout, state: onStep(rollout, step, { sinceMs: nowMs, nowMs }), undo: null };
  return { rollout: next, kind: step === last ? 'bake' : 'step', trigger: 'gates', because };
}

/** Progressing, or baking on the last step. */
export function onStep(
  { ladder }: Pick<Rollout, 'ladder'>,
  step: number,
  { sinceMs, nowMs }: { readonly sinceMs: number; readonly nowMs: number },
): RolloutState {
  if (step === ladder.length - 1) return { kind: 'baking', step, sinceMs };
  return { kind: 'progressing', step, sinceMs, waitingSinceMs: nowMs };
}

/** Stands still at its weight. */
export function paused(
  rollout: Rollout,
  { step, sinceMs }: OnStep,
  { by, because, nowMs }: { readonly by: Pauser; readonly because: string; nowMs: number },
): Moved {
  const state: RolloutState = { kind: 'paused', step, sinceMs, pausedAtMs: nowMs, by, because };
  return { rollout: { ...rollout, state, undo: null }, kind: 'pause', trigger: by, because };
}

function afterBudget(
  rollout: Rollout,
  state: Extract<RolloutState, { kind: 'paused' }>,
  input: RolloutInput,
  terms: RolloutTerms,
): Moved | null {
  const { nowMs } = input;
  if (nowMs - state.pausedAtMs < BUDGET_PAUSE_MS_MIN || budgetStop(rollout, input, terms) !== null) return null;
  const next = { ...rollout, state: onStep(rollout, state.step, { sinceMs: state.sinceMs, nowMs }), undo: null };
  return { rollout: next, kind: 'resume', trigger: 'budget', because: policyOf(rollout, input, terms).sentence };
}

/** The wait is never shorter than the stay that the step asks for. */
function afterLongestWait(
  rollout: Rollout,
  state: Extract<RolloutState, { kind: 'progressing' }>,
  input: RolloutInput,
  terms: RolloutTerms,
): Moved | null {
  const { plan } = terms;
  if (plan === null) return null;
  const policy = policyOf(rollout, input, terms);
  const waitedMs = input.nowMs - state.waitingSinceMs;
  const maxMs = Math.max(plan.stepMaxMs, dwellOf(rollout, state.step, policy));
  if (waitedMs < maxMs) return null;
  const missing = gatesOf(rollout, input, terms).filter(({ isPassed }) => !isPassed);
  const because = `${duration(waitedMs)} of at most ${duration(maxMs)} went by: ${missing.map(({ sentence }) => sentence).join('; ')}`;
  if (plan.onStepMax === 'rollback') return rolledBack(rollout, 'policy', because, input);
  return paused(rollout, state, { by: 'policy', because, nowMs: input.nowMs });
}
