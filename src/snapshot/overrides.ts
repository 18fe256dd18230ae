/**
 * Weights that the gateway holds against the operator's, for as long as they were decided for.
 *
 * An override carries the generation it was decided in: the fingerprint of the route's split as the route itself says
 * it, its rollout section and the canary's definition. A weights document apart from the route moves what the rollout
 * shares out, and ends nothing. When the operator changes any of these the hold is lifted: a new split or a new canary
 * starts with a clean slate. Nothing else in the document lifts it; a reload or a restart of a worker does not.
 */

import type { BackendRef, Config, RolloutConfig, RouteConfig, VersionConfig } from '../model/config.ts';
import { weightScaleOf } from '../model/rollout.ts';
import type { Override } from '../model/snapshot.ts';
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

/** The generation of a route's split, 64 hex digits; null when there is no such route. */
export function generationOf(config: Config, routeName: string): string | null {
  const route = config.routes.find(({ name }) => name === routeName);
  return route === undefined ? null : generationOfRoute(config, route);
}

function generationOfRoute(config: Config, route: RouteConfig): string {
  const canaryRef = route.backendRefs.find((ref) => ref.version === route.rollout?.canary);
  const canary = canaryRef === undefined ? null : versionOf(config, canaryRef);
  return fingerprint({ backendRefs: ownRefsOf(route), rollout: decisiveOf(route.rollout), canary });
}

/** As the route says it, whatever a weights document does. */
function ownRefsOf({ backendRefs, weights }: RouteConfig): readonly BackendRef[] {
  if (weights === undefined) return backendRefs;
  return backendRefs.map((ref, n) => ({ ...ref, weight: weights.ownWeights[n] ?? ref.weight }));
}

/** Shadows decide nothing, so another one is no reason to begin anew. */
function decisiveOf(rollout: RolloutConfig | null): Omit<RolloutConfig, 'shadows'> | null {
  if (rollout === null) return null;
  const { shadows: _, ...decisive } = rollout;
  return decisive;
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

/** The overrides of one route replaced by others, or by none. */
export function withRoute(overrides: readonly Override[], route: string, held: readonly Override[]): Override[] {
  return [...overrides.filter((override) => override.route !== route), ...held];
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

/**
 * The weights in force as dials have them (`weightScaleOf`), `[route][backendRef]` in the order of the configuration: the
 * operator's, replaced by overrides.
 * A version without endpoints has 0 whatever is written: nothing can be sent to it. A version that is down, or offline
 * because it drifted, has 0 as long as another one on the route gets traffic and is not; else it keeps its weight, for better
 * than nothing. One that drifts keeps a part. Nothing is remembered, so the weight is back as it was with the version.
 */
export function effectiveWeights(
  config: Config,
  overrides: readonly Override[],
  { down, drifters }: Handicaps = NO_HANDICAPS,
): number[][] {
  const held = new Map(overrides.map((override) => [`${override.route}/${override.version}`, override.weight]));
  const empty = new Set<string>();
  for (const service of config.services) {
    for (const version of service.versions) {
      if (version.endpoints.length === 0) empty.add(`${service.name}/${version.name}`);
    }
  }
  return config.routes.map((route) => {
    const scale = weightScaleOf(route);
    const weights = route.backendRefs.map((ref) => {
      // Keys are made for those alone who look one up: there are 10,000 routes.
      if (empty.size > 0 && empty.has(versionKey(ref))) return 0;
      const override = held.size > 0 ? held.get(`${route.name}/${ref.version}`) : undefined;
      const weight = override ?? ref.weight * scale;
      return drifters.size === 0 ? weight : partOf(weight, drifters.get(driftKey(route.name, ref)));
    });
    if (down.size + drifters.size === 0) return weights;
    const isOut = route.backendRefs.map(
      (ref) => down.has(versionKey(ref)) || drifters.get(driftKey(route.name, ref))?.keepRatio === 0,
    );
    return passedOn(weights, isOut);
  });
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

function versionOf(config: Config, ref: BackendRef): VersionConfig | null {
  const service = config.services.find(({ name }) => name === ref.service);
  const version = service?.versions.find(({ name }) => name === ref.version) ?? null;
  // An instance that comes or goes makes no other canary of it: what it is asked for by is the operator's.
  return version?.from === undefined ? version : { ...version, endpoints: [] };
}
