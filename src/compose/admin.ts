/**
 * Composition of what looks in: status and metrics from every part of the gateway, behind the admin port.
 *
 * Nothing here changes anything; commands of people go to the rollouts by their own path.
 */

import { getHeapSnapshot } from 'node:v8';
import { notReadyBecause, type Phase } from '../admin/checks.ts';
import type { SteerActions } from '../admin/process/steer.ts';
import { type AdminServer, startAdmin } from '../admin/server.ts';
import {
  routeLatencies,
  routeStates,
  routeStatuses,
  type StateSource,
  type StatusSource,
  statusesAt,
  versionWeights,
} from '../admin/status.ts';
import { routeReadings } from '../export/exposition/readings.ts';
import { createMetrics } from '../export/metrics.ts';
import type { AccessLogWriter } from '../export/requests/access-log.ts';
import type { InjectedCount, MetricsSource } from '../export/source.ts';
import type { Health } from '../health/health.ts';
import { bothClocks, nowMs } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { once } from '../lib/once.ts';
import type { ListenAddress } from '../model/config.ts';
import type { SplitSpec } from '../model/snapshot.ts';
import type { RouteStatus, Status, VersionStatus, WorkerStatus } from '../model/status.ts';
import { GATEWAY_CELL } from '../model/tallies.ts';
import { listingOf } from '../model/threads/explain.ts';
import { FAULT_KINDS } from '../model/threads/faults.ts';
import type { RestartAnswer, RestartStatus } from '../model/threads/handover.ts';
import { downstreamOf, NOTHING_FOLLOWED } from '../model/threads/load/downstream.ts';
import type { EndpointTotalsReader } from '../slo/totals/endpoint-totals.ts';
import type { Totals } from '../slo/totals/totals.ts';
import { type Dials, getDial } from '../snapshot/dials.ts';
import { indexOfRoute } from '../snapshot/overrides.ts';
import { readableConfig } from '../snapshot/revisions/diff.ts';
import type { Current, Store } from '../snapshot/store.ts';
import { boardSource } from './answers/board.ts';
import { explainInForce } from './answers/explain.ts';
import { answerForecast, type Measured } from './answers/forecast.ts';
import type { Configuration } from './config/configuration.ts';
import { type InForce, SettingExplainer } from './config/explain.ts';
import { reloadAndWait } from './config/reload.ts';
import type { Revisions } from './config/revisions/revisions.ts';
import { WeightsStores } from './config/weights/stores.ts';
import { viewWeights, type WeightsDeps, writeWeights } from './config/weights/weights.ts';
import type { Durable } from './durable.ts';
import type { Drifts } from './objectives/drifts.ts';
import type { Objectives } from './objectives/objectives.ts';
import { HELD, type Rollouts } from './rollouts.ts';
import type { Tls } from './tls.ts';
import type { Watches } from './watches/watches.ts';

/** The loop is alive while its last tick is younger than this. */
const LIVE_MS = 10_000;
/** The window that a route's present traffic is taken from. */
const RECENT_S = 300;
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
  readonly objectives: Objectives;
  readonly rollouts: Rollouts;
  readonly drifts: Drifts;
  readonly durable: Durable;
  readonly accessLog: AccessLogWriter;
  readonly watches: Watches;
  readonly log: Log;
  /** Of the token that the environment gives; null: none. The document's goes before it. */
  readonly tokenHash: string | null;
  readonly exportedLog: () => string | null;
  readonly workers: () => readonly WorkerStatus[];
  readonly ratesForgotten: () => number;
  readonly samplesLost: () => number;
  /** What services do with colors (`model/threads/load/downstream.ts`); null: there are no workers yet. */
  readonly downstream: () => Int32Array | null;
  readonly phase: () => Phase;
  readonly restart: () => RestartStatus;
  /** Nothing may be decided now: another process is taking over. */
  readonly isHeld: () => boolean;
  readonly restartNow: (by: string) => RestartAnswer;
  /** Reads everything again. */
  readonly reload: () => void;
  /** Ends the process when its exchanges are over. */
  readonly drain: () => void;
  readonly tickedAtMs: () => number;
  readonly tls: Pick<Tls, 'status'>;
  readonly proxyUrls: () => readonly string[];
  readonly adminUrl: () => string;
}

