/**
 * The runtime's own metrics (event loop, heap, garbage collection, process), as prom-client measures them, in the form of ours.
 *
 * Left out are three that repeat the sums of others under names that belong to counters.
 */

import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Bucket, Family, Labels, Sample } from '../family.ts';

/** Gauges whose names end in `_total`, which neither promtool nor OpenMetrics takes; their parts are there by type. */
const LEFT_OUT = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

/**
 * How often the delay of the event loop is sampled; what is reported contains it. Each sample wakes the thread: every 10 ms, which
 * is the default, was a quarter of what the main thread of an idle gateway takes.
 */
const EVENT_LOOP_SAMPLE_MS = 20;

/** A value as prom-client gives it. */
interface Value {
  readonly labels: Labels;
  readonly value: number;
  readonly metricName?: string;
}

/** A metric as prom-client gives it. */
interface Measured {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly values: readonly Value[];
}

/** Begins to measure. */
export function runtimeRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_SAMPLE_MS });
  for (const name of LEFT_OUT) registry.removeSingleMetric(name);
  return registry;
}

/** What a registry has measured until now. */
export async function measuredBy(registry: Registry): Promise<Family[]> {
  const metrics = (await registry.getMetricsAsJSON()) as unknown as readonly Measured[];
  return metrics.map(({ name, help, type, values }): Family => {
    if (type === 'histogram') return { name, help, type, collect: () => histogramsOf(name, values) };
    if (type !== 'counter' && type !== 'gauge') throw new Error(`${name} is a ${type}, which no format is written for`);
    return { name, help, type, collect: () => values };
  });
}

/** Puts the samples of histograms together again: one for each set of labels but `le`. */
function histogramsOf(name: string, values: readonly Value[]): Sample[] {
  const bySet = new Map<string, { labels: Labels; buckets: Bucket[]; sum: number }>();
  for (const { labels, value, metricName } of values) {
    const { le, ...rest } = labels;
    const key = JSON.stringify(rest);
    const one = bySet.get(key) ?? { labels: rest, buckets: [], sum: 0 };
    bySet.set(key, one);
    if (metricName === `${name}_sum`) one.sum = value;
    else if (le !== undefined) one.buckets.push({ le: le === '+Inf' ? Infinity : Number(le), count: value });
  }
  return [...bySet.values()].map(({ labels, buckets, sum }) => ({ labels, value: { buckets, sum } }));
}
