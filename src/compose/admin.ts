/**
 * Composition of what looks in: status and metrics from every part of the gateway, behind the admin port.
 *
 * Nothing here changes anything; commands of people go to the rollouts by their own path.
 */

import { notReadyBecause, type Phase } from '../admin/checks.ts';
import { type AdminServer, startAdmin } from '../admin/server.ts';
import { routeStatuses } from '../admin/status.ts';
import type { AccessLogWriter } from '../export/access-log.ts';
import { createMetrics } from '../export/metrics.ts';
import { routeReadings } from '../export/readings.ts';
import type { Health } from '../health/health.ts';
import { bothClocks, nowMs } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { once } from '../lib/once.ts';
import type { ListenAddress } from '../model/config.ts';
import type { CommandResult, RolloutCommand } from '../model/rollout.ts';
import type { RouteStatus, Status, VersionStatus, VersionWeights, WorkerStatus } from '../model/status.ts';
import { GATEWAY_CELL } from '../model/tallies.ts';
import type { RestartAnswer, RestartStatus } from '../model/threads/handover.ts';
import type { SloEngine } from '../slo/budget/engine.ts';
import type { EndpointTotalsReader } from '../slo/endpoint-totals.ts';
import type { Totals } from '../slo/totals.ts';
import { type Dials, getDial } from '../snapshot/dials.ts';
import type { Current, Store } from '../snapshot/store.ts';
import type { Configuration } from './config/configuration.ts';
import type { Revisions } from './config/revisions.ts';
import { viewWeights, type WeightsDeps, writeWeights } from './config/weights.ts';
import type { Drifts } from './drifts.ts';
import type { Durable } from './durable.ts';
import { answerForecast, type Measured } from './forecast.ts';
import type { Rollouts } from './rollouts.ts';

/** The loop is alive while its last tick is younger than this. */
const LIVE_MS = 10_000;
/** The window that a route's present traffic is taken from. */
const RECENT_S = 300;
/** What nobody else may decide while a restart hands everything over. */
const HELD = { kind: 'refused', detail: 'a restart is under way; try again' } as const;
/** A latency without any spread has no shape to forecast from. */
const SPREAD_LEAST = 1.01;

/** The parts that are looked at. */
export interface Insight {
  readonly release: { readonly version: string };
  readonly since: { readonly wall: string; readonly ms: number };
  readonly store: Store;
  readonly configuration: Configuration;
  readonly revisions: Revisions;
  readonly dials: Dials;
  readonly totals: Totals;
  readonly endpointTotals: EndpointTotalsReader;
  readonly health: Health;
  readonly slos: SloEngine;
  readonly rollouts: Rollouts;
  readonly drifts: Drifts;
  readonly durable: Durable;
  readonly accessLog: AccessLogWriter;
  readonly log: Log;
  /** Of the token that the environment gives; null: none. The document's goes before it. */
  readonly tokenHash: string | null;
  readonly exportedLog: () => string | null;
  readonly workers: () => readonly WorkerStatus[];
  readonly ratesForgotten: () => number;
  readonly phase: () => Phase;
  readonly restart: () => RestartStatus;
  /** Nothing may be decided now: another process is taking over. */
  readonly isHeld: () => boolean;
  readonly restartNow: (by: string) => RestartAnswer;
  readonly tickedAtMs: () => number;
  readonly proxyUrl: () => string;
}

/**
 * Starts the admin server on `address`, or on a socket that listens there already.
 * @throws SluiceError SLU_PORT_IN_USE, SLU_LISTEN_FAILED
 */
export function openAdmin(insight: Insight, address: ListenAddress, fd?: number): Promise<AdminServer> {
  const { store, totals, rollouts, drifts, revisions, accessLog, log } = insight;
  const weights = weightsOf(insight);
  const metrics = createMetrics({
    status: () => statusOf(insight),
    traffic: () => routeReadings((store.current as Current).snapshot, (cell) => totals.of(cell)),
    refused: () => totals.of(GATEWAY_CELL).reasons,
    colors: () => totals.of(GATEWAY_CELL),
    rollbacks: () => rollouts.rollbacks(),
    accessLosses: () => accessLog.losses(),
    ratesForgotten: insight.ratesForgotten,
  });
  return startAdmin({
    address,
    fd,
    actions: {
      tokenHash: () => store.current?.config.adminTokenHash ?? insight.tokenHash,
      command: (command) => (insight.isHeld() ? HELD : obey(insight, command)),
      restore: ({ route, by, reason }) => (insight.isHeld() ? HELD : drifts.restore(route, by, reason)),
      configure: async (command) => (insight.isHeld() ? HELD : revisions.command(command)),
      restart: () => insight.restartNow('api'),
      setWeights: (command) => writeWeights(weights, command),
      onRefused: (target, because) => log.warn('admin_refused', { target, because }),
    },
    view: {
      status: () => statusOf(insight),
      decisions: () => rollouts.decisions,
      log: () => insight.exportedLog(),
      live: () => nowMs() - insight.tickedAtMs() < LIVE_MS,
      metrics: () => metrics.page(),
      weights: (route) => viewWeights(weights, route),
      revisions: () => revisions.list(),
      diff: (before, after) => revisions.diff(before, after),
      forecast: (question) => answerForecast((store.current as Current).config, question, measuredBy(insight)),
    },
    onFailure: (where, error) => log.error('admin_failed', { where, error }),
  });
}

