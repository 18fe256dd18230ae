/**
 * The objectives of a configuration, as the SLO engine needs them: cells of the snapshot instead of names.
 *
 * A route's events are what its users saw. A service's are what the users of its routes saw, sheds and rescues included;
 * on a route that it shares with another service, what its versions did there, because users see both. The gateway's are those of
 * its routes with a value.
 */

import { once } from '../lib/once.ts';
import type { Config } from '../model/config.ts';
import type { BusinessConfig, SloSource } from '../model/slo.ts';
import type { RouteSpec, Snapshot } from '../model/snapshot.ts';

/** One for each route and service with objectives, the gateway's last. `snapshot` was compiled from `config`. Cost: O(routes). */
export function objectivesOf(config: Config, snapshot: Snapshot): SloSource[] {
  const sources: SloSource[] = [];
  config.routes.forEach(({ name, slo }, index) => {
    const { cell } = snapshot.routes[index] as RouteSpec;
    if (slo !== null) sources.push({ scope: 'route', name, cells: [cell], slo });
  });
  const cells = once(() => cellsByService(snapshot));
  for (const { name, slo } of config.services) {
    if (slo !== null) sources.push({ scope: 'service', name, cells: cells().get(name) ?? [], slo });
  }
  if (config.business !== undefined) sources.push(gatewaySource(config, config.business, snapshot));
  return sources;
}

/** Users of the routes that are worth something. */
function gatewaySource({ routes }: Config, business: BusinessConfig, snapshot: Snapshot): SloSource {
  const [cells, values]: [number[], number[]] = [[], []];
  for (const [index, { value = 0 }] of routes.entries()) {
    if (value === 0) continue;
    cells.push((snapshot.routes[index] as RouteSpec).cell);
    values.push(value);
  }
  return { scope: 'gateway', name: 'business', cells, values, slo: { ...business.terms, business } };
}

function cellsByService({ routes }: Snapshot): Map<string, number[]> {
  const cells = new Map<string, number[]>();
  const add = (service: string, cell: number): void => {
    const known = cells.get(service);
    if (known === undefined) cells.set(service, [cell]);
    else known.push(cell);
  };
  for (const { cell, splits } of routes) {
    const [first] = splits;
    if (first === undefined) continue;
    if (splits.every(({ service }) => service === first.service)) add(first.service, cell);
    else for (const split of splits) add(split.service, split.cell);
  }
  return cells;
}
