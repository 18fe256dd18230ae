/**
 * A data plane in this process, without threads: a snapshot from a few words, real sockets on loopback, tallies to read.
 */
import type { AddressInfo, Server } from 'node:net';
import type { Balancer, Filters, RetryConfig, RouteMatch, UpgradeConfig } from '#src/model/config.ts';
import type { UpstreamProtocol } from '#src/model/health.ts';
import {
  type BreakerConfig,
  type ConcurrencyLimit,
  type Priority,
  type RateLimitConfig,
  reserveRates,
} from '#src/model/overload.ts';
import type { StreamPolicy } from '#src/model/sli.ts';
import type { EndpointSpec, EndpointTls, RouteSpec, Snapshot, TargetSpec } from '#src/model/snapshot.ts';
import { CELL, CELL_WORDS, DIALS_MAX, reserveTallies, type Tallies, viewTallies } from '#src/model/tallies.ts';
import type { FallbackSpec, StaleFallback, StaticFallback } from '#src/model/threads/answers/fallback.ts';
import type { IdempotencyConfig } from '#src/model/threads/answers/idempotency.ts';
import { PRESSURE, reservePressure } from '#src/model/threads/load/saturation.ts';
import { createStandings, type Standings } from '#src/model/threads/load/standing.ts';
import type { ProxyProtocolMode, ProxyProtocolVersion } from '#src/model/threads/proxied.ts';
import type { AccessBatch } from '#src/model/threads/requests/access.ts';
import type { ComparedBatch, MirrorFilter } from '#src/model/threads/requests/compared.ts';
import type { StickyConfig } from '#src/model/threads/requests/experiments.ts';
import type { TlsMaterial } from '#src/model/threads/tls.ts';
import { Plane } from '#src/proxy/plane.ts';
import { createEndpointDials, type EndpointDials } from '#src/snapshot/endpoint-dials.ts';
import { createLatencyDials, type LatencyDials } from '#src/snapshot/latency-dials.ts';
import {
  DEFAULT_ACCESS_LOG,
  DEFAULT_COLOR,
  DEFAULT_HTTP,
  DEFAULT_IDEMPOTENCY,
  DEFAULT_PRIORITY,
  DEFAULT_RETRY,
  DEFAULT_UPGRADE,
  NO_FILTERS,
} from '#src/sources/defaults.ts';
import { LIMITS, TIMEOUTS } from './proxy/limits.ts';

export interface VersionSketch {
  readonly name: string;
  readonly ports: readonly number[];
  readonly weight: number;
  readonly colors?: readonly string[];
  readonly balancer?: Balancer;
  readonly limit?: ConcurrencyLimit;
  readonly breaker?: BreakerConfig;
  readonly tls?: EndpointTls;
  readonly protocol?: UpstreamProtocol;
  readonly proxyProtocol?: ProxyProtocolVersion;
}

/** A step of a fallback; of the n-th step of a route's the version has cell 100 times the route's number plus 50 + n. */
export type FallbackSketch =
  | StaleFallback
  | StaticFallback
  | { readonly kind: 'service'; readonly on: readonly string[]; readonly version: VersionSketch };

type TargetSketch = Pick<VersionSketch, 'ports' | 'balancer' | 'limit' | 'breaker' | Spoken>;

type Spoken = 'tls' | 'protocol' | 'proxyProtocol';

export interface RouteSketch {
  readonly name?: string;
  readonly hostnames?: readonly string[];
  readonly matches?: readonly RouteMatch[];
  readonly versions: readonly VersionSketch[];
  readonly sticky?: StickyConfig | null;
  readonly requestTimeoutMs?: number;
  readonly slowMs?: number;
  readonly serviceSlowMs?: number;
  readonly ignorePaths?: readonly string[];
  readonly retry?: Partial<RetryConfig>;
  readonly filters?: Partial<Filters>;
  readonly upgrade?: UpgradeConfig;
  readonly streams?: StreamPolicy;
  /** Rescues what fails on the second version by the first; `all`: also what a color pinned to it. */
  readonly rescue?: 'unpinned' | 'all';
  readonly priority?: Priority;
  readonly rateLimits?: readonly RateLimitConfig[];
  readonly fallback?: readonly FallbackSketch[];
  readonly idempotency?: Partial<IdempotencyConfig>;
  /** Where copies go, and how many. */
  readonly mirror?: Pick<TargetSketch, 'ports' | Spoken> & Pick<MirrorFilter, 'ratio' | 'compare'>;
}