/** The traffic of a route: requests of the last five minutes, errors and latency of its stable version since the start. */
function measuredBy(insight: Insight): (route: string) => Measured {
  const routes = once(() => new Map(routesOf(insight).map((route) => [route.name, route])));
  const seconds = Math.min(RECENT_S, (nowMs() - insight.since.ms) / 1000);
  return (name) => {
    const route = routes().get(name);
    const stable = route?.versions.find(({ version }) => version === route.rollout?.stable);
    const recent = insight.slos.recentRequests(name, nowMs());
    const { errorRatio = null, p50Ms = null, p99Ms = null } = stable ?? {};
    return {
      requestsPerSecond: recent === null ? null : recent / seconds,
      errorRatio,
      latency: p50Ms === null || p99Ms === null ? null : { p50Ms, p99Ms: Math.max(p99Ms, p50Ms * SPREAD_LEAST) },
    };
  };
}

function weightsOf(insight: Insight): WeightsDeps {
  const { store, configuration, log } = insight;
  return {
    route: (name) => store.current?.config.routes.find((route) => route.name === name) ?? null,
    versions: (name) => (routesOf(insight).find((route) => route.name === name)?.versions ?? []).map(weightsIn),
    placeOf: (route) => configuration.weightsAt(route),
    environment: configuration.environment,
    file: store.status().file,
    log,
  };
}

function weightsIn(status: VersionStatus): VersionWeights {
  const { service, version, weight, weightBecause, weightConfigured, weightFrom, weightOfRoute } = status;
  return { service, version, weight, weightBecause, weightConfigured, weightFrom, weightOfRoute };
}

/** Who starts a rollout by hand has seen why its versions were offline. */
async function obey({ rollouts, drifts }: Insight, command: RolloutCommand): Promise<CommandResult> {
  const result = await rollouts.fleet.command(command);
  if (result.kind === 'done' && command.name === 'start') drifts.restore(command.route, command.by, command.reason);
  return result;
}

function statusOf(insight: Insight): Status {
  const { release, since, store, configuration, revisions, health, slos, rollouts, durable } = insight;
  const sources = configuration.sources();
  const routesNow = once(() => routesOf(insight));
  const slosNow = once(() => slos.status(bothClocks()));
  const workers = insight.workers();
  const because = notReadyBecause(insight.phase(), workers);
  return {
    version: release.version,
    pid: process.pid,
    restart: insight.restart(),
    startedAt: since.wall,
    uptimeMs: Math.round(nowMs() - since.ms),
    ready: because === '',
    notReadyBecause: because,
    proxyUrl: insight.proxyUrl(),
    config: store.status(),
    revisions: revisions.status(sources),
    sources,
    apply: configuration.applied(),
    workers,
    // Computed when somebody first looks: a probe asks for the rest only.
    get routes() {
      return routesNow();
    },
    get slos() {
      return slosNow();
    },
    health: health.status,
    state: durable.status,
    fleet: rollouts.fleet.status(),
    eventsLost: rollouts.eventsLost,
  };
}

function routesOf({ store, dials, totals, endpointTotals, health, rollouts, drifts }: Insight): RouteStatus[] {
  const { config, snapshot } = store.current as Current;
  const byRoute = rollouts.statuses();
  return routeStatuses({
    config,
    snapshot,
    cell: (id) => totals.of(id),
    endpoint: (id) => ({ ...endpointTotals.of(id), ...health.of(id) }),
    weight: (dial) => getDial(dials, dial),
    because: (route, split) => store.weightReason(route, split),
    drift: (route, { service, version }) => drifts.standings.get(`${route}/${service}/${version}`)?.kind ?? 'steady',
    rollout: (route) => byRoute.get(route) ?? null,
  });
}
