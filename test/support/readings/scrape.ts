/**
 * One scrape of the metrics page over sample readings, parsed.
 */

import { createMetrics } from '#src/export/metrics.ts';
import type { MetricsSource } from '#src/export/source.ts';
import { REASON_COUNT } from '#src/model/reason.ts';
import { sampleTraffic } from './cells.ts';
import { type ParsedFamily, type ParsedSample, parseExposition } from './exposition.ts';
import { sampleStatus } from './status.ts';

/** A gateway with one canary that was rolled back. */
export function sourceOf(changes: Partial<MetricsSource> = {}): MetricsSource {
  return {
    status: () => sampleStatus(),
    traffic: () => [sampleTraffic()],
    refused: () => new Uint32Array(REASON_COUNT).fill(3),
    rollbacks: () => [{ route: 'checkout', version: 'v2', count: 1 }],
    colors: () => ({ tokens: [7, 1], signatures: [5, 2, 1] }),
    accessLosses: () => ({ queueFull: 5, failureRate: 6, stream: 7 }),
    ratesForgotten: () => 8,
    ...changes,
  };
}

export async function scrape(changes: Partial<MetricsSource> = {}): Promise<Map<string, ParsedFamily>> {
  return parseExposition((await createMetrics(sourceOf(changes)).page()).body);
}

/** `a=x b=y 1` per sample of a family, labels and lines sorted. */
export function series(families: Map<string, ParsedFamily>, name: string): string[] {
  const show = ({ labels, value }: ParsedSample) =>
    [
      ...Object.keys(labels)
        .sort()
        .map((key) => `${key}=${labels[key]}`),
      value,
    ].join(' ');
  return (families.get(name)?.samples ?? []).map(show).sort();
}
