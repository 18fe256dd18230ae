/**
 * The shape of `tracing`: where spans go, which requests have them, and what they say.
 */

import { z } from 'zod';
import { PARENT_POLICIES, PROPAGATORS, QUERY_POLICIES } from '../../model/threads/requests/tracing.ts';
import type { Fault } from '../problems/fault.ts';
import { checkFile, FILE_PATH_META } from '../scalars/directory.ts';
import { TOKEN_META, tokenCalled } from '../scalars/http.ts';
import { checkTokenText, checkVariable, TEXT_META, VARIABLE_META } from '../scalars/keys.ts';
import { checkUrl, URL_META } from '../scalars/store.ts';
import { duration, integer, type PartFault, scalar, share, withRule, word } from './fields.ts';

const MINUTE_MS = 60_000;
const HEADERS_MAX = 16;
const RESOURCE_MAX = 32;
const ATTRIBUTE = /^[A-Za-z][A-Za-z0-9_.-]{0,127}$/;

/** Headers that the exporter writes, or HTTP itself. */
const OF_EXPORTER: ReadonlySet<string> = new Set(
  'host connection content-length content-type content-encoding transfer-encoding te trailer upgrade keep-alive expect'.split(
    ' ',
  ),
);

/** Attributes that tell gateways apart, or say what sent them. */
const OF_GATEWAY: ReadonlySet<string> = new Set(['service.version', 'service.instance.id']);

/** Where spans are posted: nothing in it may be a secret, as it is shown. */
function checkCollector(value: unknown): Fault | null {
  const fault = checkUrl(value);
  if (fault !== null) return fault;
  const { search, hash } = new URL(value as string);
  if (search === '' && hash === '') return null;
  const hint = 'what the collector must be told goes into headers';
  return { kind: 'collectorUrl', expected: 'a URL without a query', got: 'one that is not shown', hint };
}

function checkCollectorHeader(value: unknown): Fault | null {
  const fault = tokenCalled('header name')(value);
  if (fault !== null || !OF_EXPORTER.has(String(value).toLowerCase())) return fault;
  const hint = 'leave it out: it is written with each message';
  return { kind: 'collectorHeader', expected: 'a header of your own', hint };
}

function checkAttribute(name: string): Fault | null {
  const expected = 'an attribute such as deployment.environment.name';
  if (!ATTRIBUTE.test(name)) return { kind: 'resourceAttribute', expected, got: JSON.stringify(name.slice(0, 60)) };
  if (!OF_GATEWAY.has(name) && !name.startsWith('telemetry.')) return null;
  return { kind: 'resourceAttribute', expected, got: name, hint: 'the gateway sets it itself' };
}

const header = withRule(
  z.strictObject({
    name: scalar<string>(checkCollectorHeader, TOKEN_META, 'Header for the collector'),
    file: scalar<string>(checkFile, FILE_PATH_META, 'File with its value').optional(),
    variable: scalar<string>(checkVariable, VARIABLE_META, 'Environment variable with its value').optional(),
  }),
  ({ file, variable }): PartFault[] => {
    if ((file === undefined) !== (variable === undefined)) return [];
    const got = file === undefined ? 'none' : 'both';
    return [{ path: [], fault: { kind: 'collectorHeader', expected: 'exactly one of file, variable', got } }];
  },
  { minProperties: 2, maxProperties: 2 },
);

const attributeName = z.string().superRefine((name, context) => {
  const fault = checkAttribute(name);
  if (fault !== null) context.addIssue({ code: 'custom', params: { fault }, message: fault.expected });
});

const resource = z
  .record(
    attributeName.meta({ pattern: ATTRIBUTE.source }),
    scalar<string>(checkTokenText, TEXT_META, 'Attribute of the resource'),
  )
  .superRefine((attributes, context) => {
    const count = Object.keys(attributes).length;
    if (count <= RESOURCE_MAX) return;
    const expected = `at most ${RESOURCE_MAX} attributes`;
    const fault: Fault = { kind: 'resourceAttribute', expected, got: String(count) };
    context.addIssue({ code: 'custom', params: { fault }, message: expected });
  })
  .meta({ description: 'Attributes of the resource besides the gateway’s own', maxProperties: RESOURCE_MAX });

export const tracing = withRule(
  z.strictObject({
    endpoint: scalar<string>(
      checkCollector,
      URL_META,
      'Collector of traces, OTLP over HTTP; without a path /v1/traces',
    ),
    headers: z.array(header).max(HEADERS_MAX).optional(),
    sample: share('Share of the traces that begin here; failures are exported besides; default 0.01').optional(),
    parent: word(
      PARENT_POLICIES,
      'Whose word counts that a trace is sampled, or is not; default trustedProxies',
    ).optional(),
    propagators: z
      .array(word(PROPAGATORS, 'Form in which endpoints are told the context; default tracecontext'))
      .min(1)
      .max(PROPAGATORS.length)
      .optional(),
    query: word(QUERY_POLICIES, 'What spans say of queries; redact leaves the names; default redact').optional(),
    resource: resource.optional(),
    queueMax: integer(64, 1_000_000, 'Most requests that wait to be exported; default 8192').optional(),
    timeout: duration(100, MINUTE_MS, 'Longest try to hand over one batch; default 5s').optional(),
  }),
  ({ headers = [], propagators = [] }) => [
    ...twice(
      'headers',
      headers.map(({ name }) => name.toLowerCase()),
    ),
    ...twice('propagators', propagators),
  ],
  {},
);

function twice(field: string, entries: readonly string[]): PartFault[] {
  return entries.flatMap((entry, index) => {
    const fault = { kind: 'listedTwice', expected: 'every entry once' } as const;
    return entries.indexOf(entry) === index ? [] : [{ path: [field, index], fault }];
  });
}
