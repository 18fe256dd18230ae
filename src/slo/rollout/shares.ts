/**
 * Turns a canary's share of users into weights, and sets them so that nobody is ever left without a version.
 *
 * Stable and canary share what the operator gave the two of them; further versions of the route keep their part:
 *
 * ```
 * pool = stable + canary as configured       canary = round(pool * percent / 100)       stable = pool - canary
 * percent null: both as configured, nothing is held       percent 0: canary 0, stable as configured
 * ```
 * Dials are stored one after the other, and no order moves users both ways. What falls is stored first, so that a rollback
 * is done with its first store; but what rises is, when otherwise neither had a weight in between.
 */

import type { RolloutSpec, RouteHold } from '../../model/rollout.ts';

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
