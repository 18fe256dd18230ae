/**
 * The rollouts of a configuration, as the judge needs them: indexes of the snapshot instead of names.
 */

import { addressOf } from '../lib/text/address.ts';
import type { BackendRef, Config, RolloutConfig, RouteConfig, ShadowConfig } from '../model/config.ts';
import {
  ENDPOINTS_TOLD_APART_MAX,
  type JudgePolicy,
  type RolloutArm,
  type RolloutPolicy,
  type RolloutRoute,
  type RolloutSpec,
  rolloutOn,
  type ShadowPolicy,
  weightScaleOf,
} from '../model/rollout.ts';
import type { BudgetPolicyConfig, SloConfig } from '../model/slo.ts';
import type { EndpointSpec, RescueSpec, RouteSpec, Snapshot, SplitSpec } from '../model/snapshot.ts';
import { generationOf, indexOfRoute } from './overrides.ts';

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
    const split = splitOf(route, compiled, rollout.canary);
    const canary = { ...armOf(route, compiled, rollout.canary), ...endpointsOf(split, snapshot) };
    const companions = companionsOf(config, snapshot, rollout);
    specs.push({
      route: route.name,
      service: split.service,
      stable: armOf(route, compiled, rollout.stable),
      canary,
      ...(companions.length > 0 && { companions }),
      ...rolloutTerms(rollout, route.slo as SloConfig),
      shadows: shadowsOf(rollout, route.slo as SloConfig),
      weightScale: weightScaleOf(route),
      budgetPolicy: budgetPolicyOf(config, route),
      generation: generationOf(config, route.name) as string,
      revision: snapshot.revision,
    });
  });
  return specs;
}

/** The two versions of a rollout on the further routes that it lists. Endpoints are the leading route's to look at. */
function companionsOf(
  config: Config,
  snapshot: Snapshot,
  { routes = [], stable, canary }: RolloutConfig,
): RolloutRoute[] {
  return routes.map((name) => {
    const index = indexOfRoute(config, name) as number;
    const route = config.routes[index] as RouteConfig;
    const arm = (version: string): RolloutArm => armOf(route, snapshot.routes[index] as RouteSpec, version);
    return { route: name, stable: arm(stable), canary: arm(canary) };
  });
}

/** The strictest that the objectives of its routes have: each of them binds the rollout. */
function budgetPolicyOf(config: Config, { slo, rollout }: RouteConfig): BudgetPolicyConfig {
  const policies = [(slo as SloConfig).budgetPolicy];
  for (const name of rollout?.routes ?? []) {
    const own = config.routes[indexOfRoute(config, name) ?? -1]?.slo ?? null;
    if (own !== null) policies.push(own.budgetPolicy);
  }
  if (policies.length === 1) return policies[0] as BudgetPolicyConfig;
  return {
    freeze: policies.some(({ freeze }) => freeze),
    slowBelowRatio: Math.max(...policies.map(({ slowBelowRatio }) => slowBelowRatio)),
    releaseAllowanceRatio: Math.min(...policies.map(({ releaseAllowanceRatio }) => releaseAllowanceRatio)),
  };
}

/**
 * What judges recorded evidence: the numbers and steps that a configuration gives to the route; as they were where it gives none.
 * Versions, weights and the latency thresholds stay those of then.
 */
export function respecOf(config: Config): (spec: RolloutSpec) => RolloutSpec {
  return (spec) => {
    const route = config.routes[indexOfRoute(config, spec.route) ?? -1];
    const { rollout = null, slo = null } = route ?? {};
    if (route === undefined || rollout === null || slo === null) return spec;
    const { latencyTolerance, latencyFloorMs } = spec;
    const shadows = shadowsOf(rollout, slo);
    const budgetPolicy = budgetPolicyOf(config, route);
    return { ...spec, ...rolloutTerms(rollout, slo), latencyTolerance, latencyFloorMs, shadows, budgetPolicy };
  };
}

