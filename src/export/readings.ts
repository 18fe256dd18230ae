/**
 * Readings of all routes of a snapshot, for the metrics page.
 */

import { versionCells } from '../model/overload.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { CellReading, RouteReading } from './source.ts';

/** One for each route, in the order of the snapshot. */
export function routeReadings({ routes }: Snapshot, cell: (id: number) => CellReading): RouteReading[] {
  const shownIn = versionCells(routes);
  return routes.map((route) => ({
    route: route.name,
    httpRoute: route.matches[0]?.path.value ?? '/',
    slowMs: route.slowMs,
    cell: cell(route.cell),
    versions: route.splits.map((split) => {
      const { admission, breaker } = cell(shownIn.get(split.targets) ?? split.cell);
      return {
        service: split.service,
        version: split.version,
        hasBreaker: split.targets.breaker !== null,
        cell: { ...cell(split.cell), admission, breaker },
      };
    }),
  }));
}
