/**
 * Weights that the gateway holds against the operator's, for as long as they were decided for.
 *
 * An override carries the generation it was decided in: the fingerprint of the route's split as the route itself says
 * it, its rollout section and the canary's definition. A weights document apart from the route moves what the rollout
 * shares out, and ends nothing. When the operator changes any of these the hold is lifted: a new split or a new canary
 * starts with a clean slate. Nothing else in the document lifts it; a reload or a restart of a worker does not.
 * The routes of a rollout have one generation together, which tells of the splits of all: what is decided there is one decision.
 */

import type { BackendRef, Config, RolloutConfig, RouteConfig, ServiceConfig, VersionConfig } from '../model/config.ts';
import { weightScaleOf } from '../model/rollout.ts';
import type { Override, RouteSpec, SplitSpec } from '../model/snapshot.ts';
import { fingerprint } from './hash.ts';

/** An override that ended, and why. */
export interface Lifted {
  readonly override: Override;
  readonly because: 'the route is gone' | 'the split or the canary changed';
}

/** The overrides still in force under a configuration, and the others. */
export interface OverrideReview {
  readonly live: readonly Override[];
  readonly lifted: readonly Lifted[];
}

const indexesByRoutes = new WeakMap<readonly RouteConfig[], ReadonlyMap<string, number>>();

/** Where a route stands in a configuration; null: nowhere. Cost: O(1), but for the first question O(routes). */
export function indexOfRoute({ routes }: Config, routeName: string): number | null {
  let indexes = indexesByRoutes.get(routes);
  if (indexes === undefined) {
    indexes = new Map(routes.map(({ name }, index) => [name, index]));
    indexesByRoutes.set(routes, indexes);
  }
  return indexes.get(routeName) ?? null;
}

/** The generation of a route's split, 64 hex digits; null when there is no such route. Cost: as `indexOfRoute`. */
export function generationOf(config: Config, routeName: string): string | null {
  const index = indexOfRoute(config, routeName);
  return index === null ? null : generationOfRoute(config, config.routes[index] as RouteConfig);
}

/** Of the route, the others of its rollout, and this very canary. */
interface Known {
  readonly canary: VersionConfig | null;
  readonly companions: readonly RouteConfig[];
  readonly generation: string;
}

const generations = new WeakMap<RouteConfig, Known>();

function generationOfRoute(config: Config, route: RouteConfig): string {
  if (route.led !== undefined) return generationOf(config, route.led.by) as string;
  const canaryRef = route.backendRefs.find((ref) => ref.version === route.rollout?.canary);
  const canary = canaryRef === undefined ? null : versionOf(config, canaryRef);
  const companions = (route.rollout?.routes ?? []).map((name) => routeOf(config, name));
  const known = generations.get(route);
  if (known?.canary === canary && companions.every((one, n) => one === known.companions[n])) return known.generation;
  const parts = { backendRefs: ownRefsOf(route), rollout: decisiveOf(route.rollout), canary: asWritten(canary) };
  const generation = fingerprint(companions.length === 0 ? parts : { ...parts, companions: companions.map(ownRefsOf) });
  generations.set(route, { canary, companions, generation });
  return generation;
}

/** A route that a rollout lists: the configuration was checked. */
function routeOf(config: Config, name: string): RouteConfig {
  return config.routes[indexOfRoute(config, name) as number] as RouteConfig;
}

/** As the route says it, whatever a weights document does. */
function ownRefsOf({ backendRefs, weights }: RouteConfig): readonly BackendRef[] {
  if (weights === undefined) return backendRefs;
  return backendRefs.map((ref, n) => ({ ...ref, weight: weights.ownWeights[n] ?? ref.weight }));
}

/** Stands for whatever `stepMax` a rollout has: the default when generations were first kept. */
const STEP_MAX_MS = 3_600_000;

/** Shadows decide nothing, and how long a step may wait neither: another one is no reason to begin anew. */
function decisiveOf(rollout: RolloutConfig | null): Omit<RolloutConfig, 'shadows'> | null {
  if (rollout === null) return null;
  const { shadows: _, plan, ...decisive } = rollout;
  return { ...decisive, plan: plan === null ? null : { ...plan, stepMaxMs: STEP_MAX_MS } };
}

/** Sorts out which overrides outlive a change to `config`. */
export function liveOverrides(config: Config, overrides: readonly Override[]): OverrideReview {
  const live: Override[] = [];
  const lifted: Lifted[] = [];
  for (const override of overrides) {
    const generation = generationOf(config, override.route);
    if (generation === null) lifted.push({ override, because: 'the route is gone' });
    else if (generation !== override.generation) lifted.push({ override, because: 'the split or the canary changed' });
    else live.push(override);
  }
  return { live, lifted };
}

/** Overrides by route; a route has at most one for each version. */
export function byRoute(overrides: readonly Override[]): Map<string, readonly Override[]> {
  const held = new Map<string, Override[]>();
  for (const override of overrides) {
    const others = held.get(override.route);
    if (others === undefined) held.set(override.route, [override]);
    else others.push(override);
  }
  return held;
}

/** Versions by `service/version`. */
export type VersionSet = ReadonlySet<string>;

/** A version on a route that does worse than it may. */
export interface Drifter {
  /** Part of its weight that it keeps; 0 = it is offline. */
  readonly keepRatio: number;
  readonly because: string;
}

/** What keeps versions from their weights, whatever the configuration and the overrides say. */
export interface Handicaps {
  /** Versions whose every endpoint is down. */
  readonly down: VersionSet;
  /** By `route/service/version`. */
  readonly drifters: ReadonlyMap<string, Drifter>;
}

