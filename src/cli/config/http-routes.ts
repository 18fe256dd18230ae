/**
 * Gateway API's HTTPRoute as routes and services of a configuration.
 *
 * ```
 * HTTPRoute shop, rule n         ▸ route shop, or shop-n of several; names of fields are the same
 * backendRefs shop-v1, shop-v2   ▸ versions v1 and v2 of one service shop, so that one can be rolled out; looked up by DNS
 * ```
 * What has no form here is left out, and said. Whether the rest is sound is for the configuration's own parser to say.
 * Source: Gateway API v1, HTTPRouteSpec.
 */

import { mappingOf } from '../slo/check/findings.ts';

/** A part of a configuration, and what was left out, a sentence each. */
export interface Imported {
  readonly services: Readonly<Record<string, { readonly versions: Readonly<Record<string, Version>> }>>;
  readonly routes: readonly Readonly<Record<string, unknown>>[];
  readonly leftOut: readonly string[];
}

interface Version {
  readonly endpoints: { readonly dns: { readonly name: string; readonly port: number } };
}

/** A Service that a rule leads to. */
interface Backend {
  readonly name: string;
  readonly namespace: string;
  readonly port: number;
  readonly weight: number;
}

type Mapping = Readonly<Record<string, unknown>>;
type Versions = Record<string, Version>;

const GROUP = 'gateway.networking.k8s.io/';
const PORT = 80;
const FILTERS: Readonly<Record<string, string>> = {
  RequestHeaderModifier: 'requestHeaderModifier',
  ResponseHeaderModifier: 'responseHeaderModifier',
  URLRewrite: 'urlRewrite',
  RequestRedirect: 'requestRedirect',
  CORS: 'cors',
};
/** Of a rule; others are told. `name` only names it. */
const RULE_FIELDS: ReadonlySet<string> = new Set(['name', 'matches', 'filters', 'backendRefs', 'timeouts', 'retry']);
/** `0s`, `0h0m`: no limit. */
const NO_LIMIT = /^(?:0+[a-z]+)+$/;
const BACKEND_FIELDS: ReadonlySet<string> = new Set(['group', 'kind', 'name', 'namespace', 'port', 'weight']);

/** @param documents of a file, in their order */
export function fromHttpRoutes(documents: readonly unknown[]): Imported {
  const services: Record<string, { readonly versions: Versions }> = {};
  const routes: Mapping[] = [];
  const leftOut: string[] = [];
  for (const document of documents) {
    const { apiVersion, kind, metadata, spec } = mappingOf(document) ?? {};
    const { name = 'unnamed', namespace = 'default' } = (mappingOf(metadata) ?? {}) as Record<string, string>;
    if (kind !== 'HTTPRoute' || !String(apiVersion).startsWith(GROUP)) {
      leftOut.push(`${textOf(kind, 'a document')} ${name}: only HTTPRoute is read`);
      continue;
    }
    const { hostnames, rules, ...others } = mappingOf(spec) ?? {};
    const annotations = Object.keys(mappingOf(mappingOf(metadata)?.['annotations']) ?? {});
    for (const what of [...annotations.map((key) => `annotation ${key}`), ...Object.keys(others)]) {
      leftOut.push(`HTTPRoute ${name}: ${what}`);
    }
    for (const [n, rule] of listOf(rules).entries()) {
      const own = listOf(rules).length === 1 ? name : `${name}-${textOf(mappingOf(rule)?.['name'], String(n + 1))}`;
      const drop = (what: string): void => void leftOut.push(`HTTPRoute ${name}, rule ${n + 1}: ${what}`);
      const route = routeOf(mappingOf(rule) ?? {}, { name: own, namespace, services, drop });
      routes.push({ name: own, ...(hostnames !== undefined && { hostnames }), ...route });
    }
  }
  return { services, routes, leftOut };
}

interface Surroundings {
  readonly name: string;
  readonly namespace: string;
  readonly services: Record<string, { readonly versions: Versions }>;
  readonly drop: (what: string) => void;
}