/**
 * Starts the admin server on `address`, or on a socket that listens there already.
 * @throws SluiceError SLU_PORT_IN_USE, SLU_LISTEN_FAILED
 */
export async function openAdmin(insight: Insight, address: ListenAddress, fd?: number): Promise<AdminServer> {
  const { store, configuration, totals, rollouts, drifts, revisions, log } = insight;
  const weights = weightsOf(insight);
  const settings = new SettingExplainer(configuration.environment);
  const tokenHash = (): string | null => store.current?.config.adminTokenHash ?? insight.tokenHash;
  let admin: AdminServer | null = null;
  const onFailure = (where: string, error: unknown): void => log.error('admin_failed', { where, error });
  const source = metricsSourceOf(insight, () => admin?.viewers ?? NO_VIEWERS);
  const metrics = createMetrics(source, (error) => onFailure('/metrics', error));
  admin = await startAdmin({
    address,
    fd,
    allowedHosts: () => store.current?.config.admin.hosts ?? [],
    actions: {
      tokenHash,
      command: (command) => (insight.isHeld() ? HELD : rollouts.fleet.command(command)),
      restore: ({ route, by, reason }) => (insight.isHeld() ? HELD : drifts.restore(route, by, reason)),
      configure: async (command) => (insight.isHeld() ? HELD : revisions.command(command)),
      stopFaults: (stop) => (insight.isHeld() ? HELD : insight.watches.faults.stop(stop)),
      restart: () => insight.restartNow('api'),
      alert: async (command) => (insight.isHeld() ? HELD : insight.watches.alerts.command(command)),
      setWeights: (command) => writeWeights(weights, command),
      onRefused: (target, because) => log.warn('admin_refused', { target, because }),
    },
    view: {
      status: () => statusOf(insight),
      routes: () => (store.current as Current).config.routes.map(listingOf),
      decisions: () => rollouts.decisions,
      log: () => insight.exportedLog(),
      live: () => nowMs() - insight.tickedAtMs() < LIVE_MS,
      metrics: () => metrics.page(),
      scrape: (asked) => metrics.scrape(asked),
      weights: (route) => viewWeights(weights, route),
      revisions: () => revisions.list(),
      diff: (before, after) => revisions.diff(before, after),
      explainSetting: (path) => settings.explain(configuration.documents, path, () => inForceOf(insight)),
      explainRoute: (question) => explainInForce(store.current as Current, insight.dials, question),
      forecast: (question) => answerForecast((store.current as Current).config, question, measuredBy(insight)),
      board: boardSource({
        current: () => store.current as Current,
        status: () => statusOf(insight),
        routesAt: (indexes) => statusesAt(routeSourceOf(insight), indexes),
        totals,
        slos: insight.objectives.slos,
        rollouts,
        revisions: () => revisions.list(),
        isReadOnly: () => tokenHash() === null,
      }),
    },
    debug: {
      profile: (thread, wish) => insight.watches.saturation.profile(thread, wish),
      heapSnapshot: () => getHeapSnapshot(),
      config: () => readableConfig((store.current as Current).config),
    },
    steer: steerOf(insight),
    taps: insight.watches.taps,
    onFailure,
  });
  return admin;
}

