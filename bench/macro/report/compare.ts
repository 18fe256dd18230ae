/**
 * Sets the series of a scenario against one another, round by round.
 */

import type { ClosedSample } from '../scenarios/closed.ts';
import type { LatencySample } from '../scenarios/latency.ts';
import type { Series } from '../scenarios/scenario.ts';
import { differences, median, ratios, type Spread, spreadOf } from './statistics.ts';

export type ClosedSeries = Series<ClosedSample>;

/** The gateways of which the cheaper one is the measure. */
const MEASURES = ['nginx', 'haproxy'];

/** `nginx 1.22.1 10 routes` */
export function nameOf({ name, version, variant }: Series<unknown>): string {
  return [name, version, variant].filter((part) => part !== '').join(' ');
}

/** Series that were measured to the end. */
export function measured<T extends Series<unknown>>(series: readonly T[]): T[] {
  return series.filter(({ refused, samples }) => refused === null && samples.length > 0);
}

/** CPU per request, one per round. */
export function cpuOf({ samples }: ClosedSeries): number[] {
  return samples.map(({ cpuUs }) => cpuUs);
}

/** One series among those measured, or null. */
export function find<T extends Series<unknown>>(series: readonly T[], name: string, variant = ''): T | null {
  return measured(series).find((one) => one.name === name && one.variant === variant) ?? null;
}

/** Whichever of nginx and HAProxy has the lower median in this variant; null when neither was measured. */
export function cheaperOf(series: readonly ClosedSeries[], variant = ''): ClosedSeries | null {
  const [first, second] = MEASURES.map((name) => find(series, name, variant)).filter((one) => one !== null);
  if (first === undefined || second === undefined) return first ?? null;
  return median(cpuOf(first)) <= median(cpuOf(second)) ? first : second;
}

/** CPU per request of one against another's. */
export function cpuRatio(one: ClosedSeries, base: ClosedSeries): Spread {
  return spreadOf(ratios(cpuOf(one), cpuOf(base)));
}

/** 99th percentile of one minus another's, in ms. */
export function p99Difference(one: Series<LatencySample>, base: Series<LatencySample>): Spread {
  const p99 = ({ samples }: Series<LatencySample>): number[] => samples.map(({ p99Ms }) => p99Ms);
  return spreadOf(differences(p99(one), p99(base)));
}