export interface PlaneSketch {
  readonly routes: readonly RouteSketch[];
  readonly limits?: Partial<Snapshot['limits']>;
  readonly timeouts?: Partial<Snapshot['timeouts']>;
  readonly trustedProxies?: readonly string[];
  readonly color?: Partial<Snapshot['color']>;
  readonly priorityHeader?: string;
  readonly http?: Partial<Snapshot['http']>;
  readonly accessLog?: Snapshot['accessLog'];
  /** Takes batches of the access log; nothing waits for its word. */
  readonly writeAccess?: (batch: AccessBatch) => void;
  /** Takes answers that are to be compared; nothing more comes before `compared`. */
  readonly writeCompared?: (batch: ComparedBatch) => void;
  readonly tracing?: NonNullable<Snapshot['tracing']>;
  readonly seed?: number;
  readonly tls?: TlsMaterial;
  readonly proxyProtocol?: ProxyProtocolMode;
  /** Whether it speaks HTTP/2 besides HTTP/1.1. */
  readonly http2?: boolean;
}

/** A running plane. Cells: route n has cell 100 n, its version m has 100 n + m + 1; dials and units likewise. */
export interface TestPlane {
  readonly port: number;
  readonly plane: Plane;
  readonly dials: Int32Array;
  /** Capacities by endpoint id (`endpointIdOf`). */
  readonly endpointDials: EndpointDials;
  readonly latencyDials: LatencyDials;
  readonly standings: Standings;
  readonly tallies: Tallies;
  /** Tells the plane how short the gateway is; obeyed within 50 ms. */
  press(grade: number, refusedPerMille: number): void;
  /** One counter of a cell. */
  count(cell: number, word: number): number;
  swap(sketch: PlaneSketch): void;
  close(): void;
}

export const ANY_PATH: RouteMatch = { path: { type: 'PathPrefix', value: '/' }, method: null, headers: [], query: [] };

function wayOf({ tls, protocol, proxyProtocol }: Pick<TargetSketch, Spoken>): Pick<EndpointSpec, Spoken> {
  return { ...(tls && { tls }), ...(protocol && { protocol }), ...(proxyProtocol && { proxyProtocol }) };
}

function mirrorOf({ ratio, compare }: Pick<MirrorFilter, 'ratio' | 'compare'>): MirrorFilter {
  return { service: 'service', version: 'mirror', ratio, ...(compare && { compare }) };
}

export function sketchSnapshot(sketch: PlaneSketch, revision = 1): Snapshot {
  const endpoints: EndpointSpec[] = [];
  const targetOf = (name: string, { ports, balancer, limit, breaker, ...spoken }: TargetSketch): TargetSpec => ({
    name: `service/${name}`,
    limit: limit ?? 'off',
    breaker: breaker ?? null,
    balancer: balancer ?? 'peakEwma',
    endpoints: ports.map(
      (port) => endpoints.push({ id: endpointIdOf(port), host: '127.0.0.1', port, ...wayOf(spoken) }) - 1,
    ),
    weights: ports.map(() => 1),
  });
  const stepOf = (step: FallbackSketch, cell: number): FallbackSpec => {
    if (step.kind !== 'service') return step;
    const { version, on } = step;
    const split = { service: 'spare', version: version.name, colors: [], cell, dial: cell, unit: -1, seed: cell };
    const targets = targetOf(`spare/${version.name}/${cell}`, version);
    return { kind: 'service', on, split: { ...split, serviceSlowMs: Number.POSITIVE_INFINITY, targets } };
  };
  const routes = sketch.routes.map(
    (route, n): RouteSpec => ({
      name: route.name ?? `route${n}`,
      cell: 100 * n,
      hostnames: route.hostnames ?? [],
      matches: route.matches ?? [ANY_PATH],
      splits: route.versions.map((version, m) => ({
        service: 'service',
        version: version.name,
        colors: version.colors ?? [],
        cell: 100 * n + m + 1,
        dial: 100 * n + m + 1,
        unit: 10 * n + m,
        serviceSlowMs: route.serviceSlowMs ?? Number.POSITIVE_INFINITY,
        seed: 7919 * (m + 1),
        targets: targetOf(`${version.name}/${n}`, version),
      })),
      rescue: route.rescue === undefined ? null : { canary: 1, stable: 0, isForPinned: route.rescue === 'all' },
      sticky: route.sticky ?? null,
      rateLimits: route.rateLimits ?? [],
      slowMs: route.slowMs ?? Number.POSITIVE_INFINITY,
      serviceSlowMs: route.serviceSlowMs ?? Number.POSITIVE_INFINITY,
      ignorePaths: route.ignorePaths ?? [],
      requestTimeoutMs: route.requestTimeoutMs ?? 60_000,
      retry: { ...DEFAULT_RETRY, ...route.retry },
      filters: {
        ...NO_FILTERS,
        ...route.filters,
        ...(route.mirror && { mirror: mirrorOf(route.mirror) }),
      },
      mirror: route.mirror === undefined ? null : targetOf('mirror', route.mirror),
      upgrade: route.upgrade ?? DEFAULT_UPGRADE,
      ...(route.streams && { streams: route.streams }),
      priority: route.priority ?? DEFAULT_PRIORITY,
      ...(route.idempotency && {
        idempotency: {
          ...DEFAULT_IDEMPOTENCY,
          header: 'idempotency-key',
          headers: ['authorization'],
          ...route.idempotency,
        },
      }),
      ...(route.fallback && { fallback: route.fallback.map((step, m) => stepOf(step, 100 * n + 50 + m)) }),
    }),
  );
  return {
    revision,
    hash: '',
    color: { ...DEFAULT_COLOR, acceptFrom: 'anyone', ...sketch.color },
    overload: { priorityHeader: sketch.priorityHeader ?? null },
    http: { ...DEFAULT_HTTP, ...sketch.http },
    accessLog: sketch.accessLog ?? DEFAULT_ACCESS_LOG,
    ...(sketch.tracing && { tracing: sketch.tracing }),
    trustedProxies: sketch.trustedProxies ?? [],
    limits: { ...LIMITS, ...sketch.limits },
    timeouts: { ...TIMEOUTS, ...sketch.timeouts },
    drain: { delayMs: 0, timeoutMs: 1000 },
    routes,
    endpoints,
  };
}

