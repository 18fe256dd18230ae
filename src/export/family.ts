/**
 * A metric family fed at scrape time: name, help, type, and a function from a reading to samples.
 *
 * prom-client renders; nothing calls it per request, because its `inc` and `observe` cost a hundred times an increment
 * of a typed array. What its registry asks of a metric (`name`, `get`) is all that is used, so a successor package with
 * the same two works unchanged.
 */

import type { Metric, Registry } from 'prom-client';
import type { Status } from '../model/status.ts';
import type { AccessLosses, ColorCounts, RollbackCount, RouteReading } from './source.ts';

/** One picture of the gateway. */
export interface Reading {
  readonly status: Status;
  readonly traffic: readonly RouteReading[];
  /** Requests refused before they had a route, by reason number. */
  readonly refused: ArrayLike<number>;
  readonly colors: ColorCounts;
  readonly rollbacks: readonly RollbackCount[];
  readonly accessLosses: AccessLosses;
  readonly ratesForgotten: number;
}

export type Labels = Readonly<Record<string, string | number>>;

export interface Sample {
  readonly labels: Labels;
  /** Further labels, the same object for many samples: rendered once. */
  readonly shared?: Labels;
  readonly value: number;
  /** For `_bucket`, `_sum` and `_count`; else the family's name. */
  readonly metricName?: string;
}

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** Label sets must be distinct and bounded by the configuration, never by clients. */
  collect(reading: Reading): Iterable<Sample>;
}

const NONE: Labels = {};

/** Registers a family. `current` is called once per scrape. */
export function registerFamily(registry: Registry, family: Family, current: () => Reading): void {
  const metric = {
    name: family.name,
    get: () => ({
      name: family.name,
      help: family.help,
      type: family.type,
      values: Array.from(family.collect(current()), ({ labels, shared = NONE, value, metricName = family.name }) => ({
        labels,
        sharedLabels: shared,
        value,
        metricName,
      })),
      aggregator: 'sum',
    }),
    reset: () => undefined,
  };
  registry.registerMetric(metric as unknown as Metric);
}
