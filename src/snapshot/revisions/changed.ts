/**
 * Which routes a new configuration treats differently: by their own fields, their services, or the gateway's.
 */

import { once } from '../../lib/once.ts';
import type { Config, RouteConfig, ServiceConfig } from '../../model/config.ts';
import { rolloutOn } from '../../model/rollout.ts';
import type { RouteSpec, Snapshot } from '../../model/snapshot.ts';
import { serviceSteps } from '../../model/threads/answers/fallback.ts';
import { isSame } from '../../model/threads/parsing/same.ts';

/** Fields of the gateway that no request is treated by. */
const ASIDE: ReadonlySet<string> = new Set([
  'alerts',
  'listen',
  'admin',
  'adminTokenHash',
  'workers',
  'accessLog',
  'tracing',
  'drain',
  'state',
  'revisions',
  'saturation',
  'fleet',
  'business',
  'services',
  'routes',
]);

/**
 * Names of routes that both have and that differ. One that came or went is not among them.
 * Cost: O(routes), next to nothing for one that is the same object in the same place.
 */
export function changedRoutes(before: Config, after: Config): Set<string> {
  const fields = Object.keys(after) as (keyof Config)[];
  const isAll = fields.some((field) => !ASIDE.has(field) && !isSame(before[field], after[field]));
  const formerOf = formerIn(before.routes);
  const services = changedServices(before.services, after.services);
  const isTouched = (route: RouteConfig): boolean => services.size > 0 && asksOne(route, services);
  const isAsBefore = !isAll && services.size === 0;
  const changed = new Set<string>();
  for (let index = 0; index < after.routes.length; index++) {
    const route = after.routes[index] as RouteConfig;
    if (isAsBefore && before.routes[index] === route) continue;
    const was = formerOf(route, index);
    if (was !== undefined && (isAll || isOther(was, route) || isTouched(route))) changed.add(route.name);
  }
  return changed;
}

/** A route and the cells that tell how it does. */
export interface GuardedCells {
  readonly name: string;
  readonly cells: readonly number[];
}

/** Those of all routes, and what they were made of. */
export interface Guarded {
  readonly config: Config;
  readonly snapshot: Snapshot;
  readonly routes: readonly GuardedCells[];
}

/**
 * The cells that tell how each route does: its own, or those of its versions but a canary, which its rollout answers for.
 * @param before of which what stayed is taken over: the same objects
 */
export function guardedCells(snapshot: Snapshot, config: Config, before: Guarded | null = null): Guarded {
  const routes = snapshot.routes.map((spec, index) => {
    const isOld = before?.snapshot.routes[index] === spec && before.config.routes[index] === config.routes[index];
    const known = isOld ? before?.routes[index] : undefined;
    return known ?? cellsOf(spec, canaryOn(config.routes[index]));
  });
  return { config, snapshot, routes };
}

function canaryOn(route: RouteConfig | undefined): string | undefined {
  return route === undefined ? undefined : rolloutOn(route)?.canary;
}

function cellsOf({ name, cell, splits }: RouteSpec, canary: string | undefined): GuardedCells {
  if (canary === undefined) return { name, cells: [cell] };
  return { name, cells: splits.filter(({ version }) => version !== canary).map((split) => split.cell) };
}

/** Finds items of a list by their names: at once those that are in their places still. */
function formerIn<T extends { readonly name: string }>(items: readonly T[]): (item: T, index: number) => T | undefined {
  const byName = once(() => new Map(items.map((item) => [item.name, item])));
  return (item, index) => {
    const here = items[index];
    return here === item || here?.name === item.name ? here : byName().get(item.name);
  };
}

/** Objectives judge requests and treat none. */
function isOther(before: RouteConfig, after: RouteConfig): boolean {
  if (before === after) return false;
  const [{ slo: _was, value: _old, ...treated }, { slo: _is, value: _new, ...now }] = [before, after];
  return !isSame(treated, now);
}

function changedServices(before: readonly ServiceConfig[], after: readonly ServiceConfig[]): Set<string> {
  const formerOf = formerIn(before);
  const changed = after.filter((now, index) => {
    const known = formerOf(now, index);
    if (known === now) return false;
    const { slo: _slo, ...service } = now;
    const { slo: _old, ...was } = known ?? { slo: null };
    return !isSame(was, service);
  });
  return new Set(changed.map(({ name }) => name));
}

/** A mirror's answers reach nobody. */
function asksOne({ backendRefs, fallback }: RouteConfig, services: ReadonlySet<string>): boolean {
  for (const { service } of backendRefs) if (services.has(service)) return true;
  return fallback !== undefined && serviceSteps(fallback).some(({ service }) => services.has(service));
}
