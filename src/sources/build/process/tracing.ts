/**
 * Builds what is said of traces from a sound document: defaults filled in, secrets by where they are.
 */

import type { TelemetryConfig } from '../../../model/threads/requests/tracing.ts';
import { DEFAULT_TRACING } from '../../defaults.ts';
import type { DocumentInput } from '../../schema.ts';
import { toMs } from '../values.ts';

/** Where spans go when the URL names no path. Source: OpenTelemetry protocol exporter, "Endpoint URLs for OTLP/HTTP". */
const TRACES_PATH = '/v1/traces';

/** Nothing without a `tracing`. */
export function buildTracing(input: DocumentInput['tracing']): Pick<TelemetryConfig, 'tracing'> {
  if (input === undefined) return {};
  const url = new URL(input.endpoint);
  return {
    tracing: {
      endpoint: `${url.origin}${url.pathname === '/' ? TRACES_PATH : url.pathname}`,
      headers: (input.headers ?? []).map(({ name, file, variable }) => ({
        name: name.toLowerCase(),
        from: file === undefined ? { kind: 'variable', name: variable as string } : { kind: 'file', path: file },
      })),
      sampleRatio: input.sample ?? DEFAULT_TRACING.sampleRatio,
      parent: input.parent ?? DEFAULT_TRACING.parent,
      propagators: input.propagators ?? DEFAULT_TRACING.propagators,
      query: input.query ?? DEFAULT_TRACING.query,
      resource: input.resource ?? {},
      queueMax: input.queueMax ?? DEFAULT_TRACING.queueMax,
      timeoutMs: toMs(input.timeout, DEFAULT_TRACING.timeoutMs),
    },
  };
}
