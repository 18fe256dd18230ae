/**
 * Builds the status from readings: what each route, version and endpoint did and does.
 *
 * Pure: everything it shows is handed in. A ratio without a denominator and a quantile of nothing are null, never 0.
 */

import { quantile, sparseCounts } from '../lib/histogram.ts';
import type { Config } from '../model/config.ts';
import { versionCells } from '../model/overload.ts';
import { type WeightsOrigin, weightScaleOf } from '../model/rollout.ts';
import type { DriftKind } from '../model/slo.ts';
import type { EndpointSpec, RouteSpec, Snapshot, SplitSpec, TargetSpec } from '../model/snapshot.ts';
import type {
  AdmissionStatus,
  BreakerStatus,
  DownstreamStatus,
  EndpointStatus,
  RescueCounts,
  RolloutStatus,
  RouteLatencies,
  RouteState,
  RouteStatus,
  SheddingStatus,
  TrafficStatus,
  VersionState,
  VersionStatus,
  VersionWeights,
  WeightsStatus,
} from '../model/status.ts';
import type { FallbackCounts } from '../model/threads/answers/fallback.ts';
import type { RetryCounts } from '../model/threads/answers/retries.ts';
import type { DownstreamCounts } from '../model/threads/load/downstream.ts';

/** Totals of a cell, as far as the status shows them. */
export interface CellSums {
  readonly inFlight: number;
  readonly finished: number;
  readonly bad: number;
  readonly ignored: number;
  readonly slow: number;
  readonly retries: RetryCounts;
  readonly rescued: RescueCounts;
  readonly fallbacks: FallbackCounts;
  readonly histogram: ArrayLike<number>;
  readonly admission: { readonly limit: number; readonly inFlight: number; readonly queued: number };
  readonly breaker: BreakerStatus;
  readonly shed: ArrayLike<number>;
}

/** Where the numbers come from. */
export interface StatusSource {
  readonly config: Config;
  readonly snapshot: Snapshot;
  cell(id: number): CellSums;
  endpoint(id: number): Omit<EndpointStatus, 'address'>;
  /** What a dial has; its route says what one unit is worth (`weightScaleOf`). */
  weight(dial: number): number;
  /** Why a version's weight is not the operator's; empty when it is. */
  because(route: string, split: SplitSpec): string;
  drift(route: string, split: SplitSpec): DriftKind;
  rollout(route: string): RolloutStatus | null;
  /** How a route stands, and in which order a version (`service/version`) refuses requests; null without a limit. */
  shedding(route: string): SheddingStatus | null;
  order(version: string): Pick<AdmissionStatus, 'isCurbed' | 'order'> | null;
  /** What followed from the requests that colors pinned to the version of a cell. */
  downstream(cell: number): DownstreamCounts;
}

/** Every route in the order of the configuration. Cost: a few microseconds per route x version. */
export function routeStatuses(source: StatusSource): RouteStatus[] {
  const shown = versionCells(source.snapshot.routes);
  return source.snapshot.routes.map((route, index) => routeStatus(source, shown, route, index));
}

/** Where states come from: what is asked again and again gives the numbers of that moment. */
export type StateSource = Pick<StatusSource, 'config' | 'snapshot' | 'weight' | 'endpoint' | 'downstream'> & {
  /** Live. */
  cell(id: number): Pick<CellSums, 'finished'>;
};

/** States of all routes one by one, live: made once for a snapshot, they are read at every scrape. */
export function* routeStates(source: StateSource): Generator<RouteState> {
  for (const [index, { name, splits }] of source.snapshot.routes.entries()) {
    const cells = splits.map(({ cell }) => source.cell(cell));
    const scale = weightScaleAt(source, index);
    yield { name, versions: splits.map((split, n) => new LiveVersion(source, { split, scale, cells, n })) };
  }
}

/** A version among those of its route. */
interface Sibling {
  readonly split: SplitSpec;
  readonly scale: number;
  /** Of all versions of the route. */
  readonly cells: readonly Pick<CellSums, 'finished'>[];
  readonly n: number;
}

class LiveVersion implements VersionState {
  readonly service: string;
  readonly version: string;
  readonly #source: StateSource;
  readonly #of: Sibling;

  constructor(source: StateSource, sibling: Sibling) {
    this.service = sibling.split.service;
    this.version = sibling.split.version;
    this.#source = source;
    this.#of = sibling;
  }

  get weight(): number {
    return this.#source.weight(this.#of.split.dial) / this.#of.scale;
  }

  get shareRatio(): number | null {
    const { cells, n } = this.#of;
    let total = 0;
    for (const { finished } of cells) total += finished;
    return ratioOf((cells[n] as Pick<CellSums, 'finished'>).finished, total);
  }

