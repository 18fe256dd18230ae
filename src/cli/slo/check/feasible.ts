/**
 * Whether an objective can be kept, and missed, at this traffic: what its budget allows, and when its alerts can fire.
 *
 * ```
 * budget   = events in 28 days x (1 - target)          below 1: a single failure overspends it
 * an alert = both windows above factor x (1 - target)  of all that may fail, and beyond chance (slo/budget/guard.ts)
 * ```
 * In a full outage a window of n events has factor x (1 - target) x n failures after that many events, and as many as the guard asks
 * after that many; an alert whose guard asks for more failures than its short window has events never fires.
 */

import { budgetOf, type FileObjective, PERIOD_DAYS } from '../objective.ts';
import type { AlertRule, SloTools } from '../tools.ts';

/** One alert of the gateway at this traffic. */
export interface AlertForecast extends AlertRule {
  /** From the begin of a full outage, after steady traffic; null: never. */
  readonly secondsToFire: number | null;
  /** Why it never fires; empty when it does. */
  readonly because: string;
}

export interface Feasibility {
  readonly requestsPerSecond: number;
  /** Failures that 28 days allow. */
  readonly budgetEvents: number;
  readonly alerts: readonly AlertForecast[];
  /** What makes the objective one that cannot be kept or watched; empty: nothing. */
  readonly problem: string;
}

const SECONDS = { m: 60, h: 3600, d: 86_400 } as const;

/** Seconds of a window's name, `5m`. */
export function secondsOf(window: string): number {
  return Number.parseInt(window, 10) * SECONDS[window.at(-1) as keyof typeof SECONDS];
}

/** What an objective comes to at `requestsPerSecond`. */
export function feasibilityOf(
  objective: Pick<FileObjective, 'targetRatio'>,
  requestsPerSecond: number,
  tools: SloTools,
): Feasibility {
  const budgetRatio = budgetOf(objective);
  const budgetEvents = Number((requestsPerSecond * PERIOD_DAYS * SECONDS.d * budgetRatio).toPrecision(6));
  const alerts = tools.rules.map((rule) => forecast(rule, budgetRatio, requestsPerSecond, tools));
  return { requestsPerSecond, budgetEvents, alerts, problem: problemOf(budgetEvents, alerts) };
}

/** Alerts that no outage can set off, whatever the traffic: more would have to fail than there is. */
export function impossibleRules(
  { targetRatio }: Pick<FileObjective, 'targetRatio'>,
  rules: readonly AlertRule[],
): AlertRule[] {
  return rules.filter(({ factor }) => factor * budgetOf({ targetRatio }) >= 1);
}

function forecast(rule: AlertRule, budgetRatio: number, rps: number, tools: SloTools): AlertForecast {
  const never = (because: string): AlertForecast => ({ ...rule, secondsToFire: null, because });
  const errorRatio = rule.factor * budgetRatio;
  if (errorRatio >= 1) return never(`${rule.factor} times the budget is more than everything`);
  const waits = [rule.long, rule.short].map((window) => {
    const events = rps * secondsOf(window);
    const guard = tools.badNeeded(events, errorRatio);
    return guard === null ? null : Math.max(errorRatio * secondsOf(window), guard / rps);
  });
  if (waits.some((wait) => wait === null)) {
    return never(`${Number((rps * secondsOf(rule.short)).toPrecision(3))} events in ${rule.short} prove nothing`);
  }
  return { ...rule, secondsToFire: Math.max(...waits.map((wait) => wait ?? 0)), because: '' };
}

function problemOf(budgetEvents: number, alerts: readonly AlertForecast[]): string {
  if (budgetEvents < 1) return `28 days allow ${budgetEvents} failures: the first one overspends the budget`;
  const pages = alerts.filter(({ severity }) => severity === 'page');
  return pages.every(({ secondsToFire }) => secondsToFire === null) ? 'no page can ever fire' : '';
}