/** What a rollout is judged and moved by, with what follows from the objective where the document says nothing. */
export function rolloutTerms(rollout: RolloutConfig, { availabilityRatio }: SloConfig): RolloutPolicy {
  const { latencyTolerance, latencyFloorMs, plan } = rollout;
  const budgetRatio = 1 - availabilityRatio;
  return { ...policyOf(rollout, budgetRatio), latencyTolerance, latencyFloorMs, plan, budgetRatio };
}

function shadowsOf({ shadows }: RolloutConfig, { availabilityRatio }: SloConfig): ShadowPolicy[] {
  return shadows.map((shadow) => ({ name: shadow.name, ...policyOf(shadow, 1 - availabilityRatio) }));
}

function policyOf(
  { alpha, toleratedRatio, badMin, absoluteFloor, promotion }: Omit<ShadowConfig, 'name'>,
  budgetRatio: number,
): JudgePolicy {
  const { beta, ratioMax, errorRatioMax } = promotion;
  const worst = errorRatioMax ?? Math.max(ERROR_RATIO_MAX_LEAST, PROMOTION_SHARE * budgetRatio);
  return {
    alpha,
    toleratedRatio,
    badMin,
    absoluteFloor: absoluteFloor ?? FLOOR_SHARE * budgetRatio,
    promotion: { beta, ratioMax, errorRatioMax: worst },
  };
}

/** Validation made sure that both arms are among the route's splits, and that the route has objectives. */
function splitOf({ name }: RouteConfig, { splits }: RouteSpec, version: string): SplitSpec {
  const split = splits.find((candidate) => candidate.version === version);
  if (split === undefined) throw new Error(`route ${name} has no version ${version}; was the configuration checked?`);
  return split;
}

function armOf(route: RouteConfig, compiled: RouteSpec, version: string): RolloutArm {
  const split = splitOf(route, compiled, version);
  const { cell, dial, unit } = split;
  const weight = (route.backendRefs[compiled.splits.indexOf(split)]?.weight ?? 0) * weightScaleOf(route);
  return { version, cell, dial, unit, weight, endpoints: [] };
}

/** What is listed, and what was looked up, is told apart alike: by address, whatever slot it has now. None where there are too many. */
function endpointsOf(
  { targets }: SplitSpec,
  { endpoints: known }: Snapshot,
): Required<Pick<RolloutArm, 'endpoints' | 'addresses'>> {
  const endpoints = [...new Set(targets.endpoints.map((index) => (known[index] as EndpointSpec).id))];
  if (endpoints.length > ENDPOINTS_TOLD_APART_MAX) return { endpoints: [], addresses: [] };
  const addresses = endpoints.map((id) => {
    const { host, port } = known[id] as EndpointSpec;
    return addressOf(host, port);
  });
  return { endpoints, addresses };
}

/** Who answers for whom; null where nobody is rescued. */
export function rescueOf(route: RouteConfig): RescueSpec | null {
  const { backendRefs } = route;
  const rollout = rolloutOn(route);
  if (rollout === null || !rollout.rescue) return null;
  const indexOfVersion = (name: string): number => backendRefs.findIndex(({ version }) => version === name);
  return {
    canary: indexOfVersion(rollout.canary),
    stable: indexOfVersion(rollout.stable),
    isForPinned: rollout.rescuePinned,
  };
}

/** Whether this version of the route is one of the two that are compared. */
export function isUnderRollout(route: RouteConfig, { version }: Pick<BackendRef, 'version'>): boolean {
  const rollout = rolloutOn(route);
  return rollout !== null && (version === rollout.stable || version === rollout.canary);
}

/** Whose name seeds a version's share of the users: of the routes of a rollout the leading one, so that users get the same version on all. */
export function seedingRoute(route: RouteConfig, ref: Pick<BackendRef, 'version'>): string {
  return route.led !== undefined && isUnderRollout(route, ref) ? route.led.by : route.name;
}
