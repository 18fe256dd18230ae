/**
 * A snapshot linked for one worker: names resolved to objects, so that a request only walks references.
 *
 * Endpoints outlive tables: the same address keeps its connections and its load estimate across a swap. A table is
 * immutable; an exchange pins the one it started with.
 */

import type { Limits, Timeouts } from '../../model/config.ts';
import type { RouteSpec, Snapshot, SplitSpec } from '../../model/snapshot.ts';
import { CELL_WORDS } from '../../model/tallies.ts';
import type { Endpoint } from '../forward/endpoint.ts';
import { requestPolicy, responsePolicy } from '../headers.ts';
import { FIELD, NameTable } from '../http1/names.ts';
import { RequestHead } from '../http1/request-head.ts';
import { ResponseHead } from '../http1/response-head.ts';
import { Router } from './router.ts';

export interface LinkedSplit {
  readonly version: string;
  /** First word of the version's cell in the tallies. */
  readonly cellBase: number;
  readonly cell: number;
  readonly dial: number;
  readonly unit: number;
  readonly seed: number;
  readonly endpoints: readonly Endpoint[];
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
  readonly requestTimeoutMs: number;
}

export interface RouteTable {
  readonly revision: number;
  readonly limits: Limits;
  readonly timeouts: Timeouts;
  readonly names: NameTable;
  readonly colorField: number;
  readonly colorFromAnyone: boolean;
  readonly router: Router;
  /** Scratch parsers, shared by all connections of the worker: parsing is synchronous. */
  readonly requestHead: RequestHead;
  readonly responseHead: ResponseHead;
}

/** Fields a `Connection` header may not remove besides the built-in ones: whatever routing reads. */
function configuredNames(snapshot: Snapshot): string[] {
  const names = [snapshot.color.header];
  for (const route of snapshot.routes) {
    if (route.sticky?.header) names.push(route.sticky.header);
    for (const match of route.matches) for (const header of match.headers) names.push(header.name);
  }
  return names;
}

/** @param endpointOf gives the worker's endpoint of an index into `snapshot.endpoints`. */
export function linkTable(snapshot: Snapshot, endpointOf: (index: number) => Endpoint): RouteTable {
  const configured = configuredNames(snapshot);
  const names = new NameTable(configured);
  const router = new Router(names);
  for (const spec of snapshot.routes) router.add(linkRoute(spec, names, endpointOf), spec.hostnames, spec.matches);
  router.seal();
  return {
    revision: snapshot.revision,
    limits: snapshot.limits,
    timeouts: snapshot.timeouts,
    names,
    colorField: names.idOf(snapshot.color.header),
    colorFromAnyone: snapshot.color.acceptFrom === 'anyone',
    router,
    requestHead: new RequestHead(names, snapshot.limits, new Set(configured), requestPolicy),
    responseHead: new ResponseHead(names, snapshot.limits, responsePolicy),
  };
}

function linkRoute(spec: RouteSpec, names: NameTable, endpointOf: (index: number) => Endpoint): LinkedRoute {
  const splits = spec.splits.map((split) => linkSplit(split, endpointOf));
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
    requestTimeoutMs: spec.requestTimeoutMs,
  };
}

function linkSplit(spec: SplitSpec, endpointOf: (index: number) => Endpoint): LinkedSplit {
  return {
    version: spec.version,
    cellBase: spec.cell * CELL_WORDS,
    cell: spec.cell,
    dial: spec.dial,
    unit: spec.unit,
    seed: spec.seed,
    endpoints: spec.targets.endpoints.map(endpointOf),
  };
}