/** Starts a plane on a free loopback port. */
export async function startPlane(sketch: PlaneSketch): Promise<TestPlane> {
  const shared = new SharedArrayBuffer(DIALS_MAX * 4);
  const dials = new Int32Array(shared);
  const buffers = reserveTallies();
  const tallies = viewTallies(buffers);
  const setDials = (next: PlaneSketch): void => {
    next.routes.forEach((route, n) =>
      route.versions.forEach((version, m) => Atomics.store(dials, 100 * n + m + 1, version.weight)),
    );
  };
  setDials(sketch);
  const endpointDials = createEndpointDials();
  const latencyDials = createLatencyDials();
  const pressure = new Int32Array(reservePressure());
  const standings = createStandings();
  const setup = {
    seed: sketch.seed ?? 1,
    dials: shared,
    endpointDials: endpointDials.buffer,
    latencyDials: latencyDials.buffer,
    rates: reserveRates(),
    pressure: pressure.buffer,
    standings: standings.buffer,
    tallies: buffers,
    snapshot: sketchSnapshot(sketch),
    ...(sketch.tls && { tls: sketch.tls }),
    ...(sketch.writeAccess && { writeAccess: sketch.writeAccess }),
    ...(sketch.writeCompared && { writeCompared: sketch.writeCompared }),
  };
  const plane = new Plane(setup);
  const address = { host: '127.0.0.1', port: 0, reusePort: false, proxyProtocol: sketch.proxyProtocol };
  const port = await plane.listener.listen({ ...address, ...(sketch.http2 && { http2: true }) });
  let revision = 1;
  return {
    port,
    plane,
    dials,
    endpointDials,
    latencyDials,
    standings,
    tallies,
    press: (grade, refusedPerMille) => {
      Atomics.store(pressure, PRESSURE.refusedPerMille, refusedPerMille);
      Atomics.store(pressure, PRESSURE.grade, grade);
    },
    count: (cell, word) => tallies.cells[cell * CELL_WORDS + word] as number,
    swap: (next) => {
      setDials(next);
      plane.swap(sketchSnapshot(next, ++revision));
    },
    close: () => plane.destroy(),
  };
}

/** Counters of a cell by name, for assertions. */
export function readCell(
  plane: TestPlane,
  cell: number,
): Record<'inFlight' | 'finished' | 'bad' | 'ignored' | 'slow', number> {
  return {
    inFlight: plane.count(cell, CELL.inFlight),
    finished: plane.count(cell, CELL.finished),
    bad: plane.count(cell, CELL.bad),
    ignored: plane.count(cell, CELL.ignored),
    slow: plane.count(cell, CELL.slow),
  };
}

/** Listens on a free loopback port; resolves with it. */
export function listenLoopback(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

/** Number of the endpoint at a port: the port, or what comes after the thousands of one that a test made up. */
export function endpointIdOf(port: number): number {
  return port < 10_000 ? port % 1000 : port;
}
