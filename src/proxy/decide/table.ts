/**
 * A snapshot linked for one worker: names resolved to objects, so that a request only walks references.
 *
 * Endpoints outlive tables: the same address keeps its connections and its load estimate across a swap. A table is
 * immutable; an exchange pins the one it started with. The table of the next snapshot shares with it what did not change.
 */

import { isDeepStrictEqual } from 'node:util';
import { once } from '../../lib/once.ts';
import type { DrainConfig, HttpConfig, Limits, RetryConfig, Timeouts, UpgradeConfig } from '../../model/config.ts';
import type { StreamPolicy } from '../../model/sli.ts';
import type { RescueSpec, RouteSpec, Snapshot, SplitSpec, TargetSpec } from '../../model/snapshot.ts';
import { CELL_WORDS } from '../../model/tallies.ts';
import { type Edit, editsOf } from '../../model/threads/parsing/edits.ts';
import { CLIENT_IDENTITY, SCHEME, TOKEN_USER } from '../../model/threads/tls.ts';
import type { Exchange } from '../exchange.ts';
import { type LinkedFilters, linkFilters } from '../filter/filters.ts';
import { type BalanceContext, linkTargets, type Targets } from '../forward/balance/targets.ts';
import type { Endpoint } from '../forward/endpoint.ts';
import { type LinkedCompare, linkCompare } from '../forward/mirror/comparison.ts';
import { type LinkedFallback, linkFallback } from '../forward/retry/fallback/chain.ts';
import { type LinkedIdempotency, linkIdempotency } from '../forward/retry/idempotency/keyed.ts';
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
import {
  changedVocabulary,
  filterNames,
  hasSameNames,
  NO_NAMES,
  routedNames,
  type Vocabulary,
} from './link/vocabulary.ts';
import { type LinkedRate, linkRates } from './rate/limits.ts';
import { type Placed, Router } from './router.ts';
import { type LinkedKey, linkKey } from './user-key.ts';

