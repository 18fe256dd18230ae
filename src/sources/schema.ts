/**
 * The shape of the configuration document, as operators write it: every field, and a check for each value.
 *
 * zod walks the structure and finds every fault at once; what a single value must look like is decided by the checks of
 * scalars/, which bring their own code and hint along. References between fields are checked in checks/.
 */

import { z } from 'zod';
import type { Check } from './problems/fault.ts';
import type { Path } from './problems/report.ts';
import { ADDRESS_META, addressFrom, checkHost, portFrom } from './scalars/address.ts';
import { DURATION_META, durationBetween } from './scalars/duration.ts';
import { checkCidr, checkHostname, HOSTNAME_META } from './scalars/host.ts';
import {
  checkBoolean,
  checkColorHeader,
  checkFieldValue,
  checkMethod,
  checkName,
  checkPath,
  FIELD_VALUE_META,
  NAME_META,
  oneOf,
  PATH_META,
  TOKEN_META,
  tokenCalled,
} from './scalars/http.ts';
import {
  checkRatio,
  checkWeight,
  checkWorkers,
  integerBetween,
  numberBetween,
  SIZE_META,
  sizeBetween,
  WEIGHT_MAX,
  WORKERS_META,
} from './scalars/number.ts';

/** JSON Schema keywords of a value, and what it means. */
type Meta = Readonly<Record<string, unknown>>;

const DAY_MS = 86_400_000;
const MIB = 1024 * 1024;

/** A value that one check decides. Stops at the first fault: of a union, the branch that fits the type is reported. */
function scalar<T>(check: Check, meta: Meta, description: string): z.ZodType<T, T> {
  const schema = z.unknown().superRefine((value, context) => {
    const fault = check(value);
    if (fault === null) return;
    context.addIssue({ code: 'custom', params: { fault }, message: fault.expected, continue: false });
  });
  return schema.meta({ ...meta, description }) as unknown as z.ZodType<T, T>;
}

function duration(minMs: number, maxMs: number, description: string): z.ZodType<string, string> {
  return scalar<string>(durationBetween(minMs, maxMs), DURATION_META, description);
}

function size(min: number, max: number, description: string): z.ZodType<number | string, number | string> {
  return scalar<number | string>(sizeBetween(min, max), SIZE_META, description);
}

function integer(min: number, max: number, description: string): z.ZodType<number, number> {
  return scalar<number>(integerBetween(min, max), { type: 'integer', minimum: min, maximum: max }, description);
}

function ratio(description: string): z.ZodType<number, number> {
  return scalar<number>(checkRatio, { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1 }, description);
}

function name(description: string): z.ZodType<string, string> {
  return scalar<string>(checkName, NAME_META, description);
}

function token(what: string, description: string): z.ZodType<string, string> {
  return scalar<string>(tokenCalled(what), TOKEN_META, description);
}

/** A map from names to `value`. Keys are strings by nature; the name check decides what they may hold. */
function named<T extends z.ZodType>(value: T, description: string) {
  const key = z.string().superRefine((text, context) => {
    const fault = checkName(text);
    if (fault !== null) context.addIssue({ code: 'custom', params: { fault }, message: fault.expected });
  });
  return z.record(key.meta({ pattern: NAME_META.pattern }), value).meta({ description });
}

function listen(example: string, description: string) {
  const text = scalar<string>(addressFrom(0, example), ADDRESS_META, 'host:port; port 0 = any free port');
  const parts = z.strictObject({
    host: scalar<string>(checkHost, { type: 'string' }, 'IP address or name'),
    port: scalar<number>(portFrom(0), { type: 'integer', minimum: 0, maximum: 65_535 }, '0 = any free port'),
  });
  return z.union([text, parts]).meta({ description });
}

const header = z.strictObject({
  name: token('header name', 'Header name, any case'),
  type: scalar<'Exact'>(oneOf(['Exact']), { enum: ['Exact'] }, 'How the value is compared; default Exact').optional(),
  value: scalar<string>(checkFieldValue, FIELD_VALUE_META, 'Exact value'),
});

