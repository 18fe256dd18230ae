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
  RoutePart,
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
  /** Of several. */
  readonly routes?: readonly RoutePart[];
  readonly fault: Fault | null;
}

type Failing = Pick<VerdictParts, 'errors' | 'routes'>;

const NO_ROUTES: readonly number[] = [];
/** Latency is judged in every rollout: 0.7 for errors and 0.3 for latency on one route; 0.6, 0.3 and 0.1 for each by itself on several. */
const LOG_LATENCY = Math.log(weightsOf({ latency: 0, routes: NO_ROUTES }).latency);

/** ln(1 / alpha), the e-value that fails a canary. */
export function logEToFail(alpha: number): number {
  return -Math.log(alpha);
}

/** Natural logarithm of the e-value of a rollout. */
export function totalLogE(errors: number, latency: number, routes: readonly number[] = NO_ROUTES): number {
  return composeLogE({ errors, latency, routes });
}

/** Whether latency convicts by itself at `level`, without any failure. */
export function isLatencyEnough(latency: number, level: number): boolean {
  return latency + LOG_LATENCY >= level;
}

/** Whether latency is the larger part of the evidence. */
export function isLatencyStronger({ errors, latency, routes = [] }: Failing & Pick<VerdictParts, 'latency'>): boolean {
  const weights = weightsOf({ latency: latency.logE, routes: routes.map(({ logE }) => logE) });
  const failures = [errors.logE + Math.log(weights.errors)];
  for (const { logE } of routes) failures.push(logE + Math.log(weights.route));
  return latency.logE + LOG_LATENCY > Math.max(...failures);
}

/** Part of the evidence of all together that is on a route where it comes from; as of a sick endpoint. */
const CULPRIT_RATIO = 0.8;

/** The route of several on which the canary fails: nearly all of the evidence is there, or more. Null: it is no single one. */
export function culpritOf({ errors, routes = [] }: Failing): RoutePart | null {
  let culprit: RoutePart | null = null;
  let most = Math.max(0, CULPRIT_RATIO * errors.logE);
  for (const route of routes) {
    if (route.logE <= most) continue;
    culprit = route;
    most = route.logE;
  }
  return culprit;
}

/** The verdict on `totals`, which were seen since the watch began. */
export function verdictOf(parts: VerdictParts, totals: Evidence, policy: VerdictPolicy): Verdict {
  const routes = (parts.routes ?? []).map((route) => route.logE);
  const logE = totalLogE(parts.errors.logE, parts.latency.logE, routes);
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

/** Counts as they are now. */
export function copyOf({ canary, stable }: PairCounts): PairCounts {
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
