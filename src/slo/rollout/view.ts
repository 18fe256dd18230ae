/**
 * A rollout as the status shows it: its state, its step, what the gates need and saw, what comes next.
 */

import { type Rollout, type RolloutSpec, routesOf } from '../../model/rollout.ts';
import type { Decision, Verdict } from '../../model/slo.ts';
import type { RolloutStatus, ShadowStatus } from '../../model/status.ts';
import type { ShadowView } from '../verdict/score/shadows.ts';
import { progressSentence } from '../verdict/sentence.ts';
import { namesOf } from './decision.ts';
import { gatesOf, type RolloutInput } from './gates.ts';
import { becauseOf, unjudged } from './loop/halt.ts';
import type { RolloutView } from './loop/loop.ts';
import type { Watch, WatchState } from './loop/watch.ts';
import { nextSentence, stateSentence } from './sentence.ts';

/** What is known of the canary: a verdict (null before the first look), or the decision that took it out. */
export type Knowledge =
  | { readonly kind: 'progressing'; readonly verdict: Verdict | null }
  | { readonly kind: 'rolled-back'; readonly decision: Decision };

/** The status of one rollout. */
export function statusOf(
  spec: RolloutSpec,
  rollout: Rollout,
  input: RolloutInput,
  known: Knowledge,
): Omit<RolloutStatus, 'stable' | 'canary' | 'shadows'> {
  const routes = spec.companions === undefined ? null : routesOf(spec).map(({ route }) => route);
  const told = { ...progressOf(spec, rollout, input, known.kind), ...knownOf(spec, rollout, input, known) };
  return routes === null ? told : { routes, ...told };
}

/** A watched rollout. @param input what its machine is told now */
export function viewOf({ spec, run, state }: Watch, input: RolloutInput): RolloutView {
  const shadows = state.kind === 'progressing' ? state.judgement.shadows() : [];
  const status = {
    ...statusOf(spec, run.rollout, input, knowledgeOf(spec, state)),
    shadows: shadows.map(shadowStatus),
  };
  return { route: spec.route, status: { stable: spec.stable.version, canary: spec.canary.version, ...status } };
}

/** A rollout that cannot be shown because of a defect: where it stands, and that; nothing that would have to be worked out. */
export function brokenView({ spec, run, state }: Watch, error: unknown, nowMs: number): RolloutView {
  const { route, plan, stable, canary } = spec;
  const watched = state.kind === 'rolled-back' ? state.kind : 'progressing';
  const status: RolloutStatus = {
    stable: stable.version,
    canary: canary.version,
    ...(spec.companions === undefined ? {} : { routes: routesOf(spec).map((one) => one.route) }),
    state: plan === null ? watched : run.rollout.state.kind,
    step: plan === null ? null : stepOf(run.rollout, nowMs),
    gates: [],
    next: '',
    verdict: state.kind === 'rolled-back' ? state.decision.verdict : unjudged(spec),
    sentence: `${route}: ${becauseOf(error)}`,
    shadows: [],
  };
  return { route, status };
}

function knowledgeOf(spec: RolloutSpec, state: WatchState): Knowledge {
  if (state.kind === 'rolled-back') return state;
  return { kind: 'progressing', verdict: state.kind === 'halted' ? unjudged(spec) : state.judgement.verdict(spec) };
}

/** What a policy makes of the canary that does not act. */
export function shadowStatus({ policy: { name }, verdict, hasDecided }: ShadowView): ShadowStatus {
  const { state, logE, logEToFail } = verdict;
  return { name, state, logE, logEToFail, hasDecided };
}

/** A canary that is only watched has no steps to tell of. */
function progressOf(
  spec: RolloutSpec,
  rollout: Rollout,
  input: RolloutInput,
  watched: 'progressing' | 'rolled-back',
): Pick<RolloutStatus, 'state' | 'step' | 'gates' | 'next'> {
  if (spec.plan === null) return { state: watched, step: null, gates: [], next: '' };
  const gates = gatesOf(rollout, input, spec);
  const step = stepOf(rollout, input.nowMs);
  return { state: rollout.state.kind, step, gates, next: nextSentence(rollout, gates) };
}

function knownOf(
  spec: RolloutSpec,
  rollout: Rollout,
  { nowMs }: RolloutInput,
  known: Knowledge,
): Pick<RolloutStatus, 'verdict' | 'sentence'> {
  if (known.kind === 'rolled-back') return { verdict: known.decision.verdict, sentence: known.decision.sentence };
  const { verdict } = known;
  if (spec.plan !== null) return { verdict, sentence: stateSentence(spec, rollout, nowMs) };
  const { route, canary } = spec;
  if (verdict === null) return { verdict, sentence: `${route}: ${canary.version} is watched from now on` };
  return { verdict, sentence: progressSentence(namesOf(spec), verdict) };
}

function stepOf({ state, ladder }: Rollout, nowMs: number): RolloutStatus['step'] {
  if (!('step' in state)) return null;
  const percent = ladder[state.step]?.percent ?? 0;
  return { number: state.step + 1, count: ladder.length, percent, forMs: Math.max(0, nowMs - state.sinceMs) };
}
