/**
 * The rollouts of a configuration, as the judge needs them: indexes of the snapshot instead of names.
 */

import type { Config } from '../model/config.ts';
import type { RolloutArm, RolloutSpec } from '../model/rollout.ts';
import type { EndpointSpec, RouteSpec, Snapshot } from '../model/snapshot.ts';
import { generationOf } from './overrides.ts';

/** Share of what the SLO allows that is no reason for a rollback. */
const FLOOR_SHARE = 0.25;
/** How many times what the SLO allows a canary may certainly not reach to be passed, and the least such limit. */
const PROMOTION_SHARE = 5;
const ERROR_RATIO_MAX_LEAST = 0.005;

/** One for each route with a rollout, in the order of the configuration. `snapshot` was compiled from `config`. */
export function rolloutsOf(config: Config, snapshot: Snapshot): RolloutSpec[] {
  const specs: RolloutSpec[] = [];
  config.routes.forEach((route, index) => {
    const { rollout } = route;
    if (rollout === null) return;
    const compiled = snapshot.routes[index] as RouteSpec;
    const canary = armOf(compiled, rollout.canary, snapshot);
    const { alpha, toleratedRatio, badMin, latencyTolerance, latencyFloorMs, promotion } = rollout;
    const allowedRatio = route.slo === null ? 0 : 1 - route.slo.availabilityRatio;
    specs.push({
      route: route.name,
      service: canary.service,
      stable: armOf(compiled, rollout.stable, snapshot),
      canary,
      alpha,
      toleratedRatio,
      badMin,
      absoluteFloor: rollout.absoluteFloor ?? FLOOR_SHARE * allowedRatio,
      latencyTolerance,
      latencyFloorMs,
      promotion: {
        ...promotion,
        errorRatioMax: promotion.errorRatioMax ?? Math.max(ERROR_RATIO_MAX_LEAST, PROMOTION_SHARE * allowedRatio),
      },
      generation: generationOf(config, route.name) as string,
      revision: snapshot.revision,
    });
  });
  return specs;
}

/** Validation made sure that both arms are among the route's splits. */
function armOf(route: RouteSpec, version: string, snapshot: Snapshot): RolloutArm & { readonly service: string } {
  const split = route.splits.find((candidate) => candidate.version === version);
  if (split === undefined)
    throw new Error(`route ${route.name} has no version ${version}; was the configuration checked?`);
  const { service, cell, dial, unit, targets } = split;
  const endpoints = targets.endpoints.map((index) => (snapshot.endpoints[index] as EndpointSpec).id);
  return { service, version, cell, dial, unit, endpoints };
}
