/**
 * A plane whose requests are traced, and the spans that it hands over.
 */

import type { TestContext } from 'node:test';
import { type Span, spansOf } from '#src/export/requests/spans.ts';
import type { SamplingConfig, TraceBatch } from '#src/model/threads/requests/tracing.ts';
import type { PlaneSketch, TestPlane } from '../../plane.ts';
import { eventually, planeOf } from '../../proxy/running.ts';

/** Every trace that begins here is sampled, and a sender's word counts. */
export const ALL: SamplingConfig = { sampleRatio: 1, parent: 'anyone', propagators: ['tracecontext'], query: 'redact' };

export interface TracedPlane {
  readonly plane: TestPlane;
  readonly batches: readonly TraceBatch[];
  /** Resolves with the spans of the n-th request that was handed over, its own first. */
  readonly spans: (n?: number) => Promise<readonly Span[]>;
}

export async function tracedPlane(
  t: TestContext,
  sketch: PlaneSketch,
  sampling: Partial<SamplingConfig> = {},
): Promise<TracedPlane> {
  const plane = await planeOf(t, { ...sketch, tracing: { ...ALL, ...sampling } });
  const { tracer } = plane.plane;
  const batches: TraceBatch[] = [];
  tracer.connect((batch) => {
    batches.push(batch);
    tracer.taken();
  });
  const rows = () => batches.flatMap((batch) => batch.rows);
  return {
    plane,
    batches,
    spans: async (n = 0) => {
      await eventually(() => rows().length > n, `spans of request ${n}`);
      return spansOf(rows()[n]!, 0);
    },
  };
}

/** What an attempt says of itself: kind, status or reason, whether it failed. */
export function toldOf(span: Span): string {
  const { attributes, error } = span;
  const outcome =
    attributes['sluice.reason'] ?? attributes['http.response.status_code'] ?? attributes['sluice.called_off'];
  return `${String(attributes['sluice.attempt'])} ${String(outcome)}${error === null ? '' : '!'}`;
}

/** Ids and flags of the `traceparent` in a head, or null. */
export function traceparentIn(head: string): { traceId: string; spanId: string; flags: string } | null {
  const [, traceId = '', spanId = '', flags = ''] =
    /\r\ntraceparent: 00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})\r\n/i.exec(head) ?? [];
  return traceId === '' ? null : { traceId, spanId, flags };
}
