/**
 * Which routes a new configuration treats differently: by their own fields, their services, or the gateway's.
 */

import type { Config, RouteConfig, ServiceConfig } from '../../model/config.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import { serviceSteps } from '../../model/threads/answers/fallback.ts';
import { isSame } from './same.ts';

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

/** Names of routes that both have and that differ. One that came or went is not among them. */
export function changedRoutes(before: Config, after: Config): Set<string> {
  const fields = Object.keys(after) as (keyof Config)[];
  const isAll = fields.some((field) => !ASIDE.has(field) && !isSame(before[field], after[field]));
  const old = new Map(before.routes.map((route) => [route.name, route]));
  const services = changedServices(before.services, after.services);
  const changed = after.routes.filter((route) => {
    const was = old.get(route.name);
    return was !== undefined && (isAll || isOther(was, route) || servicesOf(route).some((name) => services.has(name)));
  });
  return new Set(changed.map(({ name }) => name));
}

/** The cells that tell how a route does: its own, or those of its versions but a canary, which its rollout answers for. */
export function guardedCells(
  { routes }: Snapshot,
  config: Config,
): { readonly name: string; readonly cells: number[] }[] {
  return routes.map(({ name, cell, splits }, index) => {
    const canary = config.routes[index]?.rollout?.canary;
    if (canary === undefined) return { name, cells: [cell] };
    return { name, cells: splits.filter(({ version }) => version !== canary).map((split) => split.cell) };
  });
}

/** Objectives judge requests and treat none. */
function isOther(before: RouteConfig, after: RouteConfig): boolean {
  if (before === after) return false;
  const [{ slo: _was, value: _old, ...treated }, { slo: _is, value: _new, ...now }] = [before, after];
  return !isSame(treated, now);
}

function changedServices(before: readonly ServiceConfig[], after: readonly ServiceConfig[]): Set<string> {
  const old = new Map(before.map((service) => [service.name, service]));
  const changed = after.filter((now) => {
    const known = old.get(now.name);
    if (known === now) return false;
    const { slo: _slo, ...service } = now;
    const { slo: _old, ...was } = known ?? { slo: null };
    return !isSame(was, service);
  });
  return new Set(changed.map(({ name }) => name));
}

/** A mirror's answers reach nobody. */
function servicesOf({ backendRefs, fallback }: RouteConfig): string[] {
  return [...backendRefs, ...serviceSteps(fallback)].map(({ service }) => service);
}
