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
 * Dials are stored one after the other, and no order moves users both ways. What falls is stored first, so that a rollback
 * is done with its first store; but what rises is, when otherwise neither had a weight in between.
 */

import type { Rollout, RolloutSpec, RouteHold } from '../../model/rollout.ts';
import { percentOf } from './machine.ts';
import { stateSentence } from './sentence.ts';

type Weights = RouteHold['weights'];

/** The weights to hold; empty: the operator's. */
export function weightsFor({ stable, canary, plan }: RolloutSpec, percent: number | null): Weights {
  if (percent === null) return [];
  if (percent === 0 || plan === null) return [{ version: canary.version, weight: 0 }];
  const pool = stable.weight + canary.weight;
  const weight = Math.max(1, Math.round((pool * percent) / 100));
  return [
    { version: canary.version, weight },
    { version: stable.version, weight: pool - weight },
  ];
}

/** Where the weights are read and set. */
export interface DialAccess {
  readonly weightOf: (dial: number) => number;
  readonly setDial: (dial: number, weight: number) => void;
}

/**
 * Sets the dials to what is held, or to the operator's weights; stable's only on a route with steps. Stores only what
 * changes.
 */
export function store({ stable, canary, plan }: RolloutSpec, weights: Weights, dials: DialAccess): void {
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
 * @returns what is to be held from now on; null when nothing moves
 */
export function shareAnew(
  before: RolloutSpec,
  spec: RolloutSpec,
  rollout: Rollout,
  dials: DialAccess & { readonly nowMs: () => number },
): RouteHold | null {
  const percent = percentOf(rollout);
  const isSame = before.stable.weight + before.canary.weight === spec.stable.weight + spec.canary.weight;
  // Without a share, or with none, nothing that is held depends on the sum.
  if (isSame || before.generation !== spec.generation || percent === null || percent === 0) return null;
  const weights = weightsFor(spec, percent);
  store(spec, weights, dials);
  const { route, generation } = spec;
  return { route, generation, because: stateSentence(spec, rollout, dials.nowMs()), weights };
}
