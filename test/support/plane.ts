/**
 * A data plane in this process, without threads: a snapshot from a few words, real sockets on loopback, tallies to read.
 */
import type { AddressInfo, Server } from 'node:net';
import type { Balancer, Filters, RetryConfig, RouteMatch, StickyConfig, UpgradeConfig } from '#src/model/config.ts';
import {
  type BreakerConfig,
  type ConcurrencyLimit,
  type Priority,
  type RateLimitConfig,
  reserveRates,
} from '#src/model/overload.ts';
import type { RouteSpec, Snapshot, TargetSpec } from '#src/model/snapshot.ts';
import { CELL, CELL_WORDS, DIALS_MAX, reserveTallies, type Tallies, viewTallies } from '#src/model/tallies.ts';
import { Plane } from '#src/proxy/plane.ts';
import { createEndpointDials, type EndpointDials } from '#src/snapshot/endpoint-dials.ts';
import { createLatencyDials, type LatencyDials } from '#src/snapshot/latency-dials.ts';
import {
  DEFAULT_ACCESS_LOG,
  DEFAULT_COLOR,
  DEFAULT_HTTP,
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
}

type TargetSketch = Pick<VersionSketch, 'ports' | 'balancer' | 'limit' | 'breaker'>;

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
  /** Rescues what fails on the second version by the first; `all`: also what a color pinned to it. */
  readonly rescue?: 'unpinned' | 'all';
  readonly priority?: Priority;
  readonly rateLimits?: readonly RateLimitConfig[];
  /** Where copies go, and how many. */
  readonly mirror?: { readonly ports: readonly number[]; readonly ratio: number };
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
  readonly seed?: number;
}

/** A running plane. Cells: route n has cell 100 n, its version m has 100 n + m + 1; dials and units likewise. */
export interface TestPlane {
  readonly port: number;
  readonly plane: Plane;
  readonly dials: Int32Array;
  /** Capacities by endpoint id, which is the port modulo 1000. */
  readonly endpointDials: EndpointDials;
  readonly latencyDials: LatencyDials;
  readonly tallies: Tallies;
  /** One counter of a cell. */
  count(cell: number, word: number): number;
  swap(sketch: PlaneSketch): void;
  close(): void;
}

export const ANY_PATH: RouteMatch = { path: { type: 'PathPrefix', value: '/' }, method: null, headers: [], query: [] };

export function sketchSnapshot(sketch: PlaneSketch, revision = 1): Snapshot {
  const endpoints: { id: number; host: string; port: number }[] = [];
  const targetOf = (name: string, { ports, balancer, limit, breaker }: TargetSketch): TargetSpec => ({
    name: `service/${name}`,
    limit: limit ?? 'off',
    breaker: breaker ?? null,
    balancer: balancer ?? 'peakEwma',
    endpoints: ports.map((port) => endpoints.push({ id: port % 1000, host: '127.0.0.1', port }) - 1),
    weights: ports.map(() => 1),
  });
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
        ...(route.mirror && { mirror: { service: 'service', version: 'mirror', ratio: route.mirror.ratio } }),
      },
      mirror: route.mirror === undefined ? null : targetOf('mirror', route.mirror),
      upgrade: route.upgrade ?? DEFAULT_UPGRADE,
      priority: route.priority ?? DEFAULT_PRIORITY,
    }),
  );
  return {
    revision,
    hash: '',
    color: { ...DEFAULT_COLOR, acceptFrom: 'anyone', ...sketch.color },
    overload: { priorityHeader: sketch.priorityHeader ?? null },
    http: { ...DEFAULT_HTTP, ...sketch.http },
    accessLog: sketch.accessLog ?? DEFAULT_ACCESS_LOG,
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
  const setup = {
    seed: sketch.seed ?? 1,
    dials: shared,
    endpointDials: endpointDials.buffer,
    latencyDials: latencyDials.buffer,
    rates: reserveRates(),
    tallies: buffers,
    snapshot: sketchSnapshot(sketch),
  };
  const plane = new Plane(setup);
  const port = await plane.listener.listen({ host: '127.0.0.1', port: 0, reusePort: false });
  let revision = 1;
  return {
    port,
    plane,
    dials,
    endpointDials,
    latencyDials,
    tallies,
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
