/**
 * Traffic of routes between two looks at the status: what was counted meanwhile, by the gateway's own clock.
 */

import type { RouteStatus, SloStatus, Status } from '../../model/status.ts';

/** One route, as it went between two looks. Null where nothing is known. */
export interface RouteTraffic {
  readonly route: string;
  readonly requestsPerSecond: number;
  readonly errorRatio: number | null;
  /** The newest second of its slowest version. */
  readonly p99Ms: number | null;
  /** Burn rate of its availability over the last five minutes. */
  readonly burn: number | null;
  readonly remainingRatio: number | null;
  readonly inFlight: number;
  /** `v2 20 %, progressing`; empty without a rollout. */
  readonly rollout: string;
}

export const SORT_KEYS = ['traffic', 'errors', 'p99', 'burn', 'name'] as const;
export type SortKey = (typeof SORT_KEYS)[number];

const MS_PER_S = 1000;

/** Every route of `now`; a route that is new, or of a gateway that began anew, was counted from zero. */
export function trafficBetween(before: Status, now: Status): RouteTraffic[] {
  const isSame = before.pid === now.pid && before.startedAt === now.startedAt && before.uptimeMs < now.uptimeMs;
  const elapsedMs = isSame ? now.uptimeMs - before.uptimeMs : now.uptimeMs;
  const known = new Map(isSame ? before.routes.map((route) => [route.name, route]) : []);
  const slos = new Map(now.slos.filter(isRouteAvailability).map((slo) => [slo.name, slo]));
  return now.routes.map((route) => rowOf(route, grown(route, known.get(route.name)), elapsedMs, slos.get(route.name)));
}

function isRouteAvailability({ scope, indicator }: SloStatus): boolean {
  return scope === 'route' && indicator === 'availability';
}

/** Counts that fell are of another route of the same name. */
function grown(route: RouteStatus, last: RouteStatus | undefined): { readonly requests: number; readonly bad: number } {
  if (last === undefined || last.requests > route.requests || last.bad > route.bad) return route;
  return { requests: route.requests - last.requests, bad: route.bad - last.bad };
}

function rowOf(
  route: RouteStatus,
  { requests, bad }: { readonly requests: number; readonly bad: number },
  elapsedMs: number,
  slo: SloStatus | undefined,
): RouteTraffic {
  return {
    route: route.name,
    requestsPerSecond: elapsedMs > 0 ? (requests * MS_PER_S) / elapsedMs : 0,
    errorRatio: requests === 0 ? null : bad / requests,
    p99Ms: route.p99Ms,
    burn: slo?.burnRates['5m'] ?? null,
    remainingRatio: slo?.remainingRatio ?? null,
    inFlight: route.inFlight,
    rollout: rolloutText(route),
  };
}

function rolloutText({ rollout, versions }: RouteStatus): string {
  if (rollout === null) return '';
  const total = versions.reduce((sum, { weight }) => sum + weight, 0);
  const own = versions.find(({ version }) => version === rollout.canary)?.weight ?? 0;
  return `${rollout.canary} ${total === 0 ? 0 : Math.round((100 * own) / total)} %, ${rollout.state}`;
}

/** Those that matter most by `key` first; what is not known comes last, equals by name. */
export function sorted(rows: readonly RouteTraffic[], key: SortKey): RouteTraffic[] {
  const weigh = WEIGHTS[key];
  return rows.toSorted((a, b) => (weigh(b) ?? -1) - (weigh(a) ?? -1) || (a.route < b.route ? -1 : 1));
}

const WEIGHTS: Readonly<Record<SortKey, (row: RouteTraffic) => number | null>> = {
  traffic: ({ requestsPerSecond }) => requestsPerSecond,
  errors: ({ errorRatio }) => errorRatio,
  p99: ({ p99Ms }) => p99Ms,
  burn: ({ burn }) => burn,
  name: () => 0,
};
