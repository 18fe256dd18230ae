/**
 * Chooses the version of a request by live weights: weighted rendezvous hashing of the user key. Hot path.
 *
 * Each version scores `ln(u) / weight` with u = hash(user key, version's seed) in (0, 1); the highest (closest to zero)
 * wins. Versions get exactly their share of the key space, a user stays where he is while weights stay, and raising one
 * version's weight moves users only towards that version. No state and no coordination: every gateway answers alike.
 * Source: Thaler and Ravishankar (1998); Schindelhauer and Schomaker (2005) for weights.
 */

import { mix32 } from '../../lib/hash.ts';
import type { Exchange } from '../exchange.ts';
import { retryingOf } from '../forward/retry/retry.ts';
import type { LinkedSplit } from './table.ts';

const TWO_32 = 4_294_967_296;

/** The version for a user key (0..2^32-1), or null when every weight is 0. Cost: O(versions), allocates nothing. */
export function chooseSplit(splits: readonly LinkedSplit[], dials: Int32Array, userKey: number): LinkedSplit | null {
  let best: LinkedSplit | null = null;
  let bestScore = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < splits.length; i++) {
    const split = splits[i] as LinkedSplit;
    // A plain load: one aligned word is read as a whole, anew for each request, and nothing else must be as new as it is.
    const weight = dials[split.dial] as number;
    if (weight <= 0) continue;
    const u = (mix32(Math.imul(userKey ^ split.seed, 0x9e3779b1)) + 0.5) / TWO_32;
    const score = Math.log(u) / weight;
    if (score > bestScore) {
      best = split;
      bestScore = score;
    }
  }
  return best;
}

/** Remembers that the version which a color has just pinned has weight. Nothing else would tell later. */
export function noteWeight(x: Exchange): void {
  if (isWeighted(x)) retryingOf(x).hadWeight = true;
}

/**
 * Had the version weight when the exchange came to it? Then the way to none is a rollback, also one that was over before the
 * answer began. Of what went on at another version only the weight that it has now is known.
 */
export function hadWeight(x: Exchange): boolean {
  const { retrying } = x;
  if (retrying !== null && (retrying.rescuedFrom !== null || retrying.fallen !== null)) return isWeighted(x);
  return x.split !== null && (!x.isPinned || (retrying !== null && retrying.hadWeight));
}

function isWeighted({ split, client }: Exchange): boolean {
  return split !== null && Atomics.load(client.lane.dials, split.dial) > 0;
}
