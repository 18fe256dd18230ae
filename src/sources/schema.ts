/**
 * The shape of the configuration document, as operators write it: every field, and a check for each value.
 *
 * zod walks the structure and finds every fault at once. References between fields are checked in checks/.
 */

import { z } from 'zod';
import type { Path } from './problems/report.ts';
import { checkCidr } from './scalars/host.ts';
import { checkWorkers, WORKERS_META } from './scalars/number.ts';
import { alerts } from './schema/alerts.ts';
import { color } from './schema/color.ts';
import { discovery } from './schema/discovery.ts';
import { named, scalar } from './schema/fields.ts';
import { fleet } from './schema/fleet.ts';
import {
  accessLog,
  adminListen,
  adminToken,
  drain,
  http,
  limits,
  listener,
  overload,
  revisions,
  saturation,
  state,
  timeouts,
} from './schema/process.ts';
import { answers } from './schema/route/idempotency.ts';
import { route } from './schema/route/route.ts';
import { service } from './schema/service.ts';
import { business } from './schema/slo.ts';
import { follow, sources } from './schema/sources.ts';
import { tracing } from './schema/tracing.ts';

const LISTENERS_MAX = 15;

/** The whole document. */
export const documentSchema = z.strictObject({
  listen: listener('0.0.0.0:8080', 'Where the data plane listens; default 0.0.0.0:8080').optional(),
  listeners: z
    .array(listener('0.0.0.0:8443', 'Where the data plane listens too'))
    .max(LISTENERS_MAX)
    .meta({ description: 'Where the data plane listens besides `listen`' })
    .optional(),
  admin: adminListen('127.0.0.1:9900', 'Where the admin server listens; default 127.0.0.1:9900').optional(),
  adminToken: adminToken.optional(),
  workers: scalar<number | 'auto'>(checkWorkers, WORKERS_META, 'Data-plane threads; default auto').optional(),
  color: color.optional(),
  overload: overload.optional(),
  saturation: saturation.optional(),
  http: http.optional(),
  accessLog: accessLog.optional(),
  tracing: tracing.optional(),
  trustedProxies: z.array(scalar<string>(checkCidr, { type: 'string' }, 'CIDR block')).optional(),
  limits: limits.optional(),
  timeouts: timeouts.optional(),
  drain: drain.optional(),
  state: state.optional(),
  revisions: revisions.optional(),
  fleet: fleet.optional(),
  alerts: alerts.optional(),
  business: business.optional(),
  idempotency: answers.optional(),
  sources: sources.optional(),
  follow: follow.optional(),
  discovery: discovery.optional(),
  services: named(service, 'Services by name'),
  routes: z.array(route).min(1),
});

/** One route, and services by name, as sources hold them. */
export const routeSchema = route;
export const servicesSchema = documentSchema.shape.services;

/** A document that others are merged with: routes and services may be anywhere. */
export const rootSchema = documentSchema.extend({
  services: documentSchema.shape.services.optional(),
  routes: z.array(route).optional(),
});

/** Of the main document: with `sources`, routes and services may come from there. */
export function mainSchemaFor(value: unknown): z.ZodObject {
  return typeof value === 'object' && value !== null && 'sources' in value ? rootSchema : documentSchema;
}

export type DocumentInput = z.infer<typeof documentSchema>;
export type RouteInput = DocumentInput['routes'][number];
export type BackendRefInput = NonNullable<RouteInput['backendRefs']>[number];
export type FilterInput = NonNullable<RouteInput['filters']>[number];
export type FallbackInput = NonNullable<RouteInput['fallback']>[number];
export type MatchInput = NonNullable<RouteInput['matches']>[number];
export type SloInput = NonNullable<RouteInput['slo']>;
export type RolloutInput = NonNullable<RouteInput['rollout']>;
export type ServiceInput = DocumentInput['services'][string];
type EndpointsInput = ServiceInput['versions'][string]['endpoints'];
export type EndpointInput = Extract<EndpointsInput, readonly unknown[]>[number];
export type EndpointsFromInput = Exclude<EndpointsInput, readonly unknown[]>;
export type DiscoveryInput = NonNullable<DocumentInput['discovery']>;
export type ListenInput = NonNullable<DocumentInput['listen']>;
export type AdminInput = NonNullable<DocumentInput['admin']>;
export type SourceInput = NonNullable<DocumentInput['sources']>[number];
export type ColorInput = NonNullable<DocumentInput['color']>;
export type StickyInput = NonNullable<RouteInput['sticky']>;
export type ExperimentInput = NonNullable<RouteInput['experiments']>[number];
export type FollowInput = NonNullable<DocumentInput['follow']>;

/** JSON Schema (draft 2020-12) of the document, for editors. Variables (`${NAME}`) in numbers are not in it. */
export function jsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(documentSchema, { io: 'input', target: 'draft-2020-12' });
  const { required = [], ...rest } = schema;
  return { ...rest, anyOf: [{ required }, { required: ['sources'] }], title: 'Sluice configuration' };
}

/** The fields known at a path of the document, for hints; empty where names are free or nothing is known. */
export function fieldsAt(path: Path): string[] {
  return fieldsOf(documentSchema, path);
}

/** What the schema says of a path of the document; empty where it says nothing. */
export function descriptionAt(path: Path): string {
  let schema: unknown = documentSchema;
  let told = '';
  for (const step of path) {
    schema = below(bare(schema, step), step);
    told = schema instanceof z.ZodType ? (schema.description ?? describedInside(schema)) : '';
  }
  return told;
}

/** `optional()` hides what it is made of. */
function describedInside(schema: z.ZodType): string {
  return schema instanceof z.ZodOptional ? ((schema.unwrap() as z.ZodType).description ?? '') : '';
}

/** The same, of a document of another kind. */
export function fieldsOf(document: z.ZodType, path: Path): string[] {
  let schema: unknown = document;
  for (const step of path) schema = below(bare(schema, step), step);
  const object = bare(schema);
  return object instanceof z.ZodObject ? Object.keys(object.shape) : [];
}

function below(schema: unknown, step: string | number): unknown {
  if (schema instanceof z.ZodObject) return (schema.shape as Record<string, unknown>)[step];
  if (schema instanceof z.ZodArray) return schema.element;
  return schema instanceof z.ZodRecord ? schema.valueType : undefined;
}

/** The schema under `optional()`; of a union, the branch that has such a step: a list by number, else a mapping. */
function bare(schema: unknown, step?: string | number): unknown {
  if (schema instanceof z.ZodOptional) return bare(schema.unwrap(), step);
  if (!(schema instanceof z.ZodUnion)) return schema;
  const kind = typeof step === 'number' ? z.ZodArray : z.ZodObject;
  return schema.options.find((option) => option instanceof kind);
}