/** Nobody has one. */
export const NO_HANDICAPS: Handicaps = { down: new Set(), drifters: new Map() };

/** What keeps versions of a configuration from the weights that the operator gave them. */
function weighingOf(config: Config, overrides: readonly Override[], handicaps: Handicaps) {
  const empty = new Set<string>();
  for (const service of config.services) {
    for (const version of service.versions) {
      if (version.endpoints.length === 0) empty.add(versionKey({ service: service.name, version: version.name }));
    }
  }
  // Keys are made for those alone who look one up: there are 10,000 routes.
  const isEmpty = (ref: BackendRef): boolean => empty.size > 0 && empty.has(versionKey(ref));
  const isFree = empty.size + handicaps.down.size + handicaps.drifters.size === 0;
  return { held: byRoute(overrides), against: { handicaps, isEmpty }, isFree };
}

const NOT_HELD: readonly Override[] = [];

/** A weight for a dial. */
export interface DialWeight {
  readonly dial: number;
  readonly weight: number;
}

/**
 * The weights in force as dials have them (`weightScaleOf`), of every split in the order of the configuration: the operator's, replaced by
 * overrides.
 * A version without endpoints has 0 whatever is written: nothing can be sent to it. A version that is down, or offline
 * because it drifted, has 0 as long as another one on the route gets traffic and is not; else it keeps its weight, for better
 * than nothing. One that drifts keeps a part. Nothing is remembered, so the weight is back as it was with the version.
 * Cost: O(splits); a route on which nothing is held, while nobody has a handicap, leaves nothing but the result behind.
 * @param routes compiled from `config`
 */
export function weightsOf(
  { config, routes }: { readonly config: Config; readonly routes: readonly RouteSpec[] },
  overrides: readonly Override[],
  handicaps: Handicaps = NO_HANDICAPS,
): DialWeight[] {
  const { held, against, isFree } = weighingOf(config, overrides, handicaps);
  const moves: DialWeight[] = [];
  for (let index = 0; index < routes.length; index++) {
    const [route, { splits }] = [config.routes[index] as RouteConfig, routes[index] as RouteSpec];
    const own = held.size === 0 ? undefined : held.get(route.name);
    const weights = isFree && own === undefined ? null : weightsOn(route, own ?? NOT_HELD, against);
    const scale = weightScaleOf(route);
    for (let n = 0; n < splits.length; n++) {
      const { dial } = splits[n] as SplitSpec;
      const weight = weights === null ? (route.backendRefs[n] as BackendRef).weight * scale : (weights[n] as number);
      moves.push({ dial, weight });
    }
  }
  return moves;
}

/** Those of one route, `[backendRef]`. Cost: O(versions of the route and its services). @param held on this route */
export function effectiveWeightsOf(
  config: Config,
  route: RouteConfig,
  held: readonly Override[],
  handicaps: Handicaps,
): number[] {
  const isEmpty = (ref: BackendRef): boolean => versionOf(config, ref)?.endpoints.length === 0;
  return weightsOn(route, held, { handicaps, isEmpty });
}

function weightsOn(
  route: RouteConfig,
  held: readonly Override[],
  { handicaps: { down, drifters }, isEmpty }: { handicaps: Handicaps; isEmpty: (ref: BackendRef) => boolean },
): number[] {
  const scale = weightScaleOf(route);
  const weights = route.backendRefs.map((ref) => {
    if (isEmpty(ref)) return 0;
    const override = held.find(({ version }) => version === ref.version);
    const weight = override?.weight ?? ref.weight * scale;
    return drifters.size === 0 ? weight : partOf(weight, drifters.get(driftKey(route.name, ref)));
  });
  if (down.size + drifters.size === 0) return weights;
  const isOut = route.backendRefs.map(
    (ref) => down.has(versionKey(ref)) || drifters.get(driftKey(route.name, ref))?.keepRatio === 0,
  );
  return passedOn(weights, isOut);
}

/** `service/version`. */
export function versionKey({ service, version }: Pick<BackendRef, 'service' | 'version'>): string {
  return `${service}/${version}`;
}

/** `route/service/version`. */
export function driftKey(route: string, version: Pick<BackendRef, 'service' | 'version'>): string {
  return `${route}/${versionKey(version)}`;
}

/** What is left of a weight, never nothing; that of a version that is offline is passed on or stays. */
function partOf(weight: number, drifter: Drifter | undefined): number {
  if (weight === 0 || drifter === undefined || drifter.keepRatio === 0) return weight;
  return Math.max(1, Math.round(weight * drifter.keepRatio));
}

/** 0 for versions that are out, if there is anybody to take over. */
function passedOn(weights: readonly number[], isOut: readonly boolean[]): number[] {
  const isServed = weights.some((weight, n) => weight > 0 && isOut[n] === false);
  return weights.map((weight, n) => (isServed && isOut[n] === true ? 0 : weight));
}

const servicesByName = new WeakMap<readonly ServiceConfig[], ReadonlyMap<string, ServiceConfig>>();

function versionOf({ services }: Config, ref: BackendRef): VersionConfig | null {
  let byName = servicesByName.get(services);
  if (byName === undefined) {
    byName = new Map(services.map((service) => [service.name, service]));
    servicesByName.set(services, byName);
  }
  return byName.get(ref.service)?.versions.find(({ name }) => name === ref.version) ?? null;
}

/** An instance that comes or goes makes no other canary of a version: what it is asked for by is the operator's. */
function asWritten(version: VersionConfig | null): VersionConfig | null {
  return version?.from === undefined ? version : { ...version, endpoints: [] };
}
