/**
 * Turns evidence into a verdict: fail, or one of three ways of not knowing.
 *
 * - `fail`: E >= 1 / alpha and at least `badMin` bad canary requests.
 * - `no-traffic`: an arm finished nothing, so there is nothing to compare.
 * - `insufficient`: fewer canary requests, or fewer bad ones, than the policy asks for, whatever the evidence.
 * - `inconclusive`: everything else. Absence of proof is not proof of health: `pass` takes a process of its own.
 */

import type { Evidence, PairCounts, Verdict, VerdictState } from '../../model/slo.ts';

/** How sure one must be. */
export interface VerdictPolicy {
  readonly alpha: number;
  readonly badMin: number;
}

/** The e-values of both units, in nats. */
export interface LogEvidence {
  readonly logERequests: number;
  readonly logEUsers: number;
}

/** What is missing: how many are needed and how many were seen. */
export interface Shortfall {
  readonly of: 'canary requests' | 'bad canary requests';
  readonly needed: number;
  readonly seen: number;
}

/** ln(1 / alpha), the e-value that fails a canary. */
export function logEToFail(alpha: number): number {
  return -Math.log(alpha);
}

/** The verdict on `totals`, which were seen since the watch began. */
export function verdictOf(evidence: LogEvidence, totals: Evidence, policy: VerdictPolicy): Verdict {
  const { logERequests, logEUsers } = evidence;
  const verdict = {
    logE: Math.min(logERequests, logEUsers),
    logERequests,
    logEUsers,
    logEToFail: logEToFail(policy.alpha),
    requests: copyOf(totals.requests),
    users: copyOf(totals.users),
  };
  return { state: stateOf(verdict, policy), ...verdict };
}

function copyOf({ canary, stable }: PairCounts): PairCounts {
  return { canary: { ...canary }, stable: { ...stable } };
}

function stateOf(verdict: Omit<Verdict, 'state'>, policy: VerdictPolicy): VerdictState {
  const { canary, stable } = verdict.requests;
  if (verdict.logE >= verdict.logEToFail && canary.bad >= policy.badMin) return 'fail';
  if (canary.finished === 0 || stable.finished === 0) return 'no-traffic';
  return shortfallOf(verdict, policy.badMin) === null ? 'inconclusive' : 'insufficient';
}

/** What keeps the counts from ever being enough, or null. */
export function shortfallOf(verdict: Omit<Verdict, 'state'>, badMin: number): Shortfall | null {
  const { canary } = verdict.requests;
  if (canary.finished < badMin) return { of: 'canary requests', needed: badMin, seen: canary.finished };
  if (verdict.logE < verdict.logEToFail || canary.bad >= badMin) return null;
  return { of: 'bad canary requests', needed: badMin, seen: canary.bad };
}
