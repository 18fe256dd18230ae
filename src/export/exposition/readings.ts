/**
 * Readings of all routes of a snapshot, for the metrics page.
 */

import { versionCells } from '../../model/overload.ts';
import type { Snapshot, SplitSpec } from '../../model/snapshot.ts';
import { serviceSteps } from '../../model/threads/answers/fallback.ts';
import type { CellReading, RouteReading, VersionReading } from '../source.ts';

/** Reads a cell. @param limits the cell that shows the version's limit and breaker */
type ReadCell = (id: number, limits: number) => CellReading;

/**
 * One for each route, in the order of the snapshot; its versions, then those that it falls back to.
 * @param cell reads a cell; called when a route is taken from the generator
 */
export function* routeReadings({ routes }: Snapshot, cell: ReadCell): Generator<RouteReading> {
  const shownIn = versionCells(routes);
  const readingOf = ({ service, version, targets, cell: id }: SplitSpec): VersionReading => {
    const read = cell(id, shownIn.get(targets) ?? id);
    return { service, version, hasBreaker: targets.breaker !== null, cell: read, again: () => cell(id, id) };
  };
  for (const route of routes) {
    yield {
      route: route.name,
      httpRoute: route.matches[0]?.path.value ?? '/',
      slowMs: route.slowMs,
      cell: cell(route.cell, route.cell),
      versions: [...route.splits, ...serviceSteps(route.fallback).map(({ split }) => split)].map(readingOf),
    };
  }
}
