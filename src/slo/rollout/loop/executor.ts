/**
 * Carries out what the machine of a rollout has decided: first the dials, then the words that say why.
 *
 * A rollback, and a pause by a defect, is in the machine before any word of it is looked for: when the words fail it stands all
 * the same (`halt.ts`).
 */

import { type RolloutSpec, routesOf, type ShadowPolicy } from '../../../model/rollout.ts';
import type { Decision } from '../../../model/slo.ts';
import type { Judgement } from '../../judgement.ts';
import type { Notary } from '../../replay/notary.ts';
import type { ShadowView } from '../../verdict/score/shadows.ts';
import { culpritOf, isLatencyStronger } from '../../verdict/verdict.ts';
import { type Known, limitsOf, type Movement, movedDecision, overruledDecision, shadowDecision } from '../decision.ts';
import { type Moved, percentOf } from '../machine.ts';
import { holdsFor, storeShare } from '../shares.ts';
import { unjudged } from './halt.ts';
import type { ControllerDeps } from './loop.ts';
import type { Moving, Watch } from './watch.ts';

export type ExecutorDeps = Pick<ControllerDeps, 'weightOf' | 'setDial' | 'nowMs' | 'explain'>;

/** How things were when a move began: weights by dial. */
interface Before {
  readonly weights: ReadonlyMap<number, number>;
  readonly decidedAtMs: number;
}

export class Executor {
  readonly #deps: ExecutorDeps;
  readonly #notary: Notary;

  constructor(deps: ExecutorDeps, notary: Notary) {
    this.#deps = deps;
    this.#notary = notary;
  }

  /**
   * The dials follow at once, and the decision says why. When that fails a rollback and a pause by a defect stand, and anything
   * else is taken back.
   * @param by who asked for it; empty: it moved by itself
   * @param settle takes the watch to where the decision leaves it
   */
  move(watch: Watch, moved: Moved, by: string, settle: (decision: Decision) => void): Moving {
    const { spec, run } = watch;
    const stands = moved.rollout.state.kind === 'rolled-back' || moved.trigger === 'defect';
    const before = { rollout: run.rollout, weights: this.#weights(spec), decidedAtMs: this.#deps.nowMs() };
    const percent = percentOf(moved.rollout);
    storeShare(spec, percent, this.#deps);
    if (stands) run.become(moved.rollout, false, null);
    try {
      const decision = this.#decision(watch, { before: before.rollout, moved, by }, before);
      settle(decision);
      return { kind: 'done', decision, holds: holdsFor(spec, percent, decision.sentence) };
    } catch (error) {
      if (!stands) for (const [dial, weight] of before.weights) this.#deps.setDial(dial, weight);
      throw error;
    }
  }

  #decision(watch: Watch, movement: Movement, { weights, decidedAtMs }: Before): Decision {
    const { spec } = watch;
    const { trigger } = movement.moved;
    const weightBefore = (weights.get(spec.canary.dial) as number) / spec.weightScale;
    const switchedInMs = this.#deps.nowMs() - decidedAtMs;
    const known = knownOf(watch);
    const isBreach = trigger === 'evidence' || trigger === 'burn';
    const culprit = isLatencyStronger(known.verdict) ? null : culpritOf(known.verdict);
    const blamed = culprit?.route ?? spec.route;
    const why = isBreach ? (this.#deps.explain?.(blamed, known.verdict) ?? '') : '';
    const measured = { decidedAtMs, switchedInMs, weightBefore, weightAfter: this.#weightOf(spec), why };
    const facts = this.#notary.note(watch.tape, known.verdict, measured, null);
    return movedDecision(spec, movement, known, facts);
  }

  /** The operator has changed what was rolled back or under way. @param watch as it was, under the new spec */
  overruled(watch: Watch): Decision {
    const { spec, state, run } = watch;
    const weightAfter = this.#weightOf(spec);
    const isRolledBack = state.kind === 'rolled-back';
    const weightBefore = isRolledBack ? state.decision.weightAfter : weightAfter;
    const known = knownOf(watch);
    const measured = { decidedAtMs: this.#deps.nowMs(), switchedInMs: 0, weightBefore, weightAfter, why: '' };
    const facts = this.#notary.note(watch.tape, known.verdict, measured, null);
    return overruledDecision(spec, isRolledBack ? null : run.rollout, known, facts);
  }

  /** A policy that does not act: what it would have done is written down. */
  shadow({ spec, tape }: Watch, judgement: Judgement, policy: ShadowPolicy): Decision {
    const weight = this.#weightOf(spec);
    const { verdict } = judgement.shadows().find((one) => one.policy === policy) as ShadowView;
    const [weightBefore, weightAfter] = [weight, weight];
    const measured = { decidedAtMs: this.#deps.nowMs(), switchedInMs: 0, weightBefore, weightAfter, why: '' };
    const known = { verdict, limits: judgement.limits, noticed: judgement };
    return shadowDecision(spec, policy, known, this.#notary.note(tape, verdict, measured, policy.name));
  }

  /** Of every version that it moves, by dial. */
  #weights(spec: RolloutSpec): ReadonlyMap<number, number> {
    const arms = routesOf(spec).flatMap(({ stable, canary }) => [stable, canary]);
    return new Map(arms.map(({ dial }) => [dial, this.#deps.weightOf(dial)]));
  }

  /** The canary's weight in the operator's units. */
  #weightOf(spec: RolloutSpec): number {
    return this.#deps.weightOf(spec.canary.dial) / spec.weightScale;
  }
}

function knownOf({ spec, state }: Watch): Known {
  if (state.kind === 'halted') return { verdict: unjudged(spec), limits: null, noticed: null };
  if (state.kind === 'rolled-back') {
    return { verdict: state.decision.verdict, limits: limitsOf(state.decision), noticed: null };
  }
  const { judgement } = state;
  return { verdict: judgement.verdictNow(spec), limits: judgement.limits, noticed: judgement };
}