function metricsSourceOf(insight: Insight, viewers: MetricsSource['viewers']): MetricsSource {
  const { store, totals, rollouts, accessLog } = insight;
  return {
    generation: () => (store.current as Current).snapshot.revision,
    viewers,
    status: () => statusOf(insight),
    routes: () => routeStates(stateSourceOf(insight)),
    slos: () => insight.objectives.slos.readings,
    rollouts: () => rollouts.statuses(),
    exemplars: (route, version) => accessLog.exemplars.of(route, version),
    traffic: () => routeReadings((store.current as Current).snapshot, (cell, limits) => totals.live(cell, limits)),
    refused: () => totals.of(GATEWAY_CELL).reasons,
    colors: () => totals.of(GATEWAY_CELL),
    handshakes: () => totals.of(GATEWAY_CELL).handshakes,
    proxyHeaders: () => totals.of(GATEWAY_CELL).proxyHeaders,
    http2: () => totals.of(GATEWAY_CELL).http2,
    rollbacks: () => rollouts.rollbacks(),
    accessLosses: () => accessLog.losses(),
    ratesForgotten: insight.ratesForgotten,
    samplesLost: insight.samplesLost,
    injected: () => injectedIn(store.current as Current, totals),
    staleBytes: () => totals.of(GATEWAY_CELL).staleBytes,
  };
}

/** What a person may have the process do. */
function steerOf(insight: Insight): SteerActions {
  const { store, configuration, revisions, log } = insight;
  const read = {
    reload: insight.reload,
    reading: () => configuration.reading,
    config: () => store.status(),
    number: () => revisions.number,
  };
  return {
    reload: async () => {
      if (insight.isHeld()) return HELD;
      if (insight.phase() !== 'serving') return { kind: 'refused', detail: `the gateway is ${insight.phase()}` };
      log.info('reload_asked', { by: 'api' });
      return reloadAndWait(read);
    },
    drain: () => {
      log.warn('drain_asked', { by: 'api' });
      insight.drain();
      const { delayMs, timeoutMs } = (store.current as Current).config.drain;
      return { delayMs, timeoutMs };
    },
  };
}

/** Before anybody can look. */
const NO_VIEWERS = { clients: 0, max: 0, refused: 0, dropped: 0 };

/** Faults injected since the start, of the routes that have some. */
function injectedIn({ snapshot }: Current, totals: Totals): InjectedCount[] {
  return snapshot.routes.flatMap(({ name: route, cell, filters }) => {
    if (filters.faults === undefined) return [];
    const counts = totals.of(cell).faults;
    return FAULT_KINDS.map((kind, n) => ({ route, kind, count: counts[n] ?? 0 }));
  });
}

/**
 * The traffic of a rollout by its leading route: requests of the last five minutes, errors and latency of its stable version since the
 * start. Of several routes errors are those of all, and latencies, which are another on each, are left out.
 */
function measuredBy(insight: Insight): (route: string) => Measured {
  const routes = once(() => new Map(routesOf(insight).map((route) => [route.name, route])));
  const seconds = Math.min(RECENT_S, (nowMs() - insight.since.ms) / 1000);
  return (name) => {
    const { rollout = null } = routes().get(name) ?? {};
    const names = rollout?.routes ?? [name];
    const versions = names.flatMap((one) => routes().get(one)?.versions ?? []);
    const stables = versions.filter(({ version }) => version === rollout?.stable);
    const uptimeS = (nowMs() - insight.since.ms) / 1000;
    // Nobody keeps recent counts of a route without an objective: of those that go along the mean since the start is taken.
    const sinceStart = (one: string) =>
      (sumOf((routes().get(one)?.versions ?? []).map(({ requests }) => requests)) * seconds) / uptimeS;
    const recent = names.map(
      (one, n) => insight.objectives.slos.recentRequests(one, nowMs()) ?? (n === 0 ? null : sinceStart(one)),
    );
    const { p50Ms = null, p99Ms = null } = names.length === 1 ? (stables[0] ?? {}) : {};
    return {
      requestsPerSecond: recent.includes(null) ? null : sumOf(recent) / seconds,
      errorRatio: errorRatioOf(stables),
      latency: p50Ms === null || p99Ms === null ? null : { p50Ms, p99Ms: Math.max(p99Ms, p50Ms * SPREAD_LEAST) },
    };
  };
}

function errorRatioOf(versions: readonly VersionStatus[]): number | null {
  const requests = sumOf(versions.map((version) => version.requests));
  return requests === 0 ? null : sumOf(versions.map(({ bad }) => bad)) / requests;
}

