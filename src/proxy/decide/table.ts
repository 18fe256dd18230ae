/**
 * A snapshot linked for one worker: names resolved to objects, so that a request only walks references.
 *
 * Endpoints outlive tables: the same address keeps its connections and its load estimate across a swap. A table is
 * immutable; an exchange pins the one it started with.
 */

import type { DrainConfig, HttpConfig, Limits, RetryConfig, Timeouts, UpgradeConfig } from '../../model/config.ts';
import type { RescueSpec, RouteSpec, Snapshot, SplitSpec, TargetSpec } from '../../model/snapshot.ts';
import { CELL_WORDS } from '../../model/tallies.ts';
import type { Exchange } from '../exchange.ts';
import { type LinkedFilters, linkFilters } from '../filter/filters.ts';
import { namesOf } from '../filter/header-filter.ts';
import { type BalanceContext, linkTargets, type Targets } from '../forward/balance/targets.ts';
import type { Endpoint } from '../forward/endpoint.ts';
import { CLAIMS, isClaimName } from '../header/forwarded.ts';
import { requestPolicy, responsePolicy } from '../header/hop-by-hop.ts';
import { FIELD, NameTable } from '../http1/fields/names.ts';
import { RequestHead } from '../http1/request-head.ts';
import { ResponseHead } from '../http1/response-head.ts';
import type { Admission } from './admission/admission.ts';
import type { AdmissionLinks } from './admission/admissions.ts';
import { rankOf } from './admission/priority.ts';
import type { Breaker } from './breaker/breaker.ts';
import type { BreakerLinks } from './breaker/breakers.ts';
import { colorNames, type LinkedColor, linkColor } from './color/color.ts';
import { type LinkedRate, linkRates } from './rate/limits.ts';
import { Router } from './router.ts';

export interface LinkedSplit {
  readonly version: string;
  /** First word of the version's cell in the tallies. */
  readonly cellBase: number;
  readonly cell: number;
  readonly dial: number;
  readonly unit: number;
  /** Latency threshold of the service's objective; Infinity without one. */
  readonly serviceSlowMs: number;
  readonly seed: number;
  readonly targets: Targets;
  /** The canary's: who answers what it fails (forward/retry/rescue.ts). null for every other version. */
  readonly rescuer: LinkedSplit | null;
  readonly rescuesPinned: boolean;
  /** Canary and stable of a route with rescue: a request that failed first and was answered all the same is evidence. */
  readonly countsMended: boolean;
  /** null = any number of requests may be under way. */
  readonly admission: Admission<Exchange> | null;
  /** null = attempts are made however it fails. */
  readonly breaker: Breaker | null;
}

export interface LinkedRoute {
  readonly name: string;
  readonly cellBase: number;
  readonly cell: number;
  readonly splits: readonly LinkedSplit[];
  readonly byColor: ReadonlyMap<string, LinkedSplit>;
  /** Field id of the sticky header, 0 without one. */
  readonly stickyField: number;
  readonly stickyCookie: string;
  readonly stickyClientIp: boolean;
  readonly slowMs: number;
  readonly serviceSlowMs: number;
  /** Paths whose requests count for nothing; null for most routes. */
  readonly ignoredPaths: ReadonlySet<string> | null;
  readonly requestTimeoutMs: number;
  /** null for most routes. */
  readonly filters: LinkedFilters | null;
  readonly upgrade: UpgradeConfig;
  readonly retry: RetryConfig;
  readonly mirror: LinkedMirror | null;
  /** Number of its priority (admission/priority.ts). */
  readonly priority: number;
  /** What it allows; null: everything. */
  readonly rates: readonly LinkedRate[] | null;
}

/** Where copies go, and the share of requests that are copied. */
export interface LinkedMirror {
  readonly ratio: number;
  readonly endpoints: readonly Endpoint[];
}

export interface RouteTable {
  readonly revision: number;
  readonly limits: Limits;
  readonly timeouts: Timeouts;
  readonly http: HttpConfig;
  readonly drain: DrainConfig;
  readonly names: NameTable;
  readonly color: LinkedColor;
  /** Header that names the priority, 0 without one. */
  readonly priorityField: number;
  /** What an untrusted peer may not say of itself and some route reads: removed before routing. */
  readonly hiddenFields: readonly number[];
  /** Some route has a CORS filter. */
  readonly hasCors: boolean;
  readonly router: Router;
  /** Scratch parsers, shared by all connections of the worker: parsing is synchronous. */
  readonly requestHead: RequestHead;
  readonly responseHead: ResponseHead;
}

/** Fields a `Connection` header may not remove besides the built-in ones: whatever routing reads. */
function configuredNames(snapshot: Snapshot): string[] {
  return [...colorNames(snapshot.color), ...priorityNames(snapshot), ...routedNames(snapshot)];
}

function priorityNames({ overload }: Snapshot): string[] {
  return overload.priorityHeader === null ? [] : [overload.priorityHeader];
}

/** Fields that conditions and user keys are read from. */
function routedNames(snapshot: Snapshot): string[] {
  const names: string[] = [];
  for (const route of snapshot.routes) {
    if (route.sticky?.header) names.push(route.sticky.header);
    for (const match of route.matches) for (const header of match.headers) names.push(header.name);
  }
  return names;
}

/** Fields that only trusted peers may send. */
function claimsOf(snapshot: Snapshot, names: NameTable): ReadonlySet<number> {
  const claims = new Set(CLAIMS);
  for (const name of priorityNames(snapshot)) claims.add(names.idOf(name));
  names.names.forEach((name, id) => {
    if (isClaimName(name)) claims.add(id);
  });
  return claims;
}

