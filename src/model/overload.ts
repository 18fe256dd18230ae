/**
 * Nouns of overload: how important a request is, and how many a version gets at a time.
 */

import type { RouteSpec, TargetSpec } from './snapshot.ts';

/** How important a request is when a version has more than it can serve, in order: the first is served first. */
export const PRIORITIES = ['critical', 'default', 'degraded', 'best-effort'] as const;

export type Priority = (typeof PRIORITIES)[number];

/**
 * How many requests of a version one worker lets be under way: what its latency allows (`auto`), any number (`off`), or so
 * many.
 */
export type ConcurrencyLimit = 'auto' | 'off' | number;

/** What overload control goes by in the requests themselves. */
export interface OverloadConfig {
  /** Lower-case header in which trusted proxies name a request's priority, removed from anybody else's; null = none. */
  readonly priorityHeader: string | null;
}

/**
 * The cell in which each worker shows how a version's admission stands: that of the first split that leads to the version,
 * which may have thousands.
 */
export function admissionCells(routes: readonly Pick<RouteSpec, 'splits'>[]): Map<TargetSpec, number> {
  const cells = new Map<TargetSpec, number>();
  for (const { splits } of routes) {
    for (const { targets, cell } of splits) if (!cells.has(targets)) cells.set(targets, cell);
  }
  return cells;
}
