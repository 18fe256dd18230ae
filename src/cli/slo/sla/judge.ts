/**
 * Checks what is promised against what a gateway measured and decided.
 *
 * Latency and errors are those since the report before, the first since the start of the process, availability that of the route's objective over 28 days, release window and
 * rollback time those of the decisions that the gateway still has, saturation that of this moment. What was not measured is neither
 * kept nor broken.
 */

import { countsSince, quantile } from '../../../lib/histogram.ts';
import type { Decision, LoggedDecision } from '../../../model/slo.ts';
import type { RouteStatus, SloStatus, Status } from '../../../model/status.ts';
import type { RequestSample } from '../../../model/threads/requests/samples.ts';
import type { Commitments, ReleaseWindow } from './contract.ts';

export const COMMITMENTS = [
  'p99',
  'error-ratio',
  'availability',
  'release-window',
  'rollback-time',
  'saturation',
] as const;

export interface Checked {
  readonly route: string;
  readonly commitment: (typeof COMMITMENTS)[number];
  readonly state: 'kept' | 'broken' | 'no-data';
  /** What was promised and what was measured, in one sentence. */
  readonly reason: string;
  /** The objective that it is about, `route/checkout/availability`; empty: none. */
  readonly slo: string;
  /** Where it is broken: ids of requests that missed it since the report before, or that failed on canaries; at most five. */
  readonly requestIds: readonly string[];
}

type Verdict = Pick<Checked, 'state' | 'reason'>;
type TrafficRatios = Pick<RouteStatus, 'p99Ms' | 'errorRatio'>;

const SAMPLES_MAX = 5;
const RELEASES: ReadonlySet<string> = new Set(['start', 'step', 'promote']);
const MINUTE_MS = 60_000;

/** As far as a contract is checked against a status. */
export type Measured = Pick<Status, 'startedAt' | 'uptimeMs' | 'routes' | 'slos' | 'latencies'> &
  Partial<Pick<Status, 'samples'>>;

/**
 * Every commitment that a contract has. A route that there is not has no data.
 * @param before as of the report before; null: none. What another process measured is not subtracted.
 */
export function checkContract(
  contract: readonly Commitments[],
  now: Measured,
  logged: readonly LoggedDecision[],
  before: Measured | null = null,
): Checked[] {
  const { routes, slos } = now;
  return contract.flatMap((promised) => {
    const route = routes.find(({ name }) => name === promised.route) ?? null;
    const same = before?.startedAt === now.startedAt ? before : null;
    const traffic = trafficSince(promised.route, now, same);
    const missed = missedSince(promised.route, now, same);
    const decisions = logged.filter((one): one is Decision => 'canary' in one && one.route === promised.route);
    const sloOf = (indicator: SloStatus['indicator']): SloStatus | null =>
      slos.find((slo) => slo.scope === 'route' && slo.name === promised.route && slo.indicator === indicator) ?? null;
    const judged = decisions.flatMap(({ sampleRequestIds }) => sampleRequestIds).slice(-SAMPLES_MAX);
    const failed = missed.bad.length > 0 ? missed.bad : judged;
    const [availability, latency] = [sloOf('availability'), sloOf('latency')];
    return [
      row('p99', atMost(promised.p99Ms, traffic.p99Ms, 'ms'), latency, missed.slow),
      row('error-ratio', atMost(promised.errorRatio, traffic.errorRatio, '%', 100), availability, failed),
      row('availability', share(promised.availabilityRatio, availability), availability, failed),
      row('release-window', releases(promised.releaseWindows, decisions), null, judged),
      row('rollback-time', rollbacks(promised.rollbackMs, decisions), null, judged),
      row('saturation', saturation(promised.saturationRatio, route), null, judged),
    ].flat();

    function row(
      commitment: Checked['commitment'],
      verdict: Verdict | null,
      slo: SloStatus | null,
      samples: readonly string[],
    ): Checked[] {
      if (verdict === null) return [];
      const name = slo === null ? '' : `${slo.scope}/${slo.name}/${slo.indicator}`;
      const requestIds = verdict.state === 'broken' ? samples : [];
      return [{ route: promised.route, commitment, ...verdict, slo: name, requestIds }];
    }
  });
}

