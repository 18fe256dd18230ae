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
 * Where the dials have moved and only the words failed, the machine has moved as well (`executor.ts`): then that stands.
 */

import type { RolloutCommand, RolloutSpec } from '../../../model/rollout.ts';
import type { Verdict } from '../../../model/slo.ts';
import { DEFECT_CODE } from '../../../model/threads/load/defects.ts';
import { emptyEvidence } from '../../verdict/score/account.ts';
import { verdictOf } from '../../verdict/verdict.ts';
import { type Moved, paused, rolledBack } from '../machine.ts';
import { RolloutRun } from '../run.ts';
import type { Watch } from './watch.ts';

/** A defect that comes with every look costs a look in so long, and its canary is seldom without a judge. */
export const REJUDGE_MS = 10_000;
/** Longest part of an error's message that is repeated, in characters. */
const MESSAGE_MAX = 200;

/** Halts the judgement of a rollout. Who is out stays out, and is judged no more. Never throws. */
export function halt(watch: Watch, error: unknown, nowMs: number): void {
  const { state } = watch;
  watch.tape = null;
  if (state.kind === 'rolled-back') return;
  if (state.kind === 'progressing') keepSpent(watch, state);
  watch.state = { kind: 'halted', because: becauseOf(error), againAtMs: nowMs + REJUDGE_MS };
}

/** What the rollout caused so far counts against its allowance, if that can still be told. */
function keepSpent({ run }: Watch, { judgement }: Extract<Watch['state'], { kind: 'progressing' }>): void {
  const { requests } = judgement;
  if (Number.isFinite(run.badCaused(requests))) run.rebase(requests);
}

/** A rollout that nobody has looked at yet. */
export function unseen(spec: RolloutSpec): Watch {
  const state = { kind: 'halted', because: 'nobody has looked at it yet', againAtMs: 0 } as const;
  return { spec, state, run: new RolloutRun(), tape: null, isNew: true, isLed: false };
}

/** What is to be done about a halted rollout before anything else; null: it stands still already. */
export function standStill({ state, run: { rollout }, isLed }: Watch, nowMs: number): Moved | null {
  if (state.kind !== 'halted' || isLed) return null;
  const { because } = state;
  if (rollout.state.kind === 'rolled-back') {
    return { rollout, kind: 'rollback', trigger: 'defect', because: `why could not be written down: ${because}` };
  }
  if (rollout.state.kind !== 'progressing' && rollout.state.kind !== 'baking') return null;
  return paused(rollout, rollout.state, { by: 'defect', because, nowMs });
}

/** How a person takes a halted canary out: nothing is judged and no budget asked for it, so that less can fail. */
export function wayOut(watch: Watch, { reason }: Pick<RolloutCommand, 'reason'>, nowMs: number): Moved {
  const { rollout } = watch.run;
  const begun = rollout.state.kind === 'rolled-back' ? standStill(watch, nowMs) : null;
  return begun ?? rolledBack(rollout, 'person', reason, { nowMs });
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

/** `a defect of the gateway (SLU1925): TypeError: …`, in one line. */
export function becauseOf(error: unknown): string {
  const said = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const [line = ''] = said.split('\n');
  return `a defect of the gateway (${DEFECT_CODE}): ${line.slice(0, MESSAGE_MAX)}`;
}
