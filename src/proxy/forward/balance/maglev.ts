/**
 * Builds a Maglev lookup table: which place owns each of M slots.
 *
 * Every place has a permutation of the slots, made from its own hash alone, and in turns takes the next free slot of it
 * until all are taken; a place of twice the weight takes two for the other's one. So shares are even to within a slot,
 * and when a place comes or goes few slots change hands between the others.
 * M is a prime of about 100 slots per unit of weight, at most 65,537: beyond 655 units shares are coarser than 1 %, and
 * a place whose share is below one slot may own none.
 * Source: Eisenbud et al. (NSDI 2016), "Maglev", section 3.4. Cost: O(M) in time, 4 M bytes.
 */

import { mix32 } from '../../../lib/hash.ts';

const PRIMES = [251, 1021, 4093, 16_381, 65_537] as const;
const SLOTS_PER_UNIT = 100;
const UNOWNED = -1;

/** Slots for weights that sum to `units`, the smallest weight being 1. */
export function slotCount(units: number): number {
  return PRIMES.find((prime) => prime >= units * SLOTS_PER_UNIT) ?? (PRIMES.at(-1) as number);
}

/**
 * @param hashes one per place, 0..2^32-1; their order does not matter to who owns what
 * @param sizes relative weights, above 0, in the same order
 * @returns the owner of each slot. Empty without places.
 */
export function buildMaglev(hashes: ArrayLike<number>, sizes: Float64Array): Int32Array {
  const places = byHash(hashes);
  if (places.length === 0) return new Int32Array(0);
  let total = 0;
  let least = Number.POSITIVE_INFINITY;
  for (const size of sizes) {
    total += size;
    least = Math.min(least, size);
  }
  const slots = slotCount(total / least);
  const table = new Int32Array(slots).fill(UNOWNED);
  const next = Float64Array.from(hashes, (hash) => hash % slots);
  const skip = Float64Array.from(hashes, (hash) => (mix32(hash ^ 0x5bd1e995) % (slots - 1)) + 1);
  const credit = new Float64Array(places.length);
  for (let taken = 0; taken < slots; ) {
    for (const place of places) {
      let due = (credit[place] as number) + ((sizes[place] as number) * places.length) / total;
      for (; due >= 1 && taken < slots; taken++, due--) {
        let slot = next[place] as number;
        while (table[slot] !== UNOWNED) slot = (slot + (skip[place] as number)) % slots;
        table[slot] = place;
        next[place] = (slot + (skip[place] as number)) % slots;
      }
      credit[place] = due;
    }
  }
  return table;
}

/** Places in the order of their hashes, so that every gateway gives turns alike. */
function byHash(hashes: ArrayLike<number>): number[] {
  return Array.from(hashes, (_, place) => place).sort((a, b) => (hashes[a] as number) - (hashes[b] as number));
}