export interface LinkedSplit {
  readonly service: string;
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

export interface LinkedRoute extends LinkedKey {
  readonly name: string;
  readonly cellBase: number;
  readonly cell: number;
  readonly splits: readonly LinkedSplit[];
  readonly byColor: ReadonlyMap<string, LinkedSplit>;
  /** Its users, or those of an experiment, are told apart by tokens. */
  readonly isKeyedByToken: boolean;
  readonly slowMs: number;
  readonly serviceSlowMs: number;
  /** Paths whose requests count for nothing; null for most routes. */
  readonly ignoredPaths: ReadonlySet<string> | null;
  readonly requestTimeoutMs: number;
  /** null for most routes. */
  readonly filters: LinkedFilters | null;
  readonly upgrade: UpgradeConfig;
  /** null where streams go on after a rollback. */
  readonly streams: StreamPolicy | null;
  readonly retry: RetryConfig;
  readonly mirror: LinkedMirror | null;
  /** Number of its priority (admission/priority.ts). */
  readonly priority: number;
  /** What it allows; null: everything. */
  readonly rates: readonly LinkedRate[] | null;
  /** What answers when it fails, what it does with idempotency keys; null for most routes. */
  readonly fallback: LinkedFallback | null;
  readonly idempotency: LinkedIdempotency | null;
}

/** Where copies go, and the share of requests that are copied. */
export interface LinkedMirror {
  readonly ratio: number;
  readonly endpoints: readonly Endpoint[];
  /** null: its answers are thrown away. */
  readonly compare: LinkedCompare | null;
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
  /** Where the identity of client certificates is read from; 0 when no route reads it. */
  readonly identityField: number;
  /** The same of the scheme, and of users that verified tokens are about. */
  readonly schemeField: number;
  readonly tokenUserField: number;
  /** What an untrusted peer may not say of itself and some route reads: removed before routing. */
  readonly hiddenFields: readonly number[];
  /** Some route has a CORS filter. */
  readonly hasCors: boolean;
  readonly router: Router;
  /** Scratch parsers, shared by all connections of the worker: parsing is synchronous. */
  readonly requestHead: RequestHead;
  readonly responseHead: ResponseHead;
  /** For the table of the next snapshot. */
  readonly links: TableLinks;
}

/** What the next table can take over. */
interface TableLinks {
  readonly snapshot: Snapshot;
  /** In the order of the snapshot's. */
  readonly routes: readonly LinkedRoute[];
  readonly targets: WeakMap<TargetSpec, Targets>;
  readonly vocabulary: Vocabulary;
}

/** Fields a `Connection` header may not remove besides the built-in ones: whatever routing reads. */
function configuredNames(snapshot: Snapshot): string[] {
  return [...colorNames(snapshot.color), ...priorityNames(snapshot), ...snapshot.routes.flatMap(routedNames)];
}

function priorityNames({ overload }: Snapshot): string[] {
  return overload.priorityHeader === null ? [] : [overload.priorityHeader];
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
    snapshot.routes
      .flatMap(routedNames)
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

/** What a table is linked into. */
export interface Surroundings {
  readonly versions?: VersionLinks;
  /** The table that this one follows. */
  readonly before?: RouteTable | null;
}

/**
 * Links a snapshot. What is the same object as in the snapshot before stays linked as it is, unless something that all routes
 * share is another; the result is as if there had been no table before.
 * @param endpointOf gives the worker's endpoint of an index into `snapshot.endpoints`
 */
export function linkTable(
  snapshot: Snapshot,
  endpointOf: (index: number) => Endpoint,
  balance: BalanceContext,
  { versions = NO_LINKS, before = null }: Surroundings = {},
): RouteTable {
  const { snapshot: old = { routes: [] }, vocabulary: known = NO_NAMES } = before?.links ?? {};
  const edits = editsOf(old.routes, snapshot.routes);
  const vocabulary = changedVocabulary(known, old.routes, edits);
  const base = before !== null && isBase(before, snapshot, vocabulary) ? before : null;
  const shared = base === null ? shareOf(snapshot) : base;
  const targets = base?.links.targets ?? new WeakMap<TargetSpec, Targets>();
  // Once for each version, however many routes lead to it: what all requests share stays in the processor's caches.
  const targetsOf = (spec: TargetSpec): Targets => {
    const linked = targets.get(spec) ?? linkTargets(spec, endpointOf, balance);
    targets.set(spec, linked);
    return linked;
  };
  const link = (spec: RouteSpec): LinkedRoute => linkRoute(spec, shared.names, { targetsOf, ...versions });
  const steps = base === null ? [{ add: snapshot.routes }] : edits;
  const { routes, router } = linkRoutes(steps, { base, router: shared.router, link });
  const { names, color, priorityField, identityField, schemeField, tokenUserField } = shared;
  const { hiddenFields, requestHead, responseHead } = shared;
  requestHead.forgetRules();
  return {
    revision: snapshot.revision,
    limits: snapshot.limits,
    timeouts: snapshot.timeouts,
    http: snapshot.http,
    drain: snapshot.drain,
    names,
    color,
    priorityField,
    identityField,
    schemeField,
    tokenUserField,
    hiddenFields,
    hasCors: snapshot.routes.some(({ filters }) => filters.cors !== null),
    router,
    requestHead,
    responseHead,
    links: { snapshot, routes, targets, vocabulary },
  };
}

/** Whether a table refers to nothing that is another in a snapshot, but for routes and targets. */
function isBase({ links }: RouteTable, snapshot: Snapshot, vocabulary: Vocabulary): boolean {
  const sharedOf = ({ color, overload, http, limits }: Snapshot) => ({ color, overload, http, limits });
  return hasSameNames(links.vocabulary, vocabulary) && isDeepStrictEqual(sharedOf(links.snapshot), sharedOf(snapshot));
}

/** What all routes of a table share. */
type Shared = Pick<
  RouteTable,
  | 'names'
  | 'color'
  | 'priorityField'
  | 'identityField'
  | 'schemeField'
  | 'tokenUserField'
  | 'hiddenFields'
  | 'router'
  | 'requestHead'
  | 'responseHead'
>;

function shareOf(snapshot: Snapshot): Shared {
  const configured = configuredNames(snapshot);
  const names = new NameTable([...configured, ...snapshot.routes.flatMap(filterNames)]);
  const claims = claimsOf(snapshot, names);
  const { color, overload, limits, http } = snapshot;
  return {
    names,
    color: linkColor(color, names),
    priorityField: overload.priorityHeader === null ? FIELD.unknown : names.idOf(overload.priorityHeader),
    identityField: names.idOf(CLIENT_IDENTITY),
    schemeField: names.idOf(SCHEME),
    tokenUserField: names.idOf(TOKEN_USER),
    hiddenFields: hiddenOf(snapshot, names, claims),
    router: Router.empty(names),
    requestHead: new RequestHead(names, limits, new Set(configured), {
      choices: http,
      policyOf: requestPolicy(claims),
    }),
    responseHead: new ResponseHead(names, limits, responsePolicy),
  };
}

interface LinkPlan {
  readonly base: RouteTable | null;
  readonly router: Router;
  readonly link: (spec: RouteSpec) => LinkedRoute;
}

function linkRoutes(edits: readonly Edit<RouteSpec>[], { base, router, link }: LinkPlan) {
  const [routes, dropped, added]: [LinkedRoute[], Placed[], Placed[]] = [[], [], []];
  const [oldSpecs, oldRoutes] = base === null ? [[], []] : [base.links.snapshot.routes, base.links.routes];
  let at = 0;
  for (const edit of edits) {
    if ('add' in edit) {
      for (const spec of edit.add) {
        const placed = placedOf(spec, link(spec));
        added.push(placed);
        routes.push(placed.route);
      }
    } else {
      const end = at + ('keep' in edit ? edit.keep : edit.drop);
      for (; at < end; at++) {
        const route = oldRoutes[at] as LinkedRoute;
        if ('keep' in edit) routes.push(route);
        else dropped.push(placedOf(oldSpecs[at] as RouteSpec, route));
      }
    }
  }
  const order = once(() => new Map(routes.map((route, index) => [route, index])));
  const orderOf = (route: LinkedRoute): number => order().get(route) as number;
  return { routes, router: router.changed({ dropped, added, orderOf }) };
}

function placedOf({ hostnames, matches }: RouteSpec, route: LinkedRoute): Placed {
  return { route, hostnames, matches };
}

interface Links extends VersionLinks {
  readonly targetsOf: (spec: TargetSpec) => Targets;
}

function linkRoute(spec: RouteSpec, names: NameTable, links: Links): LinkedRoute {
  const { targetsOf } = links;
  const splits = linkSplits(spec, links);
  const key = linkKey(spec.sticky, names);
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
    isKeyedByToken: isKeyedByToken(spec),
    stickyField: key.stickyField,
    stickyCookie: key.stickyCookie,
    stickyClientIp: key.stickyClientIp,
    slowMs: spec.slowMs,
    serviceSlowMs: spec.serviceSlowMs,
    ignoredPaths: spec.ignorePaths.length === 0 ? null : new Set(spec.ignorePaths),
    requestTimeoutMs: spec.requestTimeoutMs,
    filters: linkFilters(spec.filters, names),
    upgrade: spec.upgrade,
    streams: spec.streams ?? null,
    retry: spec.retry,
    mirror: linkMirror(spec, targetsOf),
    priority: rankOf(spec.priority),
    rates: linkRates(spec.name, spec.rateLimits),
    idempotency: linkIdempotency(spec.idempotency, names),
    fallback: linkFallback(spec, (split) => linkSplit(split, links, null, null)),
  };
}

function isKeyedByToken({ sticky, filters }: RouteSpec): boolean {
  const keys = [sticky, ...(filters.experiments ?? []).map(({ key }) => key)];
  return keys.some((key) => key?.header === TOKEN_USER);
}

function linkMirror({ mirror, filters }: RouteSpec, targetsOf: (spec: TargetSpec) => Targets): LinkedMirror | null {
  if (mirror === null || filters.mirror === null) return null;
  return { ratio: filters.mirror.ratio, endpoints: targetsOf(mirror).endpoints, compare: linkCompare(filters.mirror) };
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
    service: spec.service,
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