  get downstream(): DownstreamStatus | null {
    return downstreamOf(this.#source, this.#of.split);
  }

  get endpoints(): readonly EndpointStatus[] {
    return endpointsOf(this.#source, this.#of.split);
  }
}

/** Some routes. Cost: those, and 0.1 us for each route there is. @param indexes of the routes, in the order that is wanted */
export function statusesAt(source: StatusSource, indexes: readonly number[]): RouteStatus[] {
  const shown = versionCells(source.snapshot.routes);
  return indexes.map((index) => routeStatus(source, shown, source.snapshot.routes[index] as RouteSpec, index));
}

function routeStatus(
  source: StatusSource,
  shownIn: ReadonlyMap<TargetSpec, number>,
  route: RouteSpec,
  index: number,
): RouteStatus {
  const shown = (split: SplitSpec): CellSums => source.cell(shownIn.get(split.targets) ?? split.cell);
  const traffic = trafficOf(source.cell(route.cell));
  const config = source.config.routes[index];
  const weights = versionWeights(source, index);
  const versions = route.splits.map((split, i) =>
    versionStatus(source, split, {
      ...(weights[i] as VersionWeights),
      rescued: route.rescue?.canary === i ? source.cell(split.cell).rescued : null,
      drift: source.drift(route.name, split),
      breaker: split.targets.breaker === null ? null : shown(split).breaker,
      admission: admissionOf(source, split, shown(split)),
      downstream: downstreamOf(source, split),
    }),
  );
  const total = versions.reduce((sum, version) => sum + version.requests, 0);
  return {
    name: route.name,
    weights: config?.weights === undefined ? null : originOf(config.weights),
    ...traffic,
    versions: versions.map((version) => ({ ...version, shareRatio: ratioOf(version.requests, total) })),
    rollout: source.rollout(route.name),
    shedding: source.shedding(route.name),
    fallbacks: route.fallback === undefined ? null : source.cell(route.cell).fallbacks,
  };
}

/** Latencies of the routes that had requests. */
export function routeLatencies({ snapshot, cell }: Pick<StatusSource, 'snapshot' | 'cell'>): RouteLatencies[] {
  return snapshot.routes.flatMap(({ name, cell: id }) => {
    const { finished, histogram } = cell(id);
    return finished === 0 ? [] : [{ route: name, counts: sparseCounts(histogram, 0) }];
  });
}

/** The weights of one route's versions. Cost: that of one route. @param index of the route */
export function versionWeights(
  source: Pick<StatusSource, 'config' | 'snapshot' | 'weight' | 'because'>,
  index: number,
): VersionWeights[] {
  const { name, splits } = source.snapshot.routes[index] as RouteSpec;
  const route = source.config.routes[index];
  const scale = weightScaleAt(source, index);
  return splits.map((split, i) => ({
    service: split.service,
    version: split.version,
    weight: source.weight(split.dial) / scale,
    weightConfigured: route?.backendRefs[i]?.weight ?? 0,
    weightFrom: route?.weights?.isSet[i] === true ? 'weights' : 'route',
    weightOfRoute: route?.weights?.ownWeights[i] ?? route?.backendRefs[i]?.weight ?? 0,
    weightBecause: source.because(name, split),
  }));
}

/** What one unit of the dials of a route is worth. */
function weightScaleAt({ config }: Pick<StatusSource, 'config'>, index: number): number {
  const route = config.routes[index];
  return route === undefined ? 1 : weightScaleOf(route);
}

function originOf({ document, revision, reason }: WeightsOrigin): WeightsStatus {
  return { document, revision, reason };
}

function versionStatus(
  source: StatusSource,
  split: SplitSpec,
  more: VersionWeights & Pick<VersionStatus, 'rescued' | 'drift' | 'admission' | 'breaker' | 'downstream'>,
): VersionStatus {
  return {
    colors: split.colors,
    ...more,
    ...trafficOf(source.cell(split.cell)),
    retries: source.cell(split.cell).retries,
    shareRatio: null,
    endpoints: endpointsOf(source, split),
  };
}

function endpointsOf(source: Pick<StatusSource, 'endpoint' | 'snapshot'>, { targets }: SplitSpec): EndpointStatus[] {
  return targets.endpoints.map((index) => {
    const { id, host: name, port } = source.snapshot.endpoints[index] as EndpointSpec;
    const host = name.includes(':') ? `[${name}]` : name;
    return { address: `${host}:${port}`, ...source.endpoint(id) };
  });
}

/** @param shown the cell in which the version's admission is shown */
function admissionOf(source: StatusSource, split: SplitSpec, { admission }: CellSums): AdmissionStatus | null {
  if (admission.limit === 0) return null;
  const [critical = 0, normal = 0, degraded = 0, bestEffort = 0] = Array.from(source.cell(split.cell).shed);
  const order = source.order(split.targets.name) ?? { isCurbed: false, order: '' };
  return { ...admission, shed: { critical, default: normal, degraded, 'best-effort': bestEffort }, ...order };
}

/** Fewer calls are told as numbers only. */
const FOLLOWED_LEAST = 10;
/** What a client does that sends several requests of one trace, with and without a color, may be less. */
const LOST_RATIO_LEAST = 0.05;

function downstreamOf(source: Pick<StatusSource, 'config' | 'downstream'>, split: SplitSpec): DownstreamStatus | null {
  const { kept, lost } = source.downstream(split.cell);
  const all = kept + lost;
  if (all === 0) return null;
  const lostRatio = lost / all;
  if (all < FOLLOWED_LEAST || lostRatio < LOST_RATIO_LEAST) return { kept, lost, lostRatio, sentence: '' };
  const { header, acceptFrom } = source.config.color;
  const { service, version } = split;
  const whence = acceptFrom === 'anyone' ? '' : ', from an address in trustedProxies or signed';
  const sentence =
    `${service} ${version} loses colors: ${lost} of ${all} calls that followed from its colored requests came back without one; ` +
    `it has to pass on ${header}${whence}`;
  return { kept, lost, lostRatio, sentence };
}

function trafficOf(cell: CellSums): TrafficStatus {
  const at = (q: number): number | null => (cell.finished === 0 ? null : quantile(cell.histogram, 0, q));
  return {
    inFlight: cell.inFlight,
    requests: cell.finished,
    bad: cell.bad,
    ignored: cell.ignored,
    slow: cell.slow,
    errorRatio: ratioOf(cell.bad, cell.finished),
    p50Ms: at(0.5),
    p90Ms: at(0.9),
    p99Ms: at(0.99),
  };
}

function ratioOf(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}
