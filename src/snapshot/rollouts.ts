/**
 * The rollouts of a configuration, as the judge needs them: indexes of the snapshot instead of names.
 */

import type { Config } from '../model/config.ts';
import type { RolloutArm, RolloutSpec } from '../model/rollout.ts';
import type { RouteSpec, Snapshot } from '../model/snapshot.ts';
import { generationOf } from './overrides.ts';

/** One for each route with a rollout, in the order of the configuration. `snapshot` was compiled from `config`. */
export function rolloutsOf(config: Config, snapshot: Snapshot): RolloutSpec[] {
  const specs: RolloutSpec[] = [];
  config.routes.forEach((route, index) => {
    const { rollout } = route;
    if (rollout === null) return;
    const compiled = snapshot.routes[index] as RouteSpec;
    const canary = armOf(compiled, rollout.canary);
    const { alpha, toleratedRatio, badMin } = rollout;
    specs.push({
      route: route.name,
      service: canary.service,
      stable: armOf(compiled, rollout.stable),
      canary,
      alpha,
      toleratedRatio,
      badMin,
      generation: generationOf(config, route.name) as string,
      revision: snapshot.revision,
    });
  });
  return specs;
}

/** Validation made sure that both arms are among the route's splits. */
function armOf(route: RouteSpec, version: string): RolloutArm & { readonly service: string } {
  const split = route.splits.find((candidate) => candidate.version === version);
  if (split === undefined)
    throw new Error(`route ${route.name} has no version ${version}; was the configuration checked?`);
  const { service, cell, dial, unit } = split;
  return { service, version, cell, dial, unit };
}
