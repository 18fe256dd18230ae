/**
 * Marks which users a version has in a second, and which of them fail: what `slo/users.ts` reads. Hot path.
 *
 * ```
 * stamp | seen, a bit per user | bad, likewise | count of news ever | the latest news, a ring
 * ```
 * Whoever gets a bit is news as well: `bit` when it is seen first in its second, `~bit` when it fails first in it. So who looks
 * often enough need not search the bitmaps. The count is raised last: what it counts is in the ring, and in the bitmaps.
 * Cost: about 20 ns, allocates nothing; nothing is written for a user that is no news.
 */

import {
  UNIT_BAD,
  UNIT_COUNT,
  UNIT_NEWS,
  UNIT_NEWS_WORDS,
  UNIT_SECOND_WORDS,
  UNIT_SECONDS,
  UNIT_SEEN,
  UNIT_WORDS,
} from '../../tallies.ts';

/** First word of this second of a unit, which is cleared when it still holds an older one. */
export function secondAt(units: Int32Array, unit: number, second: number): number {
  const base = unit * UNIT_WORDS + (second & (UNIT_SECONDS - 1)) * UNIT_SECOND_WORDS;
  if (units[base] !== second) {
    units.fill(0, base, base + UNIT_NEWS);
    Atomics.store(units, base, second);
  }
  return base;
}

/**
 * A user has had an exchange.
 * @param base of the second, `secondAt` @param bit of the user, 0..UNIT_BITS - 1
 */
export function markUser(units: Int32Array, base: number, bit: number, isBad: boolean): void {
  const mask = 1 << (bit & 31);
  const seenAt = base + UNIT_SEEN + (bit >> 5);
  const seen = units[seenAt] as number;
  const isNew = (seen & mask) === 0;
  if (!isNew && !isBad) return;
  let count = units[base + UNIT_COUNT] as number;
  if (isNew) {
    units[seenAt] = seen | mask;
    units[newsAt(base, count)] = bit;
    count += 1;
  }
  if (isBad) {
    const badAt = base + UNIT_BAD + (bit >> 5);
    const bad = units[badAt] as number;
    if ((bad & mask) === 0) {
      units[badAt] = bad | mask;
      units[newsAt(base, count)] = ~bit;
      count += 1;
    }
  }
  // A sequenced store, so that no reader on any machine sees it before the rest.
  Atomics.store(units, base + UNIT_COUNT, count);
}

/** Where number n of the news of a second is. */
function newsAt(base: number, n: number): number {
  return base + UNIT_NEWS + (n % UNIT_NEWS_WORDS);
}
