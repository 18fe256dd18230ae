/**
 * Turns evidence into a verdict: fail, pass, or one of the ways of not knowing.
 *
 * - `sli-broken`: the evidence cannot be believed (`soundness.ts`); nothing else counts then.
 * - `fail`: E >= 1 / alpha, and at least `badMin` bad canary requests unless latency alone convicts.
 * - `no-traffic`: an arm finished nothing, so there is nothing to compare.
 * - `insufficient`: fewer than `badMin` canary requests, or fewer bad ones although the evidence would convict.
 * - `pass`: the promotion process says so. Absence of proof is not proof of health.
 * - `inconclusive`: everything else.
 */

import type {
  ErrorsPart,
  Evidence,
  Fault,
  LatencyPart,
  PairCounts,
  PromotionPart,
  Shortfall,
  Verdict,
  VerdictState,
} from '../../model/slo.ts';
import { composeLogE, weightsOf } from './compose.ts';

/** How sure one must be. */
export interface VerdictPolicy {
  readonly alpha: number;
  readonly badMin: number;
}

/** What each process says. */
export interface VerdictParts {
  readonly errors: ErrorsPart;
  readonly latency: LatencyPart;
  readonly promotion: PromotionPart;
  readonly fault: Fault | null;
}

/** Latency is judged in every rollout, of one route each: 0.7 for errors, 0.3 for latency. */
const JUDGED = { latency: 0, routes: [] } as const;
const WEIGHTS = weightsOf(JUDGED);

/** ln(1 / alpha), the e-value that fails a canary. */
export function logEToFail(alpha: number): number {
  return -Math.log(alpha);
}

/** Natural logarithm of the e-value of a rollout. */
export function totalLogE(errors: number, latency: number): number {
  return composeLogE({ errors, latency, routes: JUDGED.routes });
}

/** Whether latency convicts by itself at `level`, without any failure. */
export function isLatencyEnough(latency: number, level: number): boolean {
  return latency + Math.log(WEIGHTS.latency) >= level;
}

/** Whether latency is the larger part of the evidence. */
export function isLatencyStronger(errors: number, latency: number): boolean {
  return latency + Math.log(WEIGHTS.latency) > errors + Math.log(WEIGHTS.errors);
}

/** The verdict on `totals`, which were seen since the watch began. */
export function verdictOf(parts: VerdictParts, totals: Evidence, policy: VerdictPolicy): Verdict {
  const logE = totalLogE(parts.errors.logE, parts.latency.logE);
  const level = logEToFail(policy.alpha);
  const { canary } = totals.requests;
  const isProven = logE >= level;
  const isEnough = canary.bad >= policy.badMin || isLatencyEnough(parts.latency.logE, level);
  const shortfall = shortfallOf(totals.requests, policy.badMin, isProven && !isEnough);
  return {
    state: stateOf(parts, totals.requests, { isFail: isProven && isEnough, shortfall }),
    logE,
    logEToFail: level,
    ...parts,
    shortfall,
    requests: copyOf(totals.requests),
    users: copyOf(totals.users),
  };
}

function copyOf({ canary, stable }: PairCounts): PairCounts {
  return { canary: { ...canary }, stable: { ...stable } };
}

function stateOf(
  { fault, promotion }: VerdictParts,
  { canary, stable }: PairCounts,
  { isFail, shortfall }: { readonly isFail: boolean; readonly shortfall: Shortfall | null },
): VerdictState {
  if (fault !== null) return 'sli-broken';
  if (isFail) return 'fail';
  if (canary.finished === 0 || stable.finished === 0) return 'no-traffic';
  if (shortfall !== null) return 'insufficient';
  return promotion.isPassed ? 'pass' : 'inconclusive';
}

/** What keeps the counts from being enough, or null. */
function shortfallOf({ canary }: PairCounts, badMin: number, isBadMissing: boolean): Shortfall | null {
  if (isBadMissing) return { of: 'bad canary requests', needed: badMin, seen: canary.bad };
  if (canary.finished < badMin) return { of: 'canary requests', needed: badMin, seen: canary.finished };
  return null;
}
