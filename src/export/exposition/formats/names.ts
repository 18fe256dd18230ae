/**
 * What the formats want of a metric's name: its unit, and what it is called without the suffix of its type.
 *
 * Source: OpenMetrics 1.0, "MetricFamily", "Unit"; Prometheus, "Metric and label naming".
 */

import type { Family } from '../../family.ts';

const UNITS = ['seconds', 'bytes', 'ratio'] as const;

/** Unit of a family, as the end of its name says; empty: it has none. */
export function unitOf(name: string): string {
  const bare = name.replace(/_total$/, '');
  return UNITS.find((unit) => bare.endsWith(`_${unit}`)) ?? '';
}

/** Name of the family in OpenMetrics: without what its samples have besides. */
export function openMetricsName({ name, type }: Pick<Family, 'name' | 'type'>): string {
  if (type === 'counter') return name.replace(/_total$/, '');
  return type === 'info' ? name.replace(/_info$/, '') : name;
}
