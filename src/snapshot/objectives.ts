/**
 * The objectives of a configuration, as the SLO engine needs them: cells of the snapshot instead of names.
 *
 * A route's events are what its users saw. A service's are what the users of its routes saw, sheds and rescues included;
 * on a route that it shares with another service, what its versions did there, because users see both.
 */

import type { Config } from '../model/config.ts';
import type { SloSource } from '../model/slo.ts';
import type { RouteSpec, Snapshot } from '../model/snapshot.ts';

/** One for each route and service with objectives. `snapshot` was compiled from `config`. Cost: O(routes). */
export function objectivesOf(config: Config, snapshot: Snapshot): SloSource[] {
  const sources: SloSource[] = [];
  config.routes.forEach(({ name, slo }, index) => {
    const { cell } = snapshot.routes[index] as RouteSpec;
    if (slo !== null) sources.push({ scope: 'route', name, cells: [cell], slo });
  });
  const cells = cellsByService(snapshot);
  for (const { name, slo } of config.services) {
    if (slo !== null) sources.push({ scope: 'service', name, cells: cells.get(name) ?? [], slo });
  }
  return sources;
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
