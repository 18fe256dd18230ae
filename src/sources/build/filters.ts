/**
 * Builds the filters of a route: a list in the document, one field per type in the configuration.
 *
 * Names that are compared are in lower case, names that are written keep theirs; origins are spelled as browsers do.
 */

import type {
  CorsFilter,
  Filters,
  HeaderFilter,
  PathRewrite,
  RedirectFilter,
  RewriteFilter,
} from '../../model/config.ts';
import type { CompareConfig, MirrorFilter } from '../../model/threads/requests/compared.ts';
import {
  DEFAULT_COMPARE_BODY_BYTES_MAX,
  DEFAULT_CORS_MAX_AGE_S,
  DEFAULT_REDIRECT_STATUS,
  NO_FILTERS,
} from '../defaults.ts';
import { parseOrigin } from '../scalars/origin.ts';
import type { FilterInput } from '../schema.ts';
import { sure, toBytes } from './values.ts';

type HeaderModifierInput = NonNullable<FilterInput['requestHeaderModifier']>;
type RewriteInput = NonNullable<FilterInput['urlRewrite']>;
type RedirectInput = NonNullable<FilterInput['requestRedirect']>;
type CorsInput = NonNullable<FilterInput['cors']>;
type MirrorInput = NonNullable<FilterInput['requestMirror']>;

/** Finds the version that a sound reference means. */
export type VersionOf = (ref: MirrorInput['backendRef']) => string;

/** The filters of a sound list, in which no type is twice. Without any, the shared constant. */
export function buildFilters(filters: readonly FilterInput[] | undefined, versionOf: VersionOf): Filters {
  if (filters === undefined || filters.length === 0) return NO_FILTERS;
  const parts: Partial<FilterInput> = {};
  for (const filter of filters) Object.assign(parts, filter);
  return {
    requestHeaders: orNull(parts.requestHeaderModifier, buildHeaders),
    responseHeaders: orNull(parts.responseHeaderModifier, buildHeaders),
    rewrite: orNull(parts.urlRewrite, buildRewrite),
    redirect: orNull(parts.requestRedirect, buildRedirect),
    cors: orNull(parts.cors, buildCors),
    mirror: orNull(parts.requestMirror, (mirror) => buildMirror(mirror, versionOf)),
  };
}

function orNull<I, O>(input: I | undefined, build: (input: I) => O): O | null {
  return input === undefined ? null : build(input);
}

function buildHeaders({ set = [], add = [], remove = [] }: HeaderModifierInput): HeaderFilter {
  return { set, add, remove: remove.map((name) => name.toLowerCase()) };
}

function buildRewrite({ hostname, path }: RewriteInput): RewriteFilter {
  return { hostname: hostname?.toLowerCase() ?? null, path: orNull(path, buildPath) };
}

function buildPath(path: NonNullable<RewriteInput['path']>): PathRewrite {
  return { type: path.type, value: sure(path.replaceFullPath ?? path.replacePrefixMatch) };
}

function buildRedirect({ scheme, hostname, path, port, statusCode }: RedirectInput): RedirectFilter {
  return {
    scheme: scheme ?? null,
    hostname: hostname?.toLowerCase() ?? null,
    path: orNull(path, buildPath),
    port: port ?? null,
    status: statusCode ?? DEFAULT_REDIRECT_STATUS,
  };
}

function buildCors(cors: CorsInput): CorsFilter {
  const lower = (names: readonly string[] = []): string[] => names.map((name) => name.toLowerCase());
  return {
    allowOrigins: cors.allowOrigins.map((origin) => sure(parseOrigin(origin))),
    allowMethods: cors.allowMethods ?? [],
    allowHeaders: lower(cors.allowHeaders),
    exposeHeaders: lower(cors.exposeHeaders),
    allowCredentials: cors.allowCredentials ?? false,
    maxAgeS: cors.maxAge ?? DEFAULT_CORS_MAX_AGE_S,
  };
}

function buildMirror(mirror: MirrorInput, versionOf: VersionOf): MirrorFilter {
  const { backendRef, compare } = mirror;
  const to = { service: backendRef.name, version: versionOf(backendRef), ratio: mirrorRatioOf(mirror) };
  return compare === undefined ? to : { ...to, compare: buildCompare(compare) };
}

/** How a mirror compares, with its defaults. */
export function buildCompare({ bodyBytesMax, ignoreHeaders = [] }: NonNullable<MirrorInput['compare']>): CompareConfig {
  return {
    bodyBytesMax: toBytes(bodyBytesMax, DEFAULT_COMPARE_BODY_BYTES_MAX),
    ignoreHeaders: ignoreHeaders.map((name) => name.toLowerCase()),
  };
}

/** Share of requests that are copied: 1 unless it says otherwise. */
export function mirrorRatioOf({ percent, fraction }: MirrorInput): number {
  if (fraction !== undefined) return fraction.numerator / (fraction.denominator ?? 100);
  return (percent ?? 100) / 100;
}