function routeOf(rule: Mapping, at: Surroundings): Mapping {
  for (const field of Object.keys(rule).filter((key) => !RULE_FIELDS.has(key))) at.drop(field);
  const { matches, timeouts, retry } = rule;
  const backends = backendsOf(listOf(rule['backendRefs']), at);
  const { service, versions } = placed(backends, at);
  const backendRefs = backends.map(({ weight }, n) => ({ name: service, version: versions[n], weight }));
  const filters = listOf(rule['filters']).flatMap((filter) => filterOf(mappingOf(filter) ?? {}, at));
  const times = Object.entries(mappingOf(timeouts) ?? {});
  const limits = times.filter(([, limit]) => !NO_LIMIT.test(String(limit)));
  // An attempt without a limit of its own has the request's, there as here; a request always has one here.
  const { request } = mappingOf(timeouts) ?? {};
  if (NO_LIMIT.test(String(request))) at.drop(`timeouts.request ${String(request)}, no limit: the default holds`);
  return {
    ...(matches !== undefined && { matches }),
    ...(filters.length > 0 && { filters }),
    ...(backendRefs.length > 0 && { backendRefs }),
    ...(limits.length > 0 && { timeouts: Object.fromEntries(limits) }),
    ...(retry !== undefined && { retry }),
  };
}

function backendsOf(refs: readonly unknown[], { namespace: own, drop }: Surroundings): Backend[] {
  return refs.flatMap((one): Backend[] => {
    const ref = mappingOf(one) ?? {};
    const { group = '', kind = 'Service', name, namespace = own, port, weight = 1 } = ref;
    if (group !== '' || kind !== 'Service' || typeof name !== 'string') {
      drop(`backendRefs: ${group === '' ? '' : `${String(group)}/`}${String(kind)} ${String(name)}`);
      return [];
    }
    for (const field of Object.keys(ref).filter((key) => !BACKEND_FIELDS.has(key))) drop(`${field} of backend ${name}`);
    if (typeof port !== 'number') drop(`backend ${name} has no port, taken for ${PORT}`);
    return [
      { name, namespace: String(namespace), port: typeof port === 'number' ? port : PORT, weight: Number(weight) },
    ];
  });
}

/**
 * Puts the backends of a rule among the services: under the name that they tell, else the route's, else that with a number, the first one
 * under which none of the versions is another's. @returns the service's name and those of the versions, in their order
 */
function placed(backends: readonly Backend[], { name, services }: Surroundings) {
  const told = namesOf(
    backends.map((backend) => backend.name),
    name,
  );
  const endpoints = backends.map(({ name: host, namespace, port }): Version => {
    return { endpoints: { dns: { name: `${host}.${namespace}.svc.cluster.local`, port } } };
  });
  const isOthers = (candidate: string): boolean =>
    told.versions.some((version, n) => {
      const known = services[candidate]?.versions[version];
      return known !== undefined && JSON.stringify(known) !== JSON.stringify(endpoints[n]);
    });
  const candidate = (n: number): string => [told.service, name][n] ?? `${name}-${n}`;
  let tried = 0;
  while (isOthers(candidate(tried))) tried++;
  const service = candidate(tried);
  for (const [n, version] of told.versions.entries()) {
    services[service] ??= { versions: {} };
    services[service].versions[version] = endpoints[n] as Version;
  }
  return { service, versions: told.versions };
}

/** `shop-v1`, `shop-v2`: versions v1 and v2 of shop. One alone is version v1 of a service of its name. */
function namesOf(backends: readonly string[], route: string): { service: string; versions: readonly string[] } {
  const [first = route, ...others] = backends;
  if (others.length === 0) return { service: first, versions: backends.length === 0 ? [] : ['v1'] };
  const parts = backends.map((backend) => backend.split('-'));
  const [own = []] = parts;
  const differs = own.findIndex((part, n) => parts.some((other) => other[n] !== part));
  const length = differs === -1 ? own.length : differs;
  if (length === 0) return { service: route, versions: backends };
  const rests = parts.map((part) => part.slice(length).join('-'));
  return { service: own.slice(0, length).join('-'), versions: rests.includes('') ? backends : rests };
}

function filterOf(filter: Mapping, at: Surroundings): Mapping[] {
  const type = String(filter['type']);
  const field = Object.hasOwn(FILTERS, type) ? FILTERS[type] : undefined;
  if (field !== undefined) return [{ type, [field]: filter[field] }];
  const mirror = type === 'RequestMirror' ? mappingOf(filter['requestMirror']) : null;
  const [backend] = mirror === null ? [] : backendsOf([mirror['backendRef']], at);
  if (mirror === null || backend === undefined) {
    at.drop(`filter ${type}`);
    return [];
  }
  const { service, versions } = placed([backend], at);
  return [{ type, requestMirror: { ...mirror, backendRef: { name: service, version: versions[0] } } }];
}

function textOf(value: unknown, other: string): string {
  return typeof value === 'string' ? value : other;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
