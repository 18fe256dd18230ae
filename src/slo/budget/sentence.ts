/**
 * Says in one sentence with numbers what an alert is about.
 */

import type { AlertChange, SloIndicator, SloScope } from '../../model/slo.ts';
import type { WindowCounts } from './ring.ts';

/** @param shortCounts what the short window saw */
export function alertSentence(
  change: Omit<AlertChange, 'sentence'>,
  targetRatio: number,
  { good, bad }: WindowCounts,
): string {
  const { scope, name, indicator, state, severity, long, short, factor, longBurn, shortBurn, remainingRatio } = change;
  const what = `${scope} ${name}, ${indicator} ${round(targetRatio * 100)} %`;
  const burns = `burn ${times(longBurn)} over ${long} and ${times(shortBurn)} over ${short} (limit ${factor}x)`;
  const counts = `${bad} bad of ${good + bad} in ${short}`;
  const left = remainingRatio === null ? '' : `; ${leftOf(remainingRatio)}`;
  return `${what}: ${severity} ${state}, ${burns}; ${counts}${left}`;
}

/** What a spent budget comes to. @param counts of the 28 days */
export function spentSentence(
  {
    scope,
    name,
    indicator,
    targetRatio,
    remainingRatio,
  }: {
    readonly scope: SloScope;
    readonly name: string;
    readonly indicator: SloIndicator;
    readonly targetRatio: number;
    readonly remainingRatio: number;
  },
  { good, bad }: WindowCounts,
): string {
  const left = remainingRatio === 0 ? 'nothing of the budget is left' : leftOf(remainingRatio);
  return `${scope} ${name}, ${indicator} ${round(targetRatio * 100)} %: ${left}; ${bad} bad of ${good + bad} in 28 days`;
}

function leftOf(remainingRatio: number): string {
  if (remainingRatio < 0) return `the budget is overspent by ${round(-remainingRatio * 100)} %`;
  return `${round(remainingRatio * 100)} % of the budget left`;
}

function times(burn: number | null): string {
  return burn === null ? 'nothing counted' : `${round(burn)}x`;
}

/** Five digits, so that 99.95 stays what it is. */
function round(value: number): number {
  return Number(value.toPrecision(5));
}
