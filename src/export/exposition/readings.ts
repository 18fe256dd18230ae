/**
 * Readings of all routes of a snapshot, for the metrics page: live, so that they are made once for a snapshot.
 */

import { versionCells } from '../../model/overload.ts';
import type { Snapshot, SplitSpec } from '../../model/snapshot.ts';
import { serviceSteps } from '../../model/threads/answers/fallback.ts';
import type { CellReading, RouteReading, VersionReading } from '../source.ts';

/** A cell that takes in what was counted when it is told to. */
export interface LiveCell extends CellReading {
  refresh(): void;
}

/** @param limits the cell that shows the version's limit and breaker */
type CellAt = (id: number, limits: number) => LiveCell;

/** One for each route, in the order of the snapshot; its versions, then those that it falls back to. */
export function* routeReadings({ routes }: Snapshot, cellAt: CellAt): Generator<RouteReading> {
  const shownIn = versionCells(routes);
  for (const route of routes) {
    const cell = cellAt(route.cell, route.cell);
    const cells: LiveCell[] = [cell];
    const readingOf = ({ service, version, targets, cell: id }: SplitSpec): VersionReading => {
      const its = cellAt(id, shownIn.get(targets) ?? id);
      cells.push(its);
      return { service, version, hasBreaker: targets.breaker !== null, cell: its };
    };
    yield {
      route: route.name,
      httpRoute: route.matches[0]?.path.value ?? '/',
      slowMs: route.slowMs,
      cell,
      versions: [...route.splits, ...serviceSteps(route.fallback).map(({ split }) => split)].map(readingOf),
      refresh: () => {
        for (const one of cells) one.refresh();
      },
    };
  }
}
