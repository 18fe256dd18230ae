/**
 * Burn rates and multi-window alerts: how fast a budget is used, and when somebody must look.
 *
 * ```
 * burn(W) = (bad_W / total_W) / (1 - target)        1 = the budget lasts exactly its period
 *
 *   resolved ── burn(long) > f and burn(short) > f and both counts beyond chance (guard.ts) ──▶ firing
 *      ▲                                                                                          │
 *      └──────── burn(long) <= 0.8 f, or burn(short) <= 0.8 f, or nothing counted ────────────────┘
 * ```
 * The long window says that it matters, the short one (a twelfth of it) that it still goes on. The gap between f and
 * 0.8 f keeps a rate that hovers at the threshold from ringing again and again.
 *
 * | severity | long | short | f    | budget of 30 days used when it fires |
 * |----------|------|-------|------|--------------------------------------|
 * | page     | 1h   | 5m    | 14.4 | 2 %                                  |
 * | page     | 6h   | 30m   | 6    | 5 %                                  |
 * | ticket   | 3d   | 6h    | 1    | 10 %                                 |
 *
 * A window in which nothing was counted has no burn rate: null, never 0.
 * Source: The Site Reliability Workbook, chapter 5, "Alerting on SLOs".
 */

import type { AlertSeverity } from '../../model/slo.ts';
import { isBeyondChance } from './guard.ts';
import type { WindowCounts, WindowName } from './ring.ts';

/** Windows whose burn rates are shown. */
export const BURN_WINDOWS = ['5m', '30m', '1h', '6h', '3d'] as const satisfies readonly WindowName[];

export type BurnWindow = (typeof BURN_WINDOWS)[number];

/** When an alert fires. */
export interface AlertRule {
  readonly severity: AlertSeverity;
  readonly long: BurnWindow;
  readonly short: BurnWindow;
  /** Burn rate that both windows must exceed. */
  readonly factor: number;
}

export const ALERT_RULES: readonly AlertRule[] = [
  { severity: 'page', long: '1h', short: '5m', factor: 14.4 },
  { severity: 'page', long: '6h', short: '30m', factor: 6 },
  { severity: 'ticket', long: '3d', short: '6h', factor: 1 },
];

/** Part of its factor at which a firing alert resolves. */
const RESOLVE_RATIO = 0.8;

export type AlertState =
  | { readonly kind: 'resolved' }
  /** `sinceMs`: the clock of the evaluations. */
  | { readonly kind: 'firing'; readonly sinceMs: number };

export const RESOLVED: AlertState = { kind: 'resolved' };

/** Counts of the windows, and what the objective leaves to fail. */
export interface BurnReading {
  readonly counts: (window: BurnWindow) => WindowCounts;
  /** 1 - target, above 0. */
  readonly budgetRatio: number;
}

/** How many times faster than allowed the budget is used; null when nothing was counted. */
export function burnRate({ good, bad }: WindowCounts, budgetRatio: number): number | null {
  const total = good + bad;
  return total === 0 ? null : bad / total / budgetRatio;
}

/** The alert's next state; the same object when it stays. Cost: below 1 us. */
export function nextAlert(state: AlertState, rule: AlertRule, reading: BurnReading, nowMs: number): AlertState {
  if (state.kind === 'firing') return burnsAbove(rule, reading, rule.factor * RESOLVE_RATIO) ? state : RESOLVED;
  if (!burnsAbove(rule, reading, rule.factor)) return state;
  const isProven = isCounted(rule.long, rule, reading) && isCounted(rule.short, rule, reading);
  return isProven ? { kind: 'firing', sinceMs: nowMs } : state;
}

function burnsAbove({ long, short }: AlertRule, { counts, budgetRatio }: BurnReading, factor: number): boolean {
  const shortBurn = burnRate(counts(short), budgetRatio);
  if (shortBurn === null || shortBurn <= factor) return false;
  const longBurn = burnRate(counts(long), budgetRatio);
  return longBurn !== null && longBurn > factor;
}

function isCounted(window: BurnWindow, rule: AlertRule, { counts, budgetRatio }: BurnReading): boolean {
  const { good, bad } = counts(window);
  return isBeyondChance(bad, good + bad, rule.factor * budgetRatio);
}
