/**
 * The endpoints of a version as one worker balances over them: one algorithm per file, linked here.
 *
 * Every algorithm honors weights and capacities (shares.ts) and skips the endpoint a former attempt failed on while there
 * is another.
 */

import type { Random } from '../../../lib/random.ts';
import type { TargetSpec } from '../../../model/snapshot.ts';
import type { Endpoint } from '../endpoint.ts';
import { ConsistentHash } from './consistent-hash.ts';
import { RoundRobin } from './round-robin.ts';
import { Shares } from './shares.ts';
import { TwoChoices } from './two-choices.ts';

/** Picks the endpoint of each attempt. */
export interface Targets {
  /** All of them, in the order of the snapshot. */
  readonly endpoints: readonly Endpoint[];
  /** Every endpoint is out, so that all are used. Takes in the capacities of now. */
  readonly isPanicking: boolean;
  /**
   * The endpoint for one attempt, null when there is none at all.
   * @param avoid the endpoint a former attempt failed on; taken again only when there is no other
   * @param userKey hash of the user key, 0..2^32-1; what consistent hashing goes by
   */
  pick(avoid: Endpoint | null, userKey: number, nowMs: number): Endpoint | null;
  /** An endpoint that is out but may be back, which the next attempt of `by` finds out; null mostly. As of the last pick. */
  takeProbe(by: object): Endpoint | null;
}

/** What balancing needs of its worker. */
export interface BalanceContext {
  /** The endpoint dials. */
  readonly capacities: Int32Array;
  readonly random: Random;
}

/** @param endpointOf gives the worker's endpoint of an index into `snapshot.endpoints`. */
export function linkTargets(
  spec: TargetSpec,
  endpointOf: (index: number) => Endpoint,
  { capacities, random }: BalanceContext,
): Targets {
  const shares = new Shares(spec.endpoints.map(endpointOf), spec.weights, capacities);
  switch (spec.balancer) {
    case 'peakEwma':
      return new TwoChoices(shares, random, true);
    case 'leastRequest':
      return new TwoChoices(shares, random, false);
    case 'roundRobin':
      return new RoundRobin(shares, random);
    case 'consistentHash':
      return new ConsistentHash(shares);
    default:
      return spec.balancer satisfies never;
  }
}
