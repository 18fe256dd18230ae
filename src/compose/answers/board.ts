/**
 * What the live page is made from: the parts of the gateway, asked for as much of each as is shown.
 */

import { eventsKey, eventsOf } from '../../admin/page/events.ts';
import type { VersionTotals } from '../../admin/page/history.ts';
import type { BoardSource, RouteReading } from '../../admin/page/live.ts';
import type { GatewayPart } from '../../admin/page/view/board.ts';
import { bothClocks, nowMs } from '../../lib/clock.ts';
import type { EndpointStatus, RouteStatus, SloStatus, Status, VersionStatus } from '../../model/status.ts';
import type { RevisionEntry } from '../../model/threads/revision.ts';
import type { Totals } from '../../slo/totals/totals.ts';
import { indexOfRoute } from '../../snapshot/overrides.ts';
import type { Current } from '../../snapshot/store.ts';
import type { Objectives } from '../objectives/objectives.ts';
import type { Rollouts } from '../rollouts.ts';

/** Of a route; `sluice status` has all. */
const VERSIONS_MAX = 16;
/** Of a version, those in trouble first. */
const ENDPOINTS_MAX = 20;
/** Objectives of services, about, that are shown. */
const SERVICES_MAX = 24;

export interface BoardDeps {
  readonly current: () => Current;
  readonly status: () => Status;
  /** Routes by their index in the configuration. */
  readonly routesAt: (indexes: readonly number[]) => readonly RouteStatus[];
  readonly totals: Totals;
  readonly slos: Pick<Objectives['slos'], 'leftOf' | 'statusOf'>;
  readonly rollouts: Pick<Rollouts, 'decisions' | 'statuses' | 'saved'>;
  /** Newest first. */
  readonly revisions: () => readonly RevisionEntry[];
  readonly isReadOnly: () => boolean;
}

/** Makes the page's source. */
export function boardSource(deps: BoardDeps): BoardSource {
  return {
    choose: (asked, max) => chosen(deps, asked, max),
    totals: (route) => totalsOf(deps, route),
    routes: (names) => readings(deps, names),
    gateway: () => gatewayOf(deps.status()),
    services: () => services(deps),
    routesTotal: () => deps.current().config.routes.length,
    isReadOnly: deps.isReadOnly,
    eventsKey: () => eventsKey(deps.rollouts.decisions, deps.revisions()),
    events: () => eventsOf(deps.rollouts.decisions, deps.revisions()),
  };
}

/** Named one by one: what is not asked for is not computed. */
function gatewayOf(status: Status): GatewayPart {
  const { version, uptimeMs, ready, notReadyBecause, proxyUrl, config, revisions } = status;
  const { sources, workers, saturation, state, eventsLost, defects } = status;
  const what = { version, uptimeMs, ready, notReadyBecause, proxyUrl, config, revisions };
  const faults = status.faults.filter((fault) => fault.state === 'active');
  return { ...what, sources, workers, saturation, faults, state, eventsLost, defects };
}

/**
 * Those asked for, rollouts that were rolled back, those under way, then by the budget that is left; of these the ones with
 * least come first. Cost: about 2 us for each route of the configuration.
 */
function chosen({ current, slos, rollouts }: BoardDeps, asked: readonly string[], max: number): string[] {
  const states = rollouts.statuses();
  const atMs = nowMs();
  const ranked = current().config.routes.map(({ name }, index) => {
    const left = slos.leftOf(name, atMs)?.remainingRatio ?? Number.POSITIVE_INFINITY;
    return { name, index, left, rank: asked.includes(name) ? 0 : rankOf(states.get(name)?.state) };
  });
  const byLeft = (a: (typeof ranked)[number], b: (typeof ranked)[number]): number =>
    a.left === b.left ? a.index - b.index : a.left - b.left;
  const kept = ranked.sort((a, b) => a.rank - b.rank || byLeft(a, b)).slice(0, max);
  return kept.sort(byLeft).map(({ name }) => name);
}

function rankOf(state: string | undefined): number {
  if (state === 'rolled-back') return 1;
  return state === 'progressing' || state === 'paused' || state === 'baking' ? 2 : 3;
}

function totalsOf({ current, totals }: BoardDeps, route: string): VersionTotals[] {
  const { config, snapshot } = current();
  const index = indexOfRoute(config, route);
  const splits = index === null ? [] : (snapshot.routes[index]?.splits ?? []);
  return splits.map(({ version, cell }) => {
    const { finished, bad, histogram } = totals.of(cell);
    return { version, finished, bad, histogram };
  });
}

function readings({ current, routesAt, slos, rollouts }: BoardDeps, names: readonly string[]): RouteReading[] {
  const { config } = current();
  const indexes = names.flatMap((name) => indexOfRoute(config, name) ?? []);
  const now = bothClocks();
  return routesAt(indexes).map((route, n) => {
    const own = slos.statusOf('route', route.name, now);
    const planned = config.routes[indexes[n] as number]?.rollout?.plan?.steps ?? [];
    // A rollout that has begun may have got a small step in front, as little of the budget was left.
    const begun = route.rollout === null ? [] : (rollouts.saved(route.name)?.rollout.ladder ?? []);
    return {
      ...bounded(route),
      slos: own,
      ladder: (begun.length > 0 ? begun : planned).map(({ percent }) => percent),
      remainingRatio: leastLeft(own),
    };
  });
}

function leastLeft(slos: readonly SloStatus[]): number | null {
  const left = slos.flatMap(({ remainingRatio }) => remainingRatio ?? []);
  return left.length === 0 ? null : Math.min(...left);
}

/** A route with no more of it than the page has room for. */
function bounded(route: RouteStatus): Pick<RouteReading, 'route' | 'more'> {
  const versions = route.versions.slice(0, VERSIONS_MAX);
  const all = versions.reduce((sum, { endpoints }) => sum + endpoints.length, 0);
  const shown = versions.map(
    (version): VersionStatus => ({ ...version, endpoints: firstEndpoints(version.endpoints) }),
  );
  const endpoints = all - shown.reduce((sum, version) => sum + version.endpoints.length, 0);
  return {
    route: { ...route, versions: shown },
    more: { versions: route.versions.length - versions.length, endpoints },
  };
}

function firstEndpoints(endpoints: readonly EndpointStatus[]): readonly EndpointStatus[] {
  if (endpoints.length <= ENDPOINTS_MAX) return endpoints;
  const isUp = ({ state }: EndpointStatus): boolean => state === 'up';
  return [...endpoints.filter((one) => !isUp(one)), ...endpoints.filter(isUp)].slice(0, ENDPOINTS_MAX);
}

function services({ current, slos }: BoardDeps): SloStatus[] {
  const now = bothClocks();
  const found: SloStatus[] = slos.statusOf('gateway', 'business', now);
  for (const { name } of current().config.services) {
    found.push(...slos.statusOf('service', name, now));
    if (found.length >= SERVICES_MAX) break;
  }
  return found;
}
