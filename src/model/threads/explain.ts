/**
 * Nouns of explanations: what people ask about a route or a setting, and what they are told; matches in words.
 */

import type { RouteConfig, RouteMatch } from '../config.ts';
import type { Priority } from '../overload.ts';
import type { VersionWeights } from '../status.ts';
import { CLIENT_IDENTITY, SCHEME } from './tls.ts';

/** What a route is, as far as a list of routes says it; what it does is in the status. */
export interface RouteListing {
  readonly name: string;
  /** Each match in words, `matchText`. */
  readonly matches: readonly string[];
  /** Names of its filters, its mirror and faults on purpose among them. */
  readonly filters: readonly string[];
  readonly rateLimits: readonly string[];
  /** Ids. */
  readonly experiments: readonly string[];
  readonly priority: Priority;
  readonly requestTimeoutMs: number;
}

/** Of a configuration that is in force. */
export function listingOf(route: RouteConfig): RouteListing {
  const { name, hostnames, matches, filters, rateLimits, priority, requestTimeoutMs } = route;
  return {
    name,
    matches: matches.map((match) => matchText(hostnames, match)),
    filters: filterNames(filters),
    rateLimits: rateLimits.map((limit) => limit.name),
    experiments: (filters.experiments ?? []).map(({ id }) => id),
    priority,
    requestTimeoutMs,
  };
}

/** Names of the filters that a route has; experiments are told apart. */
export function filterNames(filters: RouteConfig['filters']): string[] {
  return Object.entries(filters).flatMap(([name, filter]) => (filter === null || name === 'experiments' ? [] : [name]));
}

/** `a.test, *.b.test  GET PathPrefix /shop  header x-tenant, query q`; never with a value of a header or parameter in it. */
export function matchText(hostnames: readonly string[], { path, method, headers, query }: RouteMatch): string {
  const hosts = hostnames.length === 0 ? 'any host' : hostnames.join(', ');
  const wants = [...headers.map(conditionText), ...query.map(({ name }) => `query ${name}`)];
  const where = `${method === null ? '' : `${method} `}${path.type} ${path.value}`;
  return [hosts, where, wants.join(', ')].filter((text) => text !== '').join('  ');
}

/** Conditions on the connection stand among those on headers. */
export function conditionText({ name }: { readonly name: string }): string {
  if (name === SCHEME) return 'scheme';
  return name === CLIENT_IDENTITY ? 'client identity' : `header ${name}`;
}

/** A request that is not sent: which route would take it, and why. */
export interface RouteQuestion {
  readonly method: string;
  /** `http://host[:port]/path?query`. */
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** IP address of who sends it. */
  readonly from: string;
}

/** A version of the route, with the weight in force. */
export interface ExplainedVersion {
  readonly service: string;
  readonly version: string;
  /** As the dial has it: relative to the others of the route. */
  readonly weight: number;
  readonly colors: readonly string[];
}

/** A route that does not take the request. */
export interface OtherRoute {
  readonly name: string;
  /** Of its match that comes nearest. */
  readonly match: string;
  /** Never with a value of a header or parameter in it. */
  readonly because: string;
}

/** What would become of the request. */
export interface RouteExplanation {
  readonly revision: number;
  readonly hash: string;
  readonly method: string;
  readonly host: string;
  /** Normalized, as routes see it. */
  readonly path: string;
  /** Whether the sender is one of `trustedProxies`. */
  readonly isTrusted: boolean;
  /** `answered`: by a filter, without an upstream. */
  readonly outcome: 'forwarded' | 'answered' | 'refused';
  /** 0 where the upstream says it. */
  readonly status: number;
  /** Name of the reason, `none` where it goes on. */
  readonly reason: string;
  readonly detail: string;
  readonly route: string | null;
  /** The match that took it; empty without a route. */
  readonly match: string;
  /** The version, and by what it was chosen; null where there is none. A `drawn` one is another with the next request. */
  readonly version: (ExplainedVersion & { readonly by: 'color' | 'userKey' | 'drawn' }) | null;
  /** All versions of the route. */
  readonly versions: readonly ExplainedVersion[];
  /** What the route does besides: names of filters, rate limits, mirror. */
  readonly filters: readonly string[];
  readonly rateLimits: readonly string[];
  /** Experiments of the route, with the group of the request’s user; null: outside. */
  readonly experiments: readonly { readonly id: string; readonly group: string | null }[];
  /** What could not be taken into account. */
  readonly notes: readonly string[];
  /** Those that come nearest first. */
  readonly others: readonly OtherRoute[];
  /** Routes of other hosts, which are not listed. */
  readonly otherHosts: number;
  /** Further routes of this host that are not listed. */
  readonly more: number;
}

/** An explanation, or why there is none. */
export type RouteAnswer =
  | { readonly kind: 'done'; readonly explanation: RouteExplanation }
  | { readonly kind: 'refused'; readonly detail: string };

/** A place in a document that says something of a setting. */
export interface SettingPlace {
  /** `gateway.yaml`, `consul sluice/routes/shop`. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Path in that document. */
  readonly path: string;
}

/** A setting, where it comes from, and what goes before or after it. */
export interface SettingExplanation {
  /** In all documents together. */
  readonly path: string;
  /** As documents write it, secrets redacted; null where none says it. */
  readonly value: unknown;
  /** `none`: no document says it, and it has no default of its own. */
  readonly origin: 'document' | 'default' | 'none';
  /** What the schema says of it, its default included; empty of what has no schema of its own. */
  readonly about: string;
  /** The default in words; empty where there is none. */
  readonly defaultText: string;
  /** Where it counts; null where no document says it. */
  readonly place: SettingPlace | null;
  /** Documents of the same source or a later one that say it too, and do not count. */
  readonly shadowed: readonly SettingPlace[];
  /** The weights document that counts for this route; null: none, or it is no route. */
  readonly weightsFrom: SettingPlace | null;
  /** Of the route that the path leads into; empty elsewhere. */
  readonly route: string;
}

/** An explanation, or why there is none. */
export type SettingAnswer =
  | { readonly kind: 'done'; readonly setting: SettingExplanation }
  | { readonly kind: 'refused'; readonly detail: string };

/** The same of a running gateway. */
export interface SettingInForce extends SettingExplanation {
  /** Number of the revision in force, and its hash. */
  readonly number: number;
  readonly hash: string;
  /** Why what is in force is not what the documents say; empty: it is. */
  readonly difference: string;
  /** Of a route, the weights in force and why they are others than the operator's. */
  readonly versions: readonly VersionWeights[];
}

export type InForceAnswer =
  | { readonly kind: 'done'; readonly setting: SettingInForce }
  | { readonly kind: 'refused'; readonly detail: string };