/** Ids of requests of a route that were bad or late, newest first. @param before of the same process; null: since its start */
function missedSince(name: string, { samples = [] }: Measured, before: Measured | null) {
  const { bad = [], slow = [] } = samples.find(({ route }) => route === name) ?? {};
  const sinceMs = before === null ? 0 : Date.parse(before.startedAt) + before.uptimeMs;
  const idsOf = (list: readonly RequestSample[]): string[] =>
    list.filter(({ at }) => Date.parse(at) >= sinceMs).map(({ requestId }) => requestId);
  return { bad: idsOf(bad), slow: idsOf(slow) };
}

/** @param most what is promised; null: nothing */
function atMost(most: number | null, measured: number | null | undefined, unit: string, scale = 1): Verdict | null {
  if (most === null) return null;
  if (measured === null || measured === undefined) return { state: 'no-data', reason: 'nothing was measured' };
  const reason = `${digits(measured * scale)} ${unit}, at most ${digits(most * scale)} ${unit} promised`;
  return { state: measured <= most ? 'kept' : 'broken', reason };
}

/** @param before of the same process */
function trafficSince(name: string, now: Measured, before: Measured | null): Partial<TrafficRatios> {
  const routeIn = ({ routes }: Measured): RouteStatus | undefined => routes.find((one) => one.name === name);
  const [route, earlier] = [routeIn(now), before === null ? undefined : routeIn(before)];
  if (route === undefined || before === null || earlier === undefined) return route ?? {};
  const countsIn = ({ latencies }: Measured) => latencies.find((one) => one.route === name)?.counts ?? [];
  const requests = route.requests - earlier.requests;
  return {
    p99Ms: quantile(countsSince(countsIn(now), countsIn(before)), 0, 0.99),
    errorRatio: requests <= 0 ? null : (route.bad - earlier.bad) / requests,
  };
}

function share(least: number | null, slo: SloStatus | null): Verdict | null {
  if (least === null) return null;
  const { good, bad } = slo?.events ?? { good: 0, bad: 0 };
  if (good + bad === 0) return { state: 'no-data', reason: 'its objective counted nothing, or it has none' };
  const measured = good / (good + bad);
  const reason = `${digits(measured * 100)} % good, ${bad} bad of ${good + bad}; at least ${digits(least * 100)} % promised`;
  return { state: measured >= least ? 'kept' : 'broken', reason };
}

function releases(windows: readonly ReleaseWindow[] | null, decisions: readonly Decision[]): Verdict | null {
  if (windows === null) return null;
  const steps = decisions.filter(({ kind }) => RELEASES.has(kind));
  if (steps.length === 0) return { state: 'no-data', reason: 'no release was decided' };
  const outside = steps.filter(({ at }) => !windows.some((window) => isWithin(window, at)));
  const words = windows.length === 1 ? 'the window' : 'the windows';
  const last = outside.at(-1);
  if (last === undefined) return { state: 'kept', reason: `${steps.length} decisions, all within ${words}` };
  const reason = `${outside.length} of ${steps.length} decisions outside ${words}, the last one ${last.kind} at ${last.at}`;
  return { state: 'broken', reason };
}

function isWithin({ days, fromMinute, toMinute }: ReleaseWindow, at: string): boolean {
  const ms = Date.parse(at);
  const minute = Math.floor(ms / MINUTE_MS) % 1440;
  // The first of January 1970 was a Thursday.
  const day = (Math.floor(ms / MINUTE_MS / 1440) + 4) % 7;
  const yesterday = (day + 6) % 7;
  if (fromMinute < toMinute) return days.includes(day) && minute >= fromMinute && minute < toMinute;
  return (days.includes(day) && minute >= fromMinute) || (days.includes(yesterday) && minute < toMinute);
}

function rollbacks(most: number | null, decisions: readonly Decision[]): Verdict | null {
  const timed = decisions.filter(({ kind, detectedInMs }) => kind === 'rollback' && detectedInMs >= 0);
  const times = timed.map(({ detectedInMs, switchedInMs }) => detectedInMs + switchedInMs);
  return atMost(most, times.length === 0 ? null : Math.max(...times), 'ms');
}

/** Of the version that is nearest to its limit. */
function saturation(most: number | null, route: RouteStatus | null): Verdict | null {
  const used = (route?.versions ?? []).flatMap(({ admission }) => {
    return admission === null || admission.limit === 0 ? [] : [admission.inFlight / admission.limit];
  });
  return atMost(most, used.length === 0 ? null : Math.max(...used), '%', 100);
}

function digits(value: number): number {
  return Number(value.toPrecision(5));
}
