/**
 * Hands spans to a collector: OTLP over HTTP, as protobuf. The one file that knows the exporter's packages.
 *
 * The resource holds the gateway's name, version and instance, and what the configuration says; nothing is detected, so
 * that neither arguments nor the environment go out with it. Source: docs/adr/0033-opentelemetry.md.
 */

import { SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { type Resource, resourceFromAttributes } from '@opentelemetry/resources';
import type { Span, SpanRef } from './spans.ts';

/** What the exporter takes. */
type ReadableSpan = Parameters<OTLPTraceExporter['export']>[0][number];

const SCOPE = 'sluice';
const KINDS = { server: SpanKind.SERVER, client: SpanKind.CLIENT, internal: SpanKind.INTERNAL } as const;

export interface CollectorOptions {
  readonly endpoint: string;
  /** Asked anew for each batch. */
  readonly headers: () => Promise<Record<string, string>>;
  /** Attributes besides the gateway's own; `service.name` may be another one than `sluice`. */
  readonly resource: Readonly<Record<string, string>>;
  readonly release: string;
  /** Of the process: tells gateways of the same name apart. */
  readonly instance: string;
  /** Longest try to hand over one batch, tries again included. */
  readonly timeoutMs: number;
}

export class Collector {
  readonly #exporter: OTLPTraceExporter;
  readonly #resource: Resource;
  readonly #release: string;
  readonly #timeoutMs: number;

  constructor({ endpoint, headers, resource, release, instance, timeoutMs }: CollectorOptions) {
    const own = { 'service.version': release, 'service.instance.id': instance };
    this.#resource = resourceFromAttributes({ 'service.name': SCOPE, ...resource, ...own });
    this.#release = release;
    this.#timeoutMs = timeoutMs;
    this.#exporter = new OTLPTraceExporter({ url: endpoint, headers, timeoutMillis: timeoutMs });
  }

  /** Resolves when the collector has taken them. @throws Error that says why it has not, at the latest after `timeoutMs` */
  send(spans: readonly Span[]): Promise<void> {
    const readable = spans.map((span) => this.#readableOf(span));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // The exporter's own limit begins with the connection, and begins anew with every byte that comes.
    const late = new Error(`not taken within ${this.#timeoutMs} ms`);
    const timer = setTimeout(() => reject(late), this.#timeoutMs);
    this.#exporter.export(readable, ({ code, error }) => {
      if (code === 0) resolve();
      else reject(error ?? new Error('the collector did not take it'));
    });
    return promise.finally(() => clearTimeout(timer));
  }

  close(): Promise<void> {
    return this.#exporter.shutdown();
  }

  #readableOf(span: Span): ReadableSpan {
    const { attributes, startedAtMs, endedAtMs, parentId, isParentRemote } = span;
    return {
      name: span.name,
      kind: KINDS[span.kind],
      spanContext: () => contextOf(span),
      ...(parentId !== null && {
        parentSpanContext: { ...contextOf({ ...span, spanId: parentId }), isRemote: isParentRemote },
      }),
      startTime: timeOf(startedAtMs),
      endTime: timeOf(endedAtMs),
      duration: timeOf(endedAtMs - startedAtMs),
      ended: true,
      status:
        span.error === null ? { code: SpanStatusCode.UNSET } : { code: SpanStatusCode.ERROR, message: span.error },
      attributes,
      links: span.links.map((link) => ({ context: contextOf(link) })),
      events: [],
      resource: this.#resource,
      instrumentationScope: { name: SCOPE, version: this.#release },
      droppedAttributesCount: 0,
      droppedEventsCount: 0,
      droppedLinksCount: 0,
    };
  }
}

function contextOf({ traceId, spanId }: SpanRef) {
  return { traceId, spanId, traceFlags: TraceFlags.SAMPLED };
}

/** Seconds and nanoseconds. */
function timeOf(ms: number): [number, number] {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
}