function sumOf(counts: readonly (number | null)[]): number {
  return counts.reduce<number>((sum, count) => sum + (count ?? 0), 0);
}

function inForceOf(insight: Insight): InForce {
  const { store, configuration, revisions } = insight;
  const versionsOf = weightsOf(insight).versions;
  return { revisions: revisions.status(configuration.reading.sources), hash: store.status().hash, versionsOf };
}

function weightsOf(insight: Insight): WeightsDeps {
  const { store, dials, configuration, log } = insight;
  const weight = (dial: number): number => getDial(dials, dial);
  const because = (route: string, split: SplitSpec): string => store.weightReason(route, split);
  return {
    route: (name) => {
      const { config } = store.current as Current;
      return config.routes[indexOfRoute(config, name) ?? -1] ?? null;
    },
    versions: (name) => {
      const { config, snapshot } = store.current as Current;
      const index = indexOfRoute(config, name);
      return index === null ? [] : versionWeights({ config, snapshot, weight, because }, index);
    },
    placeOf: (route) => configuration.weightsAt(route),
    isStale: () => insight.revisions.isStale,
    stores: new WeightsStores(),
    environment: configuration.environment,
    isSigned: configuration.signed.isRequired,
    file: store.status().file,
    log,
  };
}

function statusOf(insight: Insight): Status {
  const { release, since, store, configuration, revisions, totals, health, objectives, rollouts, durable } = insight;
  const sources = configuration.sources();
  const routesNow = once(() => routesOf(insight));
  const latenciesNow = once(() => routeLatencies(routeSourceOf(insight)));
  const slosNow = once(() => objectives.slos.status(bothClocks()));
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
    proxyUrl: insight.proxyUrls()[0] ?? '',
    listeners: insight.proxyUrls(),
    tls: insight.tls.status(),
    config: store.status(),
    revisions: revisions.status(configuration.reading.sources),
    signatures: configuration.signed.status(),
    sources,
    apply: configuration.applied(),
    workers,
    saturation: insight.watches.saturation.status(totals.of(GATEWAY_CELL).shed),
    faults: insight.watches.faults.status(),
    // Computed when somebody first looks: a probe asks for the rest only.
    get routes() {
      return routesNow();
    },
    get latencies() {
      return latenciesNow();
    },
    get slos() {
      return slosNow();
    },
    get samples() {
      return insight.accessLog.samples.list();
    },
    health: health.status,
    state: durable.status,
    fleet: rollouts.fleet.status(),
    eventsLost: rollouts.eventsLost,
    defects: insight.watches.defects.status,
    idempotency: insight.watches.idempotency.status,
    alerts: insight.watches.alerts.status,
    tracing: insight.watches.tracing.status,
    get mirrors() {
      return insight.watches.mirrors.status;
    },
  };
}

function routesOf(insight: Insight): RouteStatus[] {
  return routeStatuses(routeSourceOf(insight));
}

function routeSourceOf(insight: Insight): StatusSource {
  const { store, totals, objectives, rollouts, drifts } = insight;
  const byRoute = rollouts.statuses();
  return {
    ...stateSourceOf(insight),
    cell: (id) => totals.of(id),
    because: (route, split) => store.weightReason(route, split),
    drift: (route, { service, version }) => drifts.standings.get(`${route}/${service}/${version}`)?.kind ?? 'steady',
    rollout: (route) => byRoute.get(route) ?? null,
    shedding: (route) => objectives.shedding.ofRoute(route),
    order: (version) => objectives.shedding.ofVersion(version),
  };
}

/** Of the configuration in force. */
function stateSourceOf({ store, dials, totals, endpointTotals, health, downstream }: Insight): StateSource {
  const { config, snapshot } = store.current as Current;
  return {
    config,
    snapshot,
    cell: (id) => totals.live(id),
    endpoint: (id) => ({ ...endpointTotals.of(id), ...health.of(id) }),
    weight: (dial) => getDial(dials, dial),
    downstream: (cell) => {
      const memory = downstream();
      return memory === null ? NOTHING_FOLLOWED : downstreamOf(memory, cell);
    },
  };
}
