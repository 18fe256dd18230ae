/**
 * Builds the status from readings: what each route, version and endpoint did and does.
 *
 * Pure: everything it shows is handed in. A ratio without a denominator and a quantile of nothing are null, never 0.
 */

import { quantile } from '../lib/histogram.ts';
import type { Config } from '../model/config.ts';
import { versionCells } from '../model/overload.ts';
import { type WeightsOrigin, weightScaleOf } from '../model/rollout.ts';
import type { DriftKind } from '../model/slo.ts';
import type { EndpointSpec, RouteSpec, Snapshot, SplitSpec, TargetSpec } from '../model/snapshot.ts';
import type {
  AdmissionStatus,
  BreakerStatus,
  EndpointStatus,
  RescueCounts,
  RolloutStatus,
  RouteStatus,
  TrafficStatus,
  VersionStatus,
  VersionWeights,
  WeightsStatus,
} from '../model/status.ts';

/** Totals of a cell, as far as the status shows them. */
export interface CellSums {
  readonly inFlight: number;
  readonly finished: number;
  readonly bad: number;
  readonly ignored: number;
  readonly slow: number;
  readonly rescued: RescueCounts;
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
}

/** Every route in the order of the configuration. Cost: a few microseconds per route x version. */
export function routeStatuses(source: StatusSource): RouteStatus[] {
  const shown = versionCells(source.snapshot.routes);
  return source.snapshot.routes.map((route, index) => routeStatus(source, shown, route, index));
}

function routeStatus(
  source: StatusSource,
  shownIn: ReadonlyMap<TargetSpec, number>,
  route: RouteSpec,
  index: number,
): RouteStatus {
  const traffic = trafficOf(source.cell(route.cell));
  const config = source.config.routes[index];
  const refs = config?.backendRefs ?? [];
  const scale = config === undefined ? 1 : weightScaleOf(config);
  const versions = route.splits.map((split, i) =>
    versionStatus(source, split, {
      rescued: route.rescue?.canary === i ? source.cell(split.cell).rescued : null,
      weight: source.weight(split.dial) / scale,
      weightConfigured: refs[i]?.weight ?? 0,
      weightFrom: config?.weights?.isSet[i] === true ? 'weights' : 'route',
      weightOfRoute: config?.weights?.ownWeights[i] ?? refs[i]?.weight ?? 0,
      weightBecause: source.because(route.name, split),
      drift: source.drift(route.name, split),
      ...standingOf(split, source.cell(shownIn.get(split.targets) ?? split.cell), source.cell(split.cell)),
    }),
  );
  const total = versions.reduce((sum, version) => sum + version.requests, 0);
  return {
    name: route.name,
    weights: config?.weights === undefined ? null : originOf(config.weights),
    ...traffic,
    versions: versions.map((version) => ({ ...version, shareRatio: ratioOf(version.requests, total) })),
    rollout: source.rollout(route.name),
  };
}

function originOf({ document, revision, reason }: WeightsOrigin): WeightsStatus {
  return { document, revision, reason };
}

function versionStatus(
  source: StatusSource,
  split: SplitSpec,
  more: Omit<VersionWeights, 'service' | 'version'> &
    Pick<VersionStatus, 'rescued' | 'drift' | 'admission' | 'breaker'>,
): VersionStatus {
  const endpoints = split.targets.endpoints.map((index) => {
    const spec = source.snapshot.endpoints[index] as EndpointSpec;
    const host = spec.host.includes(':') ? `[${spec.host}]` : spec.host;
    return { address: `${host}:${spec.port}`, ...source.endpoint(spec.id) };
  });
  return {
    service: split.service,
    version: split.version,
    colors: split.colors,
    ...more,
    ...trafficOf(source.cell(split.cell)),
    shareRatio: null,
    endpoints,
  };
}

/** @param shown the cell in which the version's admission and breaker are shown @param own that of the split */
function standingOf(
  { targets }: SplitSpec,
  shown: CellSums,
  own: CellSums,
): Pick<VersionStatus, 'admission' | 'breaker'> {
  return { admission: admissionOf(shown, own), breaker: targets.breaker === null ? null : shown.breaker };
}

function admissionOf({ admission }: CellSums, { shed }: CellSums): AdmissionStatus | null {
  if (admission.limit === 0) return null;
  const [critical = 0, normal = 0, degraded = 0, bestEffort = 0] = Array.from(shed);
  return { ...admission, shed: { critical, default: normal, degraded, 'best-effort': bestEffort } };
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
