/**
 * A metric family fed at scrape time: name, help, type, labels, and a function from a reading to samples.
 *
 * Families are custom collectors of prom-client's registry; nothing calls it per request, because its `inc` and `observe`
 * cost a hundred times an increment of a typed array. What its registry asks of a metric (`name`, `get`) is all that is
 * used, so a successor package with the same two works unchanged. Its own rendering is one block of the event loop for a
 * whole page and knows no native histograms: pages are written by `exposition/`.
 */

import type { Metric, Registry } from 'prom-client';
import type { RolloutStatus, Status } from '../model/status.ts';
import { LabelSet, NO_LABELS } from './exposition/labels.ts';
import type { EndpointRow, Rows } from './rows.ts';
import type { AccessLosses, ColorCounts, InjectedCount, RollbackCount, ScrapeCounts, ViewerCounts } from './source.ts';

/**
 * One picture of the gateway. What grows with the number of routes is live and read when it is written, so that what is counted
 * meanwhile may be in one family's numbers and not in another's; those of one sample are of one moment.
 */
export interface Reading extends Rows {
  /** Without what grows with the number of routes. */
  readonly status: Omit<Status, 'routes' | 'slos'>;
  readonly endpoints: readonly EndpointRow[];
  /** Of routes that have one. */
  readonly rollouts: ReadonlyMap<string, RolloutStatus>;
  /** Requests refused before they had a route, by reason number. */
  readonly refused: ArrayLike<number>;
  readonly colors: ColorCounts;
  /** Connections to listeners with TLS, by number of `HANDSHAKE_RESULTS`. */
  readonly handshakes: ArrayLike<number>;
  /** Connections that begin with a PROXY header, by number of `PROXY_HEADER_RESULTS`. */
  readonly proxyHeaders: ArrayLike<number>;
  /** Words of HTTP/2 (`model/threads/load/http2.ts`). */
  readonly http2: ArrayLike<number>;
  readonly rollbacks: readonly RollbackCount[];
  readonly accessLosses: AccessLosses;
  readonly ratesForgotten: number;
  readonly samplesLost: number;
  readonly injected: readonly InjectedCount[];
  readonly staleBytes: number;
  readonly viewers: ViewerCounts;
  readonly scrapes: ScrapeCounts;
  /** Known requests of a version on a route, at most one for each range of latencies; empty without any. */
  readonly exemplars: (route: string, version: string) => readonly Exemplar[];
}

export type Labels = Readonly<Record<string, string | number>>;

/** A request that stands for others: its latency, when it ended and how it is found again. */
export interface Exemplar {
  /** What the id is of. */
  readonly label: 'trace_id' | 'request_id';
  readonly id: string;
  readonly value: number;
  /** Time of Unix, in seconds. */
  readonly atSeconds: number;
}

/** One classic bucket of a histogram. */
export interface Bucket {
  /** Inclusive upper bound; the last bucket's is Infinity. */
  readonly le: number;
  /** Observations at or below `le`. */
  readonly count: number;
  readonly exemplar?: Exemplar;
}

/** A histogram as it stands. */
export interface HistogramValue {
  /** In rising order; the last one, up to Infinity, counts all. */
  readonly buckets: readonly Bucket[];
  readonly sum: number;
  /** Counts of `lib/histogram.ts`, which the native histogram is made from; absent: there is none. */
  readonly counts?: ArrayLike<number>;
}

export interface Sample {
  readonly labels: Labels;
  /** Further labels, the same object for many samples: rendered once. */
  readonly shared?: Labels;
  readonly value: number | HistogramValue;
}

export interface FamilyHead {
  readonly name: string;
  readonly help: string;
  /** info: always 1, its labels are what it says. */
  readonly type: 'counter' | 'gauge' | 'info' | 'histogram';
  /** Names of all labels that samples may have, `le` apart; absent: none. docs/METRICS.md has them. */
  readonly labels?: readonly string[];
}

/** A family of few samples. */
export interface ListFamily extends FamilyHead {
  /** Label sets must be distinct and bounded by the configuration, never by clients. */
  collect(reading: Reading): Iterable<Sample>;
}

/** Takes samples one by one. */
export interface SampleSink {
  /** @param labels its own; they stand before those that it has in common with others */
  add(labels: LabelSet, shared: LabelSet, value: number | HistogramValue): void;
}

/**
 * A family that grows with the number of routes: written row by row, without an object for a sample. Hot path of a page.
 */
export interface RowFamily<Row = unknown> extends FamilyHead {
  rows(reading: Reading): readonly Row[];
  /** Writes the samples of a row; none where there is nothing to tell. As for `collect`. */
  write(row: Row, to: SampleSink, reading: Reading): void;
}

export type Family = ListFamily | RowFamily;

/** A family of either kind as one of rows. */
export function inRows(family: Family): RowFamily {
  if (!('collect' in family)) return family;
  const { name, help, type } = family;
  return {
    name,
    help,
    type,
    rows: (reading) => Array.from(family.collect(reading)),
    write: ({ labels, shared, value }: Sample, to) =>
      to.add(new LabelSet(labels), shared === undefined ? NO_LABELS : new LabelSet(shared), value),
  } satisfies RowFamily<Sample>;
}

/** The samples of a family of either kind. */
export function samplesOf(family: Family, reading: Reading): Sample[] {
  if ('collect' in family) return Array.from(family.collect(reading));
  const samples: Sample[] = [];
  const to: SampleSink = {
    add: ({ pairs: labels }, { pairs: shared }, value) => samples.push({ labels, shared, value }),
  };
  for (const row of family.rows(reading)) family.write(row, to, reading);
  return samples;
}

const NONE: Labels = {};

/** A value as prom-client has it. */
interface Value {
  readonly labels: Labels;
  readonly sharedLabels: Labels;
  readonly value: number;
  readonly metricName: string;
}

/** Registers a family. `current` is called once per collection. */
export function registerFamily(registry: Registry, family: Family, current: () => Reading): void {
  const metric = {
    name: family.name,
    get: () => ({
      name: family.name,
      help: family.help,
      type: family.type === 'info' ? 'gauge' : family.type,
      values: samplesOf(family, current()).flatMap((sample) => [...valuesOf(family.name, sample)]),
      aggregator: 'sum',
    }),
    reset: () => undefined,
  };
  registry.registerMetric(metric as unknown as Metric);
}

function* valuesOf(name: string, { labels, shared = NONE, value }: Sample): Generator<Value> {
  if (typeof value === 'number') {
    yield { labels, sharedLabels: shared, value, metricName: name };
    return;
  }
  for (const { le, count } of value.buckets) {
    const bound = le === Infinity ? '+Inf' : le;
    yield { labels: { le: bound, ...labels }, sharedLabels: shared, value: count, metricName: `${name}_bucket` };
  }
  yield { labels, sharedLabels: shared, value: value.sum, metricName: `${name}_sum` };
  yield { labels, sharedLabels: shared, value: value.buckets.at(-1)?.count ?? 0, metricName: `${name}_count` };
}
