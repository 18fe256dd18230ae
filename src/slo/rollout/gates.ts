/**
 * The gates of a step: what must be true before a canary gets more users, each with what is needed and what was seen.
 *
 * | gate     | passes when                                                                         | asked for    |
 * |----------|-------------------------------------------------------------------------------------|--------------|
 * | evidence | the promotion process says that the canary is not worse                             | on steps     |
 * | dwell    | the step's time is over: times 2 while the budget makes rollouts slow; or the bake's | always       |
 * | requests | the canary finished enough requests on this step                                    | on steps     |
 * | alerts   | no burn-rate alert of its routes fires                                              | always       |
 * | budget   | the policy does not freeze rollouts, and the release allowance is not spent         | always       |
 *
 * Baking asks for no evidence: with everybody on the canary there is nobody left to compare it with.
 * Sentences are written when they are read: ten turns a second ask only what passes.
 * Source: docs/rollouts.md.
 */

import type { RolloutPlan } from '../../model/config.ts';
import type { Rollout, RolloutGate, RolloutSpec } from '../../model/rollout.ts';
import type { BudgetPolicyConfig } from '../../model/slo.ts';
import { type Allowance, allowanceOf, type PolicyVerdict, releaseVerdict } from '../budget/policy.ts';
import { duration, requests } from './words.ts';

/** What a route's objectives say at this moment. */
export interface BudgetReading {
  /** Least part of a budget that is left among the route's objectives; null when nothing was counted. */
  readonly remainingRatio: number | null;
  /** Bad events that the availability budget has left; null when nothing was counted. */
  readonly remainingEvents: number | null;
  /** An alert that fires, in words; null when none does. */
  readonly alert: string | null;
}

/** Nothing counted, nothing fires. */
export const NO_BUDGET: BudgetReading = { remainingRatio: null, remainingEvents: null, alert: null };

/**
 * What the objectives of all routes of a rollout say together: the least budget that is left, the events of all, the first alert.
 * @param read of one route; null: it has no objectives
 */
export function budgetOf(
  spec: Pick<RolloutSpec, 'route' | 'companions'>,
  read: (route: string) => BudgetReading | null,
): BudgetReading {
  const own = read(spec.route);
  if (spec.companions === undefined) return own ?? NO_BUDGET;
  const known = [own, ...spec.companions.map(({ route }) => read(route))].filter((reading) => reading !== null);
  const ratios = known.flatMap(({ remainingRatio }) => remainingRatio ?? []);
  const events = known.flatMap(({ remainingEvents }) => remainingEvents ?? []);
  return {
    remainingRatio: ratios.length === 0 ? null : Math.min(...ratios),
    // What one route has overspent takes nothing from another: an exhausted budget stops a rollout by itself.
    remainingEvents: events.length === 0 ? null : events.reduce((sum, left) => sum + Math.max(0, left), 0),
    alert: known.find(({ alert }) => alert !== null)?.alert ?? null,
  };
}

/** What the machine is told at an instant. */
export interface RolloutInput {
  readonly nowMs: number;
  /** The evidence rolls the canary back. */
  readonly isConvicted: boolean;
  /** The canary's own burn rate rolls it back, in words; asked only on the last step. */
  readonly burning: string | null;
  readonly promotion: { readonly isPromotable: boolean; readonly sentence: string };
  /** Canary requests finished at its present weight. */
  readonly requests: number;
  /** Bad requests that the rollout caused in this process. */
  readonly badCaused: number;
  readonly budget: BudgetReading;
}

/** What a rollout has to keep to. */
export interface RolloutTerms {
  readonly plan: RolloutPlan | null;
  readonly budgetPolicy: BudgetPolicyConfig;
}

/** What the budget allows this rollout to do. */
export function policyOf(rollout: Pick<Rollout, 'fixReason'>, input: RolloutInput, terms: RolloutTerms): PolicyVerdict {
  const { fixReason } = rollout;
  const { remainingRatio } = input.budget;
  return releaseVerdict({ remainingRatio, isFix: fixReason !== '', fixReason }, terms.budgetPolicy);
}