const match = z.strictObject({
  path: z
    .strictObject({
      type: scalar<'Exact' | 'PathPrefix'>(
        oneOf(['Exact', 'PathPrefix']),
        { enum: ['Exact', 'PathPrefix'] },
        'PathPrefix matches whole segments; default PathPrefix',
      ).optional(),
      value: scalar<string>(checkPath, PATH_META, 'Path that starts with /; default /').optional(),
    })
    .optional(),
  method: scalar<string>(checkMethod, TOKEN_META, 'Request method, case-sensitive').optional(),
  headers: z.array(header).optional(),
});

const backendRef = z.strictObject({
  name: name('Service'),
  version: name('Version of the service; may be left out when it has exactly one').optional(),
  weight: scalar<number>(
    checkWeight,
    { type: 'integer', minimum: 0, maximum: WEIGHT_MAX },
    'Relative share of users; default 1',
  ).optional(),
});

const sticky = z.strictObject({
  header: token('header name', 'Header that holds the user key').optional(),
  cookie: token('cookie name', 'Cookie that holds the user key').optional(),
  clientIp: scalar<boolean>(checkBoolean, { type: 'boolean' }, 'Use the client address; default false').optional(),
});

const slo = z.strictObject({
  availability: ratio('Target share of good requests'),
  latency: z
    .strictObject({
      threshold: duration(1, DAY_MS, 'Slower answers miss the objective'),
      target: ratio('Target share of answers within the threshold'),
    })
    .optional(),
});

const rollout = z.strictObject({
  stable: name('Version to compare with and to fall back to'),
  canary: name('Version under judgement'),
  alpha: scalar<number>(
    numberBetween(1e-9, 0.5),
    { type: 'number', minimum: 1e-9, maximum: 0.5 },
    'Bound on the probability of a false rollback, per rollout; default 0.001',
  ).optional(),
  toleratedRatio: scalar<number>(
    numberBetween(1, 1000),
    { type: 'number', minimum: 1, maximum: 1000 },
    'How many times the error ratio of stable is still tolerated; default 1.5',
  ).optional(),
  badMin: integer(1, 1_000_000, 'Fewest bad canary requests before a rollback; default 3').optional(),
});

const route = z.strictObject({
  name: name('Name of the route, unique'),
  hostnames: z.array(scalar<string>(checkHostname, HOSTNAME_META, 'Host name')).optional(),
  matches: z.array(match).min(1).optional(),
  backendRefs: z.array(backendRef).min(1),
  sticky: sticky.optional(),
  timeouts: z
    .strictObject({
      request: duration(
        1,
        DAY_MS,
        'From the end of the request to the beginning of its response, all attempts together; default 60s',
      ).optional(),
    })
    .optional(),
  slo: slo.optional(),
  rollout: rollout.optional(),
});

const version = z.strictObject({
  endpoints: z.array(scalar<string>(addressFrom(1, '127.0.0.1:7001'), ADDRESS_META, 'host:port')),
  colors: z.array(token('color', 'Color value that pins this version')).optional(),
});

const service = z.strictObject({ versions: named(version, 'Versions by name') });

const limits = z.strictObject({
  requestLineBytesMax: size(128, MIB, 'Longest request line, else 414; default 8KiB').optional(),
  headBytesMax: size(256, MIB, 'Longest head, else 431; default 32KiB').optional(),
  headerCountMax: integer(1, 10_000, 'Most header fields, else 431; default 128').optional(),
  bodyBytesMax: size(0, 2 ** 50, 'Longest request body, else 413; default 1GiB').optional(),
  connectionsMax: integer(1, 1_000_000, 'Most client connections per worker; default 10000').optional(),
  endpointConnectionsMax: integer(1, 65_535, 'Most connections per endpoint and worker; default 256').optional(),
  endpointPendingMax: integer(0, 1_000_000, 'Most waiting requests per endpoint and worker; default 1024').optional(),
  requestsPerConnectionMax: integer(1, 1_000_000_000, 'Most requests per client connection; default 10000').optional(),
});

