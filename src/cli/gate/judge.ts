/**
 * Says whether a release may go on: by the live error budgets, and by what a route did before.
 *
 * ```
 * budget    frozen, below the least, or an alert fires: closed. Nothing counted: not known, which is not open
 * errors    of the requests since the baseline as many failed as no chance explains at
 *           (bad + 1) / (requests + 1) of the baseline x (1 + tolerance): closed
 * p99       of the requests since the baseline more than no chance explains at 1 in 100 took longer than the p99 of the baseline
 *           x (1 + tolerance): closed
 * ```
 * Adding one failure to the baseline keeps one without any from making two failures of a million a reason.
 */

import { bucketIndex, countsSince, quantile, type SparseCounts } from '../../lib/histogram.ts';
import type { RouteStatus, SloStatus, Status } from '../../model/status.ts';
import type { Baseline } from './baseline.ts';

export interface GateCheck {
  readonly about: 'budget' | 'errors' | 'p99';
  readonly state: 'pass' | 'fail' | 'no-data';
  /** In one sentence with numbers; whose it is comes first. */
  readonly sentence: string;
}

/** Objectives of the routes that are asked about, and of the services they lead to. @param routes empty: all */
export function objectivesOf({ slos, routes }: Pick<Status, 'slos' | 'routes'>, asked: readonly string[]): SloStatus[] {
  if (asked.length === 0) return [...slos];
  const own = routes.filter(({ name }) => asked.includes(name));
  const services = new Set(own.flatMap(({ versions }) => versions.map(({ service }) => service)));
  return slos.filter(({ scope, name }) =>
    scope === 'route' ? asked.includes(name) : scope === 'service' && services.has(name),
  );
}

/** One check for each objective. @param leastRatio part of the budget that must be left */
export function budgetChecks(slos: readonly SloStatus[], leastRatio: number): GateCheck[] {
  return slos.map((slo) => {
    const { state, why } = budgetOf(slo, leastRatio);
    return { about: 'budget', state, sentence: `${slo.indicator} of ${slo.scope} ${slo.name}: ${why}` };
  });
}

function budgetOf(slo: SloStatus, leastRatio: number): { readonly state: GateCheck['state']; readonly why: string } {
  const { remainingRatio, alerts, policy } = slo;
  if (remainingRatio === null) return { state: 'no-data', why: 'nothing was counted in 28 days' };
  const firing = alerts.find(({ isFiring }) => isFiring);
  if (firing !== undefined) {
    const { severity, factor, long, short } = firing;
    return { state: 'fail', why: `a ${severity} fires, burning above ${factor}x over ${long} and ${short}` };
  }
  if (policy.kind === 'frozen') return { state: 'fail', why: policy.sentence };
  const left = `${percent(remainingRatio)} of the budget is left`;
  if (remainingRatio < leastRatio) return { state: 'fail', why: `${left}, less than ${percent(leastRatio)}` };
  return { state: 'pass', why: left };
}

export interface Comparison {
  /** Share by which a route may be worse. */
  readonly tolerance: number;
  /** Fewest failures of `total` that no chance explains at a ratio; null: not even all of them. */
  badNeeded(total: number, expectedRatio: number): number | null;
}

/** Two checks for each route of the baseline that is there: errors and p99. */
export function baselineChecks(
  status: Pick<Status, 'startedAt' | 'routes' | 'latencies'>,
  baseline: Baseline,
  comparison: Comparison,
): GateCheck[] {
  const isSame = status.startedAt === baseline.startedAt;
  return status.routes.flatMap((route) => {
    const before = baseline.routes.find(({ name }) => name === route.name);
    if (before === undefined) return [];
    const now = status.latencies.find((one) => one.route === route.name)?.counts ?? [];
    return [errorsOf(route, before, isSame, comparison), p99Of(now, before, isSame, comparison)];
  });
}

type Before = Baseline['routes'][number];

/** Of the same process, only what came since. @param isSame the counts go on from those of the baseline */
function errorsOf(route: RouteStatus, before: Before, isSame: boolean, comparison: Comparison): GateCheck {
  const requests = route.requests - (isSame ? before.requests : 0);
  const bad = route.bad - (isSame ? before.bad : 0);
  const whose = `errors of route ${route.name}: `;
  if (requests <= 0) return { about: 'errors', state: 'no-data', sentence: `${whose}no request since the baseline` };
  const expectedRatio = ((before.bad + 1) / (before.requests + 1)) * (1 + comparison.tolerance);
  const needed = comparison.badNeeded(requests, expectedRatio);
  const seen = `${bad} bad of ${requests}, ${before.bad} of ${before.requests} before`;
  if (needed === null || bad < needed) return { about: 'errors', state: 'pass', sentence: whose + seen };
  return { about: 'errors', state: 'fail', sentence: `${whose}${seen}; ${needed} are beyond chance` };
}

/** @param now latencies since the start of the process */
function p99Of(now: SparseCounts, before: Before, isSame: boolean, comparison: Comparison): GateCheck {
  const about = 'p99';
  const whose = `p99 of route ${before.name}: `;
  if (before.latencies === undefined) {
    const sentence = `${whose}the baseline is too old to compare it; write a new one with sluice gate -o baseline`;
    return { about, state: 'no-data', sentence };
  }
  if (before.p99Ms === null) return { about, state: 'no-data', sentence: `${whose}nothing was measured before` };
  const counts = countsSince(now, isSame ? before.latencies : []);
  const p99Ms = quantile(counts, 0, 0.99);
  if (p99Ms === null) return { about, state: 'no-data', sentence: `${whose}no request since the baseline` };
  const mostMs = before.p99Ms * (1 + comparison.tolerance);
  const requests = sum(counts);
  const slower = sum(counts.subarray(bucketIndex(mostMs) + 1));
  const needed = comparison.badNeeded(requests, 0.01);
  const seen = `${digits(p99Ms)} ms of ${requests} requests, ${digits(before.p99Ms)} ms before`;
  const above = `${seen}; ${slower} took more than ${digits(mostMs)} ms`;
  if (needed === null || slower < needed)
    return { about, state: 'pass', sentence: whose + (slower > 0 ? above : seen) };
  return { about, state: 'fail', sentence: `${whose}${above}, ${needed} are beyond chance` };
}

function sum(counts: Float64Array): number {
  return counts.reduce((total, count) => total + count, 0);
}

function percent(ratio: number): string {
  return `${digits(ratio * 100)} %`;
}

function digits(value: number): number {
  return Number(value.toPrecision(4));
}
