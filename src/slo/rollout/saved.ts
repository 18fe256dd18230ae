/**
 * A rollout's memory as JSON and back: what a restart must not forget.
 *
 * Times are lengths: the monotonic clock ends with the process, and the time in which no gateway ran counts for nothing.
 * The canary's requests on the step and the evidence are not kept, so a step that was under way is proven anew.
 */

import type { RolloutStep } from '../../model/config.ts';
import { SluiceError } from '../../model/problem.ts';
import {
  PAUSERS,
  ROLLOUT_COMMANDS,
  ROLLOUT_STATES,
  ROLLOUT_TRIGGERS,
  type Rollout,
  type RolloutCommandName,
  type RolloutState,
  type RolloutUndo,
  type SavedMemory,
  type SavedRollout,
  type SavedState,
} from '../../model/rollout.ts';
import type { Decision } from '../../model/slo.ts';
import type { Watch, WatchState } from './loop/watch.ts';
import { spentMore } from './machine.ts';

const FORMAT = 1;

/** Whose memory it is. */
export interface SavedOf {
  readonly route: string;
  readonly generation: string;
  /** The decision that rolled it back, when it is. */
  readonly decision: Decision | null;
}

/** Why a canary is out; null: it is not. */
export function decisionOf(state: WatchState): Decision | null {
  return state.kind === 'rolled-back' ? state.decision : null;
}

/** A watched rollout's memory. */
export function savedOf({ spec, run, state, isNew }: Watch, nowMs: number): SavedRollout {
  const { route, generation, plan } = spec;
  const badCaused = state.kind === 'progressing' ? run.badCaused(state.judgement.requests) : 0;
  const saved = toState(run.rollout, { route, generation, decision: decisionOf(state) }, { nowMs, badCaused });
  const isStartOwed = isNew && plan?.autoStart === true && run.rollout.state.kind === 'idle';
  return isStartOwed ? { ...saved, isStartOwed } : saved;
}

/** What is to outlive the process. @param badCaused in this process: `RolloutInput.badCaused` */
export function toState(rollout: Rollout, of: SavedOf, now: { nowMs: number; badCaused: number }): SavedRollout {
  const { undo, ...memory } = spentMore(rollout, now.badCaused);
  return {
    format: FORMAT,
    ...of,
    rollout: {
      ...memoryOf(memory, now.nowMs),
      undo: undo === null ? null : { ...memoryOf(undo, now.nowMs), command: undo.command },
    },
  };
}

/**
 * The memory as it goes on now; null when it is of another generation: a new rollout starts clean.
 * @throws SluiceError SLU_STATE_INVALID when it is not what `toState` writes
 */
export function fromState(saved: SavedRollout, generation: string, nowMs: number): Rollout | null {
  if (saved?.format !== FORMAT) throw invalid(`format ${String(saved?.format)}`);
  if (saved.generation !== generation) return null;
  const memory = fromMemory(saved.rollout, nowMs);
  const { undo } = saved.rollout;
  return { ...memory, undo: undo === null ? null : fromUndo(undo, nowMs) };
}

type Memory = Omit<Rollout, 'undo'>;

function memoryOf({ state, ladder, fixReason, leftAtStart, spentBefore }: Memory, nowMs: number): SavedMemory {
  return { state: savedState(state, nowMs), ladder, fixReason, leftAtStart, spentBefore };
}

function savedState(state: RolloutState, nowMs: number): SavedState {
  if (state.kind === 'idle') return { kind: 'idle' };
  const forMs = nowMs - state.sinceMs;
  if (state.kind === 'rolled-back') return { kind: state.kind, forMs, by: state.by };
  const base = { kind: state.kind, step: state.step, forMs };
  if (state.kind === 'progressing') return { ...base, waitingForMs: nowMs - state.waitingSinceMs };
  if (state.kind !== 'paused') return base;
  return { ...base, pausedForMs: nowMs - state.pausedAtMs, by: state.by, because: state.because };
}

function fromUndo(saved: SavedMemory & { readonly command: RolloutCommandName }, nowMs: number): RolloutUndo {
  const memory = fromMemory(saved, nowMs);
  if (!ROLLOUT_COMMANDS.includes(saved.command)) throw invalid(`command ${String(saved.command)}`);
  return { ...memory, command: saved.command };
}

function fromMemory(saved: SavedMemory, nowMs: number): Memory {
  if (!isRecord(saved) || !isRecord(saved.state)) throw invalid('no state');
  const { ladder, fixReason, leftAtStart, spentBefore } = saved;
  if (!Array.isArray(ladder) || !ladder.every(isStep)) throw invalid('a ladder without steps');
  if (typeof fixReason !== 'string') throw invalid('no reason');
  if (leftAtStart !== null && !Number.isFinite(leftAtStart)) throw invalid('no budget');
  if (!Number.isFinite(spentBefore)) throw invalid('no count');
  return { state: fromSavedState(saved.state, ladder.length, nowMs), ladder, fixReason, leftAtStart, spentBefore };
}

function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function isStep(step: RolloutStep): boolean {
  return isRecord(step) && step.percent > 0 && step.percent <= 100 && Number.isFinite(step.dwellMs);
}

function fromSavedState(saved: SavedState, steps: number, nowMs: number): RolloutState {
  const { kind } = saved;
  if (!ROLLOUT_STATES.includes(kind)) throw invalid(`state ${String(kind)}`);
  if (kind === 'idle') return { kind };
  const sinceMs = nowMs - ms(saved.forMs);
  if (kind === 'rolled-back') return { kind, sinceMs, by: oneOf(saved.by, ROLLOUT_TRIGGERS) };
  const step = saved.step ?? -1;
  if (!Number.isInteger(step) || step < 0 || step >= steps) throw invalid(`step ${String(step)} of ${steps}`);
  if (kind === 'progressing') return { kind, step, sinceMs, waitingSinceMs: nowMs - ms(saved.waitingForMs) };
  if (kind !== 'paused') return { kind, step, sinceMs };
  const by = oneOf(saved.by, PAUSERS);
  const { because = '' } = saved;
  if (typeof because !== 'string') throw invalid('a pause without a reason');
  return { kind, step, sinceMs, pausedAtMs: nowMs - ms(saved.pausedForMs), by, because };
}

function ms(value: number | undefined): number {
  if (value === undefined || !Number.isFinite(value)) throw invalid(`time ${String(value)}`);
  return value;
}

function oneOf<T>(value: unknown, known: readonly T[]): T {
  if (!known.includes(value as T)) throw invalid(`cause ${String(value)}`);
  return value as T;
}

function invalid(what: string): SluiceError {
  return new SluiceError('SLU_STATE_INVALID', `A saved rollout cannot be read: ${what}`);
}