const timeouts = z.strictObject({
  head: duration(1, DAY_MS, 'First byte of a request to the end of its head; default 10s').optional(),
  idle: duration(1, DAY_MS, 'Idle client connection; default 60s').optional(),
  bodyIdle: duration(1, DAY_MS, 'No byte of a body moved; default 30s').optional(),
  connect: duration(1, DAY_MS, 'Connect to an endpoint; default 1s').optional(),
  firstByte: duration(1, DAY_MS, 'Request sent to first byte of the response; default 30s').optional(),
  pending: duration(1, DAY_MS, 'Wait for a connection; default 1s').optional(),
  upstreamIdle: duration(1, DAY_MS, 'Idle pooled connection to an endpoint; default 4s').optional(),
});

const drain = z.strictObject({
  delay: duration(0, DAY_MS, 'Serve on after readiness fails; default 5s').optional(),
  timeout: duration(0, DAY_MS, 'Then finish within this; default 25s').optional(),
});

const color = z.strictObject({
  header: scalar<string>(
    checkColorHeader,
    TOKEN_META,
    'Header that pins a version; default x-release-stage',
  ).optional(),
  acceptFrom: scalar<'anyone' | 'trustedProxies'>(
    oneOf(['anyone', 'trustedProxies']),
    { enum: ['anyone', 'trustedProxies'] },
    'Whose color header counts; default trustedProxies',
  ).optional(),
});

/** The whole document. */
export const documentSchema = z.strictObject({
  listen: listen('0.0.0.0:8080', 'Where the data plane listens; default 0.0.0.0:8080').optional(),
  admin: listen('127.0.0.1:9900', 'Where the admin server listens; default 127.0.0.1:9900').optional(),
  workers: scalar<number | 'auto'>(checkWorkers, WORKERS_META, 'Data-plane threads; default auto').optional(),
  color: color.optional(),
  trustedProxies: z.array(scalar<string>(checkCidr, { type: 'string' }, 'CIDR block')).optional(),
  limits: limits.optional(),
  timeouts: timeouts.optional(),
  drain: drain.optional(),
  services: named(service, 'Services by name'),
  routes: z.array(route).min(1),
});

export type DocumentInput = z.infer<typeof documentSchema>;
export type RouteInput = DocumentInput['routes'][number];
export type ServiceInput = DocumentInput['services'][string];
export type ListenInput = NonNullable<DocumentInput['listen']>;

/** JSON Schema (draft 2020-12) of the document, for editors. Variables (`${NAME}`) in numbers are not in it. */
export function jsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(documentSchema, { io: 'input', target: 'draft-2020-12' });
  return { ...schema, title: 'Sluice configuration' };
}

/** The fields known at a path of the document, for hints; empty where names are free or nothing is known. */
export function fieldsAt(path: Path): string[] {
  let schema: unknown = documentSchema;
  for (const step of path) schema = below(bare(schema), step);
  const object = bare(schema);
  return object instanceof z.ZodObject ? Object.keys(object.shape) : [];
}

function below(schema: unknown, step: string | number): unknown {
  if (schema instanceof z.ZodObject) return (schema.shape as Record<string, unknown>)[step];
  if (schema instanceof z.ZodArray) return schema.element;
  return schema instanceof z.ZodRecord ? schema.valueType : undefined;
}

/** The schema under `optional()`; of a union, the branch that is a mapping. */
function bare(schema: unknown): unknown {
  if (schema instanceof z.ZodOptional) return bare(schema.unwrap());
  return schema instanceof z.ZodUnion ? schema.options.find((option) => option instanceof z.ZodObject) : schema;
}
