/**
 * The metrics page: every family over one reading, in Prometheus text format 0.0.4, with Node's own metrics.
 */

import { collectDefaultMetrics, Registry } from 'prom-client';
import { COLOR_FAMILIES } from './color-families.ts';
import { DURABLE_FAMILIES } from './durable-families.ts';
import { type Reading, registerFamily } from './family.ts';
import { FLEET_FAMILIES } from './fleet-families.ts';
import { REVISION_FAMILIES } from './revision-families.ts';
import { SLO_FAMILIES } from './slo-families.ts';
import type { MetricsSource } from './source.ts';
import { SOURCE_FAMILIES } from './source-families.ts';
import { STATE_FAMILIES } from './state-families.ts';
import { TRAFFIC_FAMILIES } from './traffic-families.ts';

export interface Metrics {
  /** Renders the page. Scrapes that overlap share one rendering. Rejects with what the source throws. */
  page(): Promise<{ readonly contentType: string; readonly body: string }>;
}

/** Makes the registry over a source, which is asked anew at each scrape. */
export function createMetrics(source: MetricsSource): Metrics {
  const registry = new Registry();
  let reading: Reading | null = null;
  const current = (): Reading => {
    if (reading === null) throw new Error('metrics: a family was collected outside a scrape');
    return reading;
  };
  for (const family of [
    ...TRAFFIC_FAMILIES,
    ...STATE_FAMILIES,
    ...COLOR_FAMILIES,
    ...SOURCE_FAMILIES,
    ...REVISION_FAMILIES,
    ...SLO_FAMILIES,
    ...DURABLE_FAMILIES,
    ...FLEET_FAMILIES,
  ])
    registerFamily(registry, family, current);
  collectDefaultMetrics({ register: registry });

  const render = async () => {
    reading = {
      status: source.status(),
      traffic: source.traffic(),
      refused: source.refused(),
      colors: source.colors(),
      rollbacks: source.rollbacks(),
      accessLosses: source.accessLosses(),
      ratesForgotten: source.ratesForgotten(),
    };
    return { contentType: registry.contentType, body: await registry.metrics() };
  };
  let rendering: Promise<{ contentType: string; body: string }> | null = null;
  return {
    page: () => {
      rendering ??= render().finally(() => {
        rendering = null;
        reading = null;
      });
      return rendering;
    },
  };
}
