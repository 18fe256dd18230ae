/**
 * Applies weights documents to the routes that they are of, once both are sound by themselves.
 *
 * ```
 * operator's weight of a version = the one of the weights document; without one there, that of the route's backendRefs
 * ```
 * A route must be sound without its weights document too: taking that away is always safe.
 */

import { once } from '../../../lib/once.ts';
import { similarTo } from '../../../lib/text/similar.ts';
import type { Config, RouteConfig } from '../../../model/config.ts';
import type { WeightsOrigin } from '../../../model/rollout.ts';
import { backendRefsOf, versionOf } from '../../build/route.ts';
import type { Draft } from '../../checks/draft.ts';
import { DEFAULT_WEIGHT } from '../../defaults.ts';
import { didYouMean, type Fault, quote } from '../../problems/fault.ts';
import type { Path, Report, Spot } from '../../problems/report.ts';
import type { WeightsInput } from '../../schema/weights.ts';
import type { DocumentInput, RouteInput, ServiceInput } from '../../schema.ts';
import type { Known } from '../known.ts';
import type { Merged } from '../merge.ts';
import type { Part } from '../part.ts';

/** A weights document that counts. */
export interface RouteWeights {
  /** Of its document among all. */
  readonly order: number;
  /** Of its route among all. */
  readonly index: number;
  readonly part: Part;
}

/** What a route sends to, with its own weight. */
export interface Target {
  readonly service: string;
  readonly version: string;
  readonly weight: number;
}

/** The rollout that moves the weights of a route, as far as they have to fit it. */
export interface WeighedRollout {
  readonly stable: string;
  readonly canary: string;
  /** It spans several routes, all of which give the canary the same share. */
  readonly isOfSeveral: boolean;
}

/** The operator's weights, by target, and what is wrong with the document that gives them. */
export interface Weighing {
  readonly weights: readonly number[];
  /** Whether the document says so; else it is the route's own. */
  readonly isSet: readonly boolean[];
  readonly faults: readonly { readonly path: Path; readonly spot: Spot; readonly fault: Fault }[];
}

/**
 * The operator's weights of a route.
 * @param given by version, or by `service/version`
 * @param rollout what moves them; null: nothing does
 */
export function weighTargets(
  targets: readonly Target[],
  given: Readonly<Record<string, number>>,
  rollout: WeighedRollout | null,
): Weighing {
  const weights = targets.map(({ weight }) => weight);
  const isSet = targets.map(() => false);
  const faults: { path: Path; spot: Spot; fault: Fault }[] = [];
  for (const [key, weight] of Object.entries(given)) {
    const path = ['weights', key];
    const [n, ...others] = targets.flatMap((target, index) => (isNamed(target, key) ? [index] : []));
    if (n === undefined || others.length > 0) {
      faults.push({ path, spot: 'key', fault: notOne(key, targets, others.length > 0) });
    } else if (isSet[n] === true) {
      const fault: Fault = { kind: 'duplicateKey', expected: 'every version once', got: `${quote(key)} again` };
      faults.push({ path, spot: 'key', fault });
    } else {
      weights[n] = weight;
      isSet[n] = true;
    }
  }
  if (faults.length === 0) faults.push(...emptyFaults(targets, weights, rollout));
  return { weights, isSet, faults };
}

/** Reports what the weights documents say against the routes that they are of. */
export function checkWeights(draft: Draft, merged: Pick<Merged, 'weights' | 'placeOf'>, report: Report): void {
  const rolloutOf = once(() => rolloutsByRoute(draft.routes));
  for (const { order, index, part } of merged.weights) {
    const route = draft.routes[index] ?? null;
    if (route === null || !isSound(part)) continue;
    const targets = targetsOf(route, (name) => draft.services?.get(name) ?? null);
    if (targets === null) continue;
    const { weights } = part.value as WeightsInput;
    const rollout = rolloutOf().get(route.name) ?? null;
    for (const { path, spot, fault } of weighTargets(targets, weights, rollout).faults) {
      const { locator } = part;
      report.addAt(merged.placeOf(order, path, locator.locate(path, spot)), path, fault);
    }
  }
}

/** The document with the operator's weights on its routes. Everything must be sound. @param known routes that were weighed before */
export function weigh(document: DocumentInput, documents: readonly RouteWeights[], known: Known): DocumentInput {
  if (documents.length === 0) return document;
  const routes = [...document.routes];
  const serviceOf = (name: string): ServiceInput | undefined => document.services[name];
  for (const weighted of documents) {
    const route = routes[weighted.index] as RouteInput;
    // A redirect sends nowhere, and is to be told from a list that is empty.
    if (route.backendRefs === undefined) continue;
    const before = known.weighed(weighted.part, route, serviceOf);
    const weighed = before ?? weighedRoute(route, weighingOf(weighted, route, document));
    if (before === null) known.keepWeighed(weighted.part, route, serviceOf, weighed);
    routes[weighted.index] = weighed;
  }
  return { ...document, routes };
}

function weighedRoute(route: RouteInput, { weights }: Weighing): RouteInput {
  return { ...route, backendRefs: backendRefsOf(route).map((ref, n) => ({ ...ref, weight: weights[n] as number })) };
}

/**
 * The configuration with the origin of its weights noted.
 * @param document as it was before its weights were replaced
 * @param known routes whose origin was noted before
 */
