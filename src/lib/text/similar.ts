/**
 * Finds the known name that a misspelt one was meant to be.
 *
 * Damerau-Levenshtein distance in its restricted form (optimal string alignment): insertions, deletions, substitutions
 * and swaps of two neighbours cost 1 each. A name is similar when the distance is at most a third of its length (at
 * least 1, at most 3). Case is ignored, so `HostNames` is at distance 0 from `hostnames`.
 * Source: Damerau (1964); Boytsov, "Indexing methods for approximate dictionary searching" (2011), section 2.
 */

/** Most candidates that are compared; a route file may know 10,000 services and misspell each. */
const CANDIDATES_MAX = 2000;
const DISTANCE_MAX = 3;
/** Names longer than this are not compared: the distance costs the product of the lengths. */
const LENGTH_MAX = 64;

/** The candidate nearest to `word`, or null when none is similar. The first one wins a tie. Cost: O(candidates). */
export function similarTo(word: string, candidates: Iterable<string>): string | null {
  if (word.length > LENGTH_MAX) return null;
  let best: string | null = null;
  let bestDistance = Math.min(DISTANCE_MAX, Math.max(1, Math.floor(word.length / 3))) + 1;
  let compared = 0;
  for (const candidate of candidates) {
    if (candidate.length > LENGTH_MAX || Math.abs(candidate.length - word.length) >= bestDistance) continue;
    if (++compared > CANDIDATES_MAX) break;
    const distance = distanceBetween(word.toLowerCase(), candidate.toLowerCase());
    if (distance >= bestDistance) continue;
    best = candidate;
    bestDistance = distance;
  }
  return best;
}

/** Edits that turn `a` into `b`: insert, delete, replace one character, or swap two neighbours. */
export function distanceBetween(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const replaced = at(last, column - 1) + (a[row - 1] === b[column - 1] ? 0 : 1);
      let least = Math.min(replaced, at(last, column) + 1, at(current, column - 1) + 1);
      const isSwap = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (isSwap) least = Math.min(least, at(beforeLast, column - 2) + 1);
      current.push(least);
    }
    beforeLast = last;
    last = current;
  }
  return at(last, b.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] as number;
}
