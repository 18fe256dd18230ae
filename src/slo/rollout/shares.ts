/**
 * Turns a canary's share of users into weights, and sets them so that nobody is ever left without a version.
 *
 * Stable and canary share what the operator gave the two of them; further versions of the route keep their part:
 *
 * ```
 * pool = stable + canary as configured       canary = round(pool * percent / 100)       stable = pool - canary
 * percent null: both as configured, nothing is held       percent 0: canary 0, stable as configured
 * ```
 * When the operator gives the two of them another sum, by a weights document, the shares stay and the weights follow.
 * Of several routes each has the share of what it gives the two of them, all at once.
 * Dials are stored one after the other, and no order moves users both ways. What falls is stored first, so that a rollback
 * is done with its first store; but what rises is, when otherwise neither had a weight in between.
 */

import { type Rollout, type RolloutRoute, type RolloutSpec, type RouteHold, routesOf } from '../../model/rollout.ts';
import { percentOf } from './machine.ts';
import { stateSentence } from './sentence.ts';

type Weights = RouteHold['weights'];

/** A route and whether its rollout has steps. */
type Ramped = Omit<RolloutRoute, 'route'> & Pick<RolloutSpec, 'plan'>;

/** The weights to hold on a route; empty: the operator's. */
export function weightsFor({ stable, canary, plan }: Ramped, percent: number | null): Weights {
  if (percent === null) return [];
  if (percent === 0 || plan === null) return [{ version: canary.version, weight: 0 }];
  const pool = stable.weight + canary.weight;
  const weight = Math.max(1, Math.round((pool * percent) / 100));
  return [
    { version: canary.version, weight },
    { version: stable.version, weight: pool - weight },
  ];
}

/** What is to be held on every route of a rollout at this share. */
export function holdsFor(spec: RolloutSpec, percent: number | null, because: string): RouteHold[] {
  const { generation, plan } = spec;
  return routesOf(spec).map(({ route, stable, canary }) => {
    return { route, generation, because, weights: weightsFor({ stable, canary, plan }, percent) };
  });
}

/** Where the weights are read and set. */
export interface DialAccess {
  readonly weightOf: (dial: number) => number;
  readonly setDial: (dial: number, weight: number) => void;
}

/** Sets the dials of every route of a rollout to this share. */
export function storeShare(spec: RolloutSpec, percent: number | null, dials: DialAccess): void {
  const { plan } = spec;
  for (const { stable, canary } of routesOf(spec)) {
    store({ stable, canary, plan }, weightsFor({ stable, canary, plan }, percent), dials);
  }
}

/**
 * Sets the dials to what is held, or to the operator's weights; stable's only on a route with steps. Stores only what
 * changes.
 */
export function store({ stable, canary, plan }: Ramped, weights: Weights, dials: DialAccess): void {
  const arms = plan === null ? [canary] : [canary, stable];
  const moves = arms.map(({ dial, version, weight: configured }) => {
    const weight = weights.find((held) => held.version === version)?.weight ?? configured;
    return { dial, weight, before: dials.weightOf(dial) };
  });
  const fall = () => {
    for (const { dial, weight, before } of moves) if (weight < before) dials.setDial(dial, weight);
  };
  const isServed = plan === null || moves.some(({ weight, before }) => Math.min(weight, before) > 0);
  if (isServed) fall();
  for (const { dial, weight, before } of moves) if (weight > before) dials.setDial(dial, weight);
  if (!isServed) fall();
}

/**
 * Holds the shares of a rollout that goes on under another sum of weights; the dials have them at once.
 * @param before what the present weights were made from
 * @returns what is to be held from now on; empty when nothing moves
 */
export function shareAnew(
  before: RolloutSpec,
  spec: RolloutSpec,
  rollout: Rollout,
  dials: DialAccess & { readonly nowMs: () => number },
): RouteHold[] {
  const percent = percentOf(rollout);
  // Without a share, or with none, nothing that is held depends on the sums.
  if (before.generation !== spec.generation || percent === null || percent === 0) return [];
  if (poolsOf(before).join() === poolsOf(spec).join()) return [];
  storeShare(spec, percent, dials);
  return holdsFor(spec, percent, stateSentence(spec, rollout, dials.nowMs()));
}

/** What stable and canary have together, by route. */
function poolsOf(spec: RolloutSpec): number[] {
  return routesOf(spec).map(({ stable, canary }) => stable.weight + canary.weight);
}
