/**
 * A worker's copy of the snapshot in force, kept up to date by differences: how they are made here and taken in there.
 *
 * What did not change is the same object as before, so that nothing has to be linked again. A route that came refers to the
 * targets of its versions by copies of its own; the object that the other routes have already takes their place.
 */

import { isDeepStrictEqual } from 'node:util';
import type { RouteSpec, Snapshot, SnapshotChange, SplitSpec, TargetSpec } from '../../../model/snapshot.ts';
import { serviceSteps } from '../../../model/threads/answers/fallback.ts';
import { applyEdits, type Edit, editsOf } from '../../../model/threads/parsing/edits.ts';

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
  return {
    ...shell,
    routes: applyEdits(before.routes, withKnownTargets(before.routes, routes)),
    endpoints: applyEdits(before.endpoints, endpoints),
  };
}

function withKnownTargets(before: readonly RouteSpec[], edits: readonly Edit<RouteSpec>[]): Edit<RouteSpec>[] {
  const added = edits.flatMap((edit) => ('add' in edit ? edit.add : []));
  if (added.length === 0) return [...edits];
  const known = knownTargets(
    before,
    edits,
    new Set(added.flatMap((route) => targetsOf(route).map(({ name }) => name))),
  );
  const places = new Map<TargetSpec, TargetSpec>();
  const knownOf = (targets: TargetSpec): TargetSpec => {
    const old = known.get(targets.name);
    const same = places.get(targets) ?? (old !== undefined && isDeepStrictEqual(old, targets) ? old : targets);
    places.set(targets, same);
    return same;
  };
  const adoptSplit = (split: SplitSpec): SplitSpec => ({ ...split, targets: knownOf(split.targets) });
  const adopt = (route: RouteSpec): RouteSpec => ({
    ...route,
    splits: route.splits.map(adoptSplit),
    mirror: route.mirror === null ? null : knownOf(route.mirror),
    ...(route.fallback && {
      fallback: route.fallback.map((step) =>
        step.kind === 'service' ? { ...step, split: adoptSplit(step.split) } : step,
      ),
    }),
  });
  return edits.map((edit) => ('add' in edit ? { add: edit.add.map(adopt) } : edit));
}

/** Targets of the routes that stay, by name: those that are looked for. Every route has the same object of a version. */
function knownTargets(
  routes: readonly RouteSpec[],
  edits: readonly Edit<RouteSpec>[],
  wanted: Set<string>,
): ReadonlyMap<string, TargetSpec> {
  const known = new Map<string, TargetSpec>();
  let at = 0;
  for (const edit of edits) {
    if ('drop' in edit) at += edit.drop;
    else if ('keep' in edit) {
      for (const end = at + edit.keep; at < end; at++) {
        if (wanted.size === 0) return known;
        for (const targets of targetsOf(routes[at] as RouteSpec)) {
          if (wanted.delete(targets.name)) known.set(targets.name, targets);
        }
      }
    }
  }
  return known;
}

function targetsOf({ splits, mirror, fallback }: RouteSpec): TargetSpec[] {
  const targets = splits.map((split) => split.targets);
  for (const { split } of serviceSteps(fallback)) targets.push(split.targets);
  if (mirror !== null) targets.push(mirror);
  return targets;
}
