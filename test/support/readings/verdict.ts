/**
 * Verdicts to show and to judge, said with the few numbers that matter to a test.
 */

import type { ErrorsPart, LatencyComparison, LatencyPart, PromotionPart } from '#src/model/slo.ts';
import type { VerdictParts } from '#src/slo/verdict/verdict.ts';

/** Failures in both units, without a floor. */
export function errorsPart(logERequests: number, logEUsers = logERequests): ErrorsPart {
  return {
    logE: Math.min(logERequests, logEUsers),
    logERequests,
    logEUsers,
    logEAbsolute: null,
    dispersion: 1,
    spared: [],
  };
}

export const NO_LATENCY: LatencyPart = { logE: 0, isJudged: false, at: null };

export const NOT_PASSED: PromotionPart = {
  isPassed: false,
  logERelative: 0,
  logEAbsolute: 0,
  logEToPass: Math.log(40),
  goodNeeded: 919,
};

/** A canary whose p95 is worse. */
export const SLOWER: LatencyComparison = {
  quantile: 0.95,
  canaryMs: 412.3,
  stableMs: 120.4,
  canaryLimitMs: 132,
  stableLimitMs: 120,
  slow: { canary: { finished: 120, bad: 34 }, stable: { finished: 2300, bad: 117 } },
};

/** What the processes say of failures alone. */
export function parts(logERequests: number, logEUsers = logERequests, more: Partial<VerdictParts> = {}): VerdictParts {
  return {
    errors: errorsPart(logERequests, logEUsers),
    latency: NO_LATENCY,
    promotion: NOT_PASSED,
    fault: null,
    ...more,
  };
}