/** Those of them that routing reads. */
function hiddenOf(snapshot: Snapshot, names: NameTable, claims: ReadonlySet<number>): number[] {
  const hidden = new Set(
    routedNames(snapshot)
      .map((name) => names.idOf(name))
      .filter((id) => claims.has(id)),
  );
  return [...hidden];
}

/** What versions keep from one table to the next. */
export interface VersionLinks {
  readonly admissions: AdmissionLinks;
  readonly breakers: BreakerLinks;
}

/** Of a table by itself: nothing is limited. */
const NO_LINKS: VersionLinks = { admissions: { of: () => null }, breakers: { of: () => null } };

/** @param endpointOf gives the worker's endpoint of an index into `snapshot.endpoints`. */
export function linkTable(
  snapshot: Snapshot,
  endpointOf: (index: number) => Endpoint,
  balance: BalanceContext,
  versions: VersionLinks = NO_LINKS,
): RouteTable {
  const configured = configuredNames(snapshot);
  const filterNames = snapshot.routes.flatMap(({ filters }) => [
    ...namesOf(filters.requestHeaders),
    ...namesOf(filters.responseHeaders),
  ]);
  const names = new NameTable([...configured, ...filterNames]);
  const router = new Router(names);
  // Once for each version, however many routes lead to it: what all requests share stays in the processor's caches.
  const linked = new Map<TargetSpec, Targets>();
  const targetsOf = (spec: TargetSpec): Targets => {
    const targets = linked.get(spec) ?? linkTargets(spec, endpointOf, balance);
    linked.set(spec, targets);
    return targets;
  };
  for (const spec of snapshot.routes)
    router.add(linkRoute(spec, names, { targetsOf, ...versions }), spec.hostnames, spec.matches);
  router.seal();
  const claims = claimsOf(snapshot, names);
  return {
    revision: snapshot.revision,
    limits: snapshot.limits,
    timeouts: snapshot.timeouts,
    http: snapshot.http,
    drain: snapshot.drain,
    names,
    color: linkColor(snapshot.color, names),
    priorityField:
      snapshot.overload.priorityHeader === null ? FIELD.unknown : names.idOf(snapshot.overload.priorityHeader),
    hiddenFields: hiddenOf(snapshot, names, claims),
    hasCors: snapshot.routes.some(({ filters }) => filters.cors !== null),
    router,
    requestHead: new RequestHead(names, snapshot.limits, new Set(configured), {
      choices: snapshot.http,
      policyOf: requestPolicy(claims),
    }),
    responseHead: new ResponseHead(names, snapshot.limits, responsePolicy),
  };
}

interface Links extends VersionLinks {
  readonly targetsOf: (spec: TargetSpec) => Targets;
}

function linkRoute(spec: RouteSpec, names: NameTable, links: Links): LinkedRoute {
  const { targetsOf } = links;
  const splits = linkSplits(spec, links);
  const byColor = new Map<string, LinkedSplit>();
  spec.splits.forEach((split, i) => {
    for (const color of [split.version, ...split.colors]) {
      if (!byColor.has(color)) byColor.set(color, splits[i] as LinkedSplit);
    }
  });
  return {
    name: spec.name,
    cellBase: spec.cell * CELL_WORDS,
    cell: spec.cell,
    splits,
    byColor,
    stickyField: spec.sticky?.header ? names.idOf(spec.sticky.header) : FIELD.unknown,
    stickyCookie: spec.sticky?.cookie ?? '',
    stickyClientIp: spec.sticky?.clientIp ?? false,
    slowMs: spec.slowMs,
    serviceSlowMs: spec.serviceSlowMs,
    ignoredPaths: spec.ignorePaths.length === 0 ? null : new Set(spec.ignorePaths),
    requestTimeoutMs: spec.requestTimeoutMs,
    filters: linkFilters(spec.filters, names),
    upgrade: spec.upgrade,
    retry: spec.retry,
    mirror: linkMirror(spec, targetsOf),
    priority: rankOf(spec.priority),
    rates: linkRates(spec.name, spec.rateLimits),
  };
}

function linkMirror(spec: RouteSpec, targetsOf: (spec: TargetSpec) => Targets): LinkedMirror | null {
  if (spec.mirror === null || spec.filters.mirror === null) return null;
  return { ratio: spec.filters.mirror.ratio, endpoints: targetsOf(spec.mirror).endpoints };
}

/** In the order of the route; the canary's refers to stable's. */
function linkSplits({ splits, rescue }: RouteSpec, links: Links): LinkedSplit[] {
  const link = (spec: SplitSpec, rescuer: LinkedSplit | null): LinkedSplit => linkSplit(spec, links, rescue, rescuer);
  if (rescue === null) return splits.map((spec) => link(spec, null));
  const stable = link(splits[rescue.stable] as SplitSpec, null);
  return splits.map((spec, index) =>
    index === rescue.stable ? stable : link(spec, index === rescue.canary ? stable : null),
  );
}

function linkSplit(
  spec: SplitSpec,
  { targetsOf, admissions, breakers }: Links,
  rescue: RescueSpec | null,
  rescuer: LinkedSplit | null,
): LinkedSplit {
  return {
    version: spec.version,
    cellBase: spec.cell * CELL_WORDS,
    cell: spec.cell,
    dial: spec.dial,
    unit: spec.unit,
    serviceSlowMs: spec.serviceSlowMs,
    // As a signed number, which is no object of its own.
    seed: spec.seed | 0,
    targets: targetsOf(spec.targets),
    rescuer,
    rescuesPinned: rescuer !== null && rescue !== null && rescue.isForPinned,
    // Further versions of the route are no side of the comparison; their unit tells.
    countsMended: rescue !== null && spec.unit >= 0,
    admission: admissions.of(spec.targets),
    breaker: breakers.of(spec.targets),
  };
}