export function noteWeights(
  config: Config,
  document: DocumentInput,
  documents: readonly RouteWeights[],
  known: Known,
): Config {
  if (documents.length === 0) return config;
  const routes = [...config.routes];
  for (const weighted of documents) {
    const { index, part } = weighted;
    const built = routes[index] as RouteConfig;
    const before = known.noted(part, built);
    const noted = before ?? { ...built, weights: originOf(weighted, document) };
    if (before === null) known.keepNoted(part, built, noted);
    routes[index] = noted;
  }
  return { ...config, routes };
}

function originOf(weighted: RouteWeights, document: DocumentInput): WeightsOrigin {
  const { part, index } = weighted;
  const route = document.routes[index] as RouteInput;
  const { mount, name, isForeign } = part.document;
  return {
    // A folder is where this machine has it: the same content has the same hash on every gateway.
    document: isForeign ? name : (name.split(/[\\/]/).at(-1) as string),
    revision: mount.kind === 'weights' ? mount.revision : '',
    reason: (part.value as WeightsInput).reason ?? '',
    ownWeights: backendRefsOf(route).map(({ weight }) => weight ?? DEFAULT_WEIGHT),
    isSet: weighingOf(weighted, route, document).isSet,
  };
}

/** Whether a weights document has values to go by. */
export function isSound({ isReadable, faults }: Part): boolean {
  return isReadable && faults.length === 0;
}

function weighingOf({ part }: RouteWeights, route: RouteInput, { services }: DocumentInput): Weighing {
  const targets = targetsOf(route, (name) => services[name] ?? null) ?? [];
  return weighTargets(targets, (part.value as WeightsInput).weights, null);
}

type ServiceOf = (name: string) => DocumentInput['services'][string] | null;

/** Null when a reference is in doubt, which is reported elsewhere. */
function targetsOf(route: RouteInput, serviceOf: ServiceOf): Target[] | null {
  const targets: Target[] = [];
  for (const ref of backendRefsOf(route)) {
    const service = serviceOf(ref.name);
    const version = service === null ? (ref.version ?? null) : versionOf(ref, service);
    if (version === null) return null;
    targets.push({ service: ref.name, version, weight: ref.weight ?? DEFAULT_WEIGHT });
  }
  return targets;
}

function isNamed({ service, version }: Target, key: string): boolean {
  return key === version || key === `${service}/${version}`;
}

function notOne(key: string, targets: readonly Target[], isAmbiguous: boolean): Fault {
  const full = targets.map(({ service, version }) => `${service}/${version}`);
  if (isAmbiguous) {
    const meant = full.filter((name) => name.endsWith(`/${key}`)).slice(0, 2);
    const hint = `write ${meant.join(' or ')}`;
    const got = `${quote(key)}, which several services have`;
    return { kind: 'weightsVersion', expected: 'a version of one service', got, hint };
  }
  const names = key.includes('/') ? full : targets.map(({ version }) => version);
  const known = names.slice(0, 5).join(', ');
  const hint = (): string => {
    const similar = similarTo(key, names);
    return similar === null ? 'take it out, or add the version to the route' : didYouMean(similar);
  };
  return {
    kind: 'weightsVersion',
    expected: `a version of the route: ${known || 'it has none'}`,
    got: quote(key),
    hint,
  };
}

/** Of each route, its own or the one that lists it. */
function rolloutsByRoute(routes: Draft['routes']): Map<string, WeighedRollout> {
  const rollouts = new Map<string, WeighedRollout>();
  for (const route of routes) {
    if (route?.rollout === undefined) continue;
    const { stable, canary, routes: others = [] } = route.rollout;
    const rollout = { stable, canary, isOfSeveral: others.length > 0 };
    for (const name of [route.name, ...others]) rollouts.set(name, rollout);
  }
  return rollouts;
}

/** Weights that would send nothing anywhere, leave a rollout without a stable version, or its routes with different shares. */
function emptyFaults(
  targets: readonly Target[],
  weights: readonly number[],
  rollout: WeighedRollout | null,
): Weighing['faults'] {
  const path: Path = ['weights'];
  if (targets.length > 0 && weights.every((weight) => weight === 0)) {
    const fault: Fault = { kind: 'noWeight', expected: 'a weight above 0', got: 'weights that are all 0' };
    return [{ path, spot: 'key', fault }];
  }
  if (rollout === null) return [];
  const n = targets.findIndex(({ version }) => version === rollout.stable);
  if (n !== -1 && weights[n] === 0) {
    const fault: Fault = {
      kind: 'rolloutNoStable',
      expected: 'a stable version with a weight above 0',
      got: `${quote(rollout.stable)} with weight 0`,
      hint: 'give it a weight, or make the canary the stable version of the rollout first',
    };
    return [{ path, spot: 'key', fault }];
  }
  const share = rollout.isOfSeveral ? shareFault(targets, weights, rollout) : null;
  return share === null ? [] : [{ path, spot: 'key', fault: share }];
}

/** What is the same on all routes of a rollout, and checked of what they say themselves, is not to be undone here. */
function shareFault(
  targets: readonly Target[],
  weights: readonly number[],
  { stable, canary }: WeighedRollout,
): Fault | null {
  const [s, c] = [stable, canary].map((name) => targets.findIndex(({ version }) => version === name)) as [
    number,
    number,
  ];
  const [own, other] = [targets[s], targets[c]];
  if (own === undefined || other === undefined) return null;
  const [ofStable, ofCanary] = [weights[s] as number, weights[c] as number];
  if (ofCanary * own.weight === other.weight * ofStable) return null;
  return {
    kind: 'companionShare',
    expected: `${quote(stable)} and ${quote(canary)} as ${own.weight} to ${other.weight}: their rollout spans several routes`,
    got: `${ofStable} to ${ofCanary}`,
    hint: 'change the weights of all of its routes where the routes are',
  };
}
