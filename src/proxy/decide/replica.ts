/**
 * A worker's copy of the snapshot in force, kept up to date by differences: how they are made here and taken in there.
 *
 * What did not change is the same object as before, so that nothing has to be linked again. A route that came refers to the
 * targets of its versions by copies of its own; the object that the other routes have already takes their place.
 */

import { isDeepStrictEqual } from 'node:util';
import type { RouteSpec, Snapshot, SnapshotChange, TargetSpec } from '../../model/snapshot.ts';
import { applyEdits, type Edit, editsOf } from '../../model/threads/edits.ts';

/** What makes a snapshot of the one before: what is the same object in both is not sent again. */
export function changeOf(before: Snapshot, { routes, endpoints, ...shell }: Snapshot): SnapshotChange {
  return {
    base: before.revision,
    shell,
    routes: editsOf(before.routes, routes),
    endpoints: editsOf(before.endpoints, endpoints),
  };
}

/** The snapshot that a change makes of the one before; null: the change is for another one. */
export function changedSnapshot(before: Snapshot, { base, shell, routes, endpoints }: SnapshotChange): Snapshot | null {
  if (before.revision !== base) return null;
  const kept = applyEdits(before.routes, routes.filter(isNoAddition));
  return {
    ...shell,
    routes: applyEdits(before.routes, withKnownTargets(kept, routes)),
    endpoints: applyEdits(before.endpoints, endpoints),
  };
}

function isNoAddition(edit: Edit<unknown>): boolean {
  return !('add' in edit);
}

function withKnownTargets(kept: readonly RouteSpec[], edits: readonly Edit<RouteSpec>[]): Edit<RouteSpec>[] {
  if (edits.every(isNoAddition)) return [...edits];
  const known = new Map<string, TargetSpec>();
  for (const { splits, mirror } of kept) {
    for (const { targets } of splits) known.set(targets.name, targets);
    if (mirror !== null) known.set(mirror.name, mirror);
  }
  const places = new Map<TargetSpec, TargetSpec>();
  const knownOf = (targets: TargetSpec): TargetSpec => {
    const before = known.get(targets.name);
    const same = places.get(targets) ?? (before !== undefined && isDeepStrictEqual(before, targets) ? before : targets);
    places.set(targets, same);
    return same;
  };
  const adopt = (route: RouteSpec): RouteSpec => ({
    ...route,
    splits: route.splits.map((split) => ({ ...split, targets: knownOf(split.targets) })),
    mirror: route.mirror === null ? null : knownOf(route.mirror),
  });
  return edits.map((edit) => ('add' in edit ? { add: edit.add.map(adopt) } : edit));
}
