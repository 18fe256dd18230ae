/**
 * What becomes of a rollout when its own turn throws: a defect of this program, which costs nobody else anything.
 *
 * ```
 *   judged ── its turn throws ──▶ halted ── REJUDGE_MS later, or a person moves it ──▶ judged, from nothing
 *                                   └─ in the same turn: progressing and baking ▶ paused by the defect
 *                                                        a rollback that was under way ▶ carried out
 * ```
 * Evidence that was taken in halfway would be worth less than none, so it is dropped with its tape. The weights stay: nobody is
 * promoted by what was not judged, and a pause by a defect ends only by a person. A halted canary is judged again from nothing,
 * so that one that fails is still taken out by its evidence.
 *
 * Where only the words of a rollback or of such a pause failed, the machine has moved all the same (`executor.ts`), and that
 * stands. The rollback is told when it can be; the pause is in the status alone.
 */

import { errorKind } from '../../../lib/text/error-kind.ts';
import type { Rollout, RolloutCommand, RolloutSpec } from '../../../model/rollout.ts';
import type { Verdict } from '../../../model/slo.ts';
import { DEFECT_CODE } from '../../../model/threads/load/defects.ts';
import { emptyEvidence } from '../../verdict/score/account.ts';
import { verdictOf } from '../../verdict/verdict.ts';
import { type Moved, paused, rolledBack } from '../machine.ts';
import { RolloutRun } from '../run.ts';
import type { Watch } from './watch.ts';

/** A defect that comes with every look costs a look in so long, and its canary is seldom without a judge. */
export const REJUDGE_MS = 10_000;

/**
 * Halts the judgement of a rollout; one that is halted keeps the time at which it is judged again. Who is out stays out, and is
 * judged no more. Never throws.
 */
export function halt(watch: Watch, error: unknown, nowMs: number): void {
  const { state } = watch;
  watch.tape = null;
  if (state.kind === 'rolled-back') return;
  if (state.kind === 'progressing') keepSpent(watch, state);
  const isHalted = state.kind === 'halted';
  const againAtMs = isHalted && state.againAtMs > nowMs ? state.againAtMs : nowMs + REJUDGE_MS;
  watch.state = { kind: 'halted', because: becauseOf(error), againAtMs, tellAtMs: isHalted ? againAtMs : nowMs };
}

/** What the rollout caused so far counts against its allowance, if that can still be told. */
function keepSpent({ run }: Watch, { judgement }: Extract<Watch['state'], { kind: 'progressing' }>): void {
  const { requests } = judgement;
  if (Number.isFinite(run.badCaused(requests))) run.rebase(requests);
}

/** A rollout that nobody has looked at yet. */
export function unseen(spec: RolloutSpec): Watch {
  const state = { kind: 'halted', because: 'nobody has looked at it yet', againAtMs: 0, tellAtMs: 0 } as const;
  return { spec, state, run: new RolloutRun(), tape: null, isNew: true, isLed: false };
}

/** Whether a halted rollout is to be judged again now; never one whose rollback is still to be told. */
export function isDue({ state, run: { rollout } }: Watch, nowMs: number): boolean {
  return state.kind === 'halted' && nowMs >= state.againAtMs && rollout.state.kind !== 'rolled-back';
}

/** What is to be done about a halted rollout before anything else; null: it stands still already, or could not just now. */
export function standStill(watch: Watch, nowMs: number): Moved | null {
  const { state, run, isLed } = watch;
  if (state.kind !== 'halted' || isLed || nowMs < state.tellAtMs) return null;
  const { rollout } = run;
  const { because } = state;
  if (rollout.state.kind === 'rolled-back') return untold(rollout, because);
  if (rollout.state.kind !== 'progressing' && rollout.state.kind !== 'baking') return null;
  return paused(rollout, rollout.state, { by: 'defect', because, nowMs });
}

/** A rollback whose words failed. */
function untold(rollout: Rollout, because: string): Moved {
  return { rollout, kind: 'rollback', trigger: 'defect', because: `why could not be written down: ${because}` };
}

/** How a person takes a halted canary out: nothing is judged and no budget asked for it, so that less can fail. */
export function wayOut({ run, state }: Watch, { reason }: Pick<RolloutCommand, 'reason'>, nowMs: number): Moved {
  const { rollout } = run;
  if (rollout.state.kind === 'rolled-back' && state.kind === 'halted') return untold(rollout, state.because);
  return rolledBack(rollout, 'person', reason, { nowMs });
}

/** The verdict on a halted canary: nothing was seen that can be believed. */
export function unjudged({ alpha, badMin, promotion }: RolloutSpec): Verdict {
  const parts = {
    errors: { logE: 0, logERequests: 0, logEUsers: 0, logEAbsolute: null, dispersion: 1, spared: [] },
    latency: { logE: 0, isJudged: false, at: null },
    promotion: {
      isPassed: false,
      logERelative: 0,
      logEAbsolute: 0,
      logEToPass: Math.log(2 / promotion.beta),
      goodNeeded: null,
    },
    fault: 'defect',
  } as const;
  return verdictOf(parts, emptyEvidence(), { alpha, badMin });
}

/** `a defect of the gateway (SLU1925): TypeError at judgement.ts:68:5`. */
export function becauseOf(error: unknown): string {
  return `a defect of the gateway (${DEFECT_CODE}): ${errorKind(error)}`;
}
