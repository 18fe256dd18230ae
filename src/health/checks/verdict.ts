/**
 * What a row of checks says about an endpoint. Pure.
 *
 * ```
 *   unknown ── passes ──▶ healthy ── unhealthyCount failures in a row ──▶ unhealthy
 *      │                     ▲                                               │ ▲
 *      │                     └───────── healthyCount passes in a row ────────┘ │
 *      └─────────────────── unhealthyCount failures in a row ──────────────────┘
 * ```
 * Unknown counts as healthy: a gateway that just started serves.
 */

import type { HealthCheckConfig } from '../../model/config.ts';

/** What came of one check: null = passed, else why it failed. */
export type CheckResult = string | null;

export type CheckVerdict =
  | { readonly kind: 'unknown'; readonly failures: number }
  | { readonly kind: 'healthy'; readonly failures: number }
  | { readonly kind: 'unhealthy'; readonly passes: number; readonly failures: number; readonly because: string };

export const UNKNOWN: CheckVerdict = { kind: 'unknown', failures: 0 };

/** The verdict after one more check. */
export function afterCheck(
  before: CheckVerdict,
  result: CheckResult,
  { healthyCount, unhealthyCount }: Pick<HealthCheckConfig, 'healthyCount' | 'unhealthyCount'>,
): CheckVerdict {
  if (result !== null) {
    const failures = before.failures + 1;
    if (before.kind !== 'unhealthy' && failures < unhealthyCount) return { kind: before.kind, failures };
    return { kind: 'unhealthy', passes: 0, failures, because: result };
  }
  if (before.kind !== 'unhealthy' || before.passes + 1 >= healthyCount) return { kind: 'healthy', failures: 0 };
  return { ...before, passes: before.passes + 1 };
}

/** Why the endpoint is out, or null while it is not. */
export function sentenceOf(verdict: CheckVerdict, path: string): string | null {
  if (verdict.kind !== 'unhealthy') return null;
  return `${verdict.failures} health checks of ${path} failed, the last: ${verdict.because}`;
}

/** The system's word where there is one, `ECONNREFUSED`; else the message. */
export function wordOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  return code ?? error.message;
}