/** How the rollout keeps to its release allowance; null when no budget was known at its start. */
export function spendingOf(rollout: Rollout, input: RolloutInput, { budgetPolicy }: RolloutTerms): Allowance | null {
  if (rollout.leftAtStart === null) return null;
  return allowanceOf(rollout.leftAtStart, rollout.spentBefore + input.badCaused, budgetPolicy);
}

/** Why the budget stops this rollout; null when it does not. A fix may go on. */
export function budgetStop(rollout: Rollout, input: RolloutInput, terms: RolloutTerms): string | null {
  const policy = policyOf(rollout, input, terms);
  if (policy.kind === 'frozen') return policy.sentence;
  const spending = spendingOf(rollout, input, terms);
  return spending?.kind === 'spent' && rollout.fixReason === '' ? spending.sentence : null;
}

/** The gates of the present step; none where nothing is awaited. */
export function gatesOf(rollout: Rollout, input: RolloutInput, terms: RolloutTerms): RolloutGate[] {
  const { state, ladder } = rollout;
  const { plan } = terms;
  if (plan === null) return [];
  if (state.kind !== 'progressing' && state.kind !== 'paused' && state.kind !== 'baking') return [];
  const isLast = state.step === ladder.length - 1;
  const neededMs = isLast ? plan.bakeMs : dwellOf(rollout, state.step, policyOf(rollout, input, terms));
  const common = [timeGate(neededMs, input.nowMs - state.sinceMs, isLast), alertGate(input)];
  const budget = budgetGate(rollout, input, terms);
  if (isLast) return [...common, budget];
  const evidence = plan.needsEvidence ? [evidenceGate(input)] : [];
  return [...evidence, common[0] as RolloutGate, requestGate(plan, input), common[1] as RolloutGate, budget];
}

/** Shortest stay on a step, in ms. */
export function dwellOf({ ladder }: Pick<Rollout, 'ladder'>, step: number, { dwellFactor }: PolicyVerdict): number {
  return (ladder[step]?.dwellMs ?? 0) * dwellFactor;
}

function evidenceGate({ promotion }: RolloutInput): RolloutGate {
  return {
    name: 'evidence',
    isPassed: promotion.isPromotable,
    needed: null,
    seen: null,
    get sentence() {
      return promotion.sentence;
    },
  };
}

function timeGate(needed: number, seen: number, isBake: boolean): RolloutGate {
  return {
    name: 'dwell',
    isPassed: seen >= needed,
    needed,
    seen,
    get sentence() {
      return `${duration(seen)} of ${duration(needed)} ${isBake ? 'of baking' : 'on this step'}`;
    },
  };
}

function requestGate({ requestsMin: needed }: RolloutPlan, { requests: seen }: RolloutInput): RolloutGate {
  return {
    name: 'requests',
    isPassed: seen >= needed,
    needed,
    seen,
    get sentence() {
      return `${requests(seen)} of ${requests(needed)} canary requests`;
    },
  };
}

function alertGate({ budget }: RolloutInput): RolloutGate {
  const isPassed = budget.alert === null;
  return { name: 'alerts', isPassed, needed: null, seen: null, sentence: budget.alert ?? 'no burn alert fires' };
}

function budgetGate(rollout: Rollout, input: RolloutInput, terms: RolloutTerms): RolloutGate {
  const stop = budgetStop(rollout, input, terms);
  const spending = spendingOf(rollout, input, terms);
  const isCounted = spending !== null && spending.kind !== 'insufficient';
  const policy = policyOf(rollout, input, terms).sentence;
  return {
    name: 'budget',
    isPassed: stop === null,
    needed: isCounted ? spending.badMax : null,
    seen: isCounted ? rollout.spentBefore + input.badCaused : null,
    sentence: stop ?? (isCounted ? `${policy}; ${spending.sentence}` : policy),
  };
}
