/**
 * How routes did lately: counts in blocks of ten seconds, what a new configuration is measured against.
 *
 * ```
 * ring of BLOCKS blocks per route: finished, bad, answered, turned away       3 minutes
 * ```
 * The blocks of a route close when it is its turn, so that ten thousand routes do not close theirs at once; how long a block
 * was is noted with it. A route that is not fed for a while (it is being watched) goes on where it was.
 */

/** Counters of a route that only ever grow. */
export interface RouteCounts {
  /** Exchanges that were good or bad, and those that were bad. */
  readonly finished: number;
  readonly bad: number;
  /** Exchanges that ended in any way; of them, bad ones and answers of 400 to 499. */
  readonly answered: number;
  readonly turnedAway: number;
}

export const NO_COUNTS: RouteCounts = { finished: 0, bad: 0, answered: 0, turnedAway: 0 };

/** What was counted between two readings. Never negative: a cell that begins anew counts from zero. */
export function countsBetween(before: RouteCounts, after: RouteCounts): RouteCounts {
  if (after.answered < before.answered) return after;
  const finished = Math.max(0, after.finished - before.finished);
  const answered = after.answered - before.answered;
  return {
    finished,
    bad: Math.min(finished, Math.max(0, after.bad - before.bad)),
    answered,
    turnedAway: Math.min(answered, Math.max(0, after.turnedAway - before.turnedAway)),
  };
}

/** Ten seconds each. */
const BLOCKS = 18;
const WORDS = 5;
/** A block with fewer says nothing about the worst. */
const BLOCK_LEAST = 20;
/** Fewer failures show no clustering. */
const CLUSTER_LEAST = 10;
/** An outage in the record is no clustering, and must not blind whoever looks after it. */
const DISPERSION_MAX = 20;

/** What one route did, by block. */
export class RouteRecord {
  /** finished, bad, answered, turned away, ms: block after block. */
  readonly #blocks = new Float32Array(BLOCKS * WORDS);
  #next = 0;

  add(counts: RouteCounts, lengthMs: number): void {
    const { finished, bad, answered, turnedAway } = counts;
    this.#blocks.set([finished, bad, answered, turnedAway, lengthMs], this.#next * WORDS);
    this.#next = (this.#next + 1) % BLOCKS;
  }

  /** Sum over all blocks. */
  get sum(): RouteCounts & { readonly ms: number } {
    const [finished, bad, answered, turnedAway, ms] = [0, 1, 2, 3, 4].map((word) => this.#sumOf(word));
    return { finished, bad, answered, turnedAway, ms } as RouteCounts & { readonly ms: number };
  }

  /** Of all blocks: how many exchanges there were. */
  get answered(): number {
    return this.#sumOf(2);
  }

  /** Every block: finished, bad, answered, turned away, ms. */
  get blocks(): number[][] {
    return Array.from({ length: BLOCKS }, (_, block) => [...this.#blocks.subarray(block * WORDS, (block + 1) * WORDS)]);
  }

  /** Largest share of failures in a block that had enough. */
  worst(track: Track): number {
    let worst = 0;
    for (const [n, x] of this.#pairs(track)) if (n >= BLOCK_LEAST) worst = Math.max(worst, x / n);
    return worst;
  }

  /** How much failures cluster: Pearson's chi-square over its expectation, 1 to `DISPERSION_MAX`. */
  dispersion(track: Track): number {
    const pairs = [...this.#pairs(track)].filter(([n]) => n > 0);
    let [all, failed] = [0, 0];
    for (const [n, x] of pairs) {
      all += n;
      failed += x;
    }
    const p = failed / all;
    if (failed < CLUSTER_LEAST || p === 1 || pairs.length < 2) return 1;
    let sum = 0;
    for (const [n, x] of pairs) sum += (x - n * p) ** 2 / (n * p * (1 - p));
    return Math.min(DISPERSION_MAX, Math.max(1, sum / (pairs.length - 1)));
  }

  *#pairs(track: Track): Generator<readonly [finished: number, failed: number]> {
    const word = track === 'errors' ? 0 : 2;
    for (let block = 0; block < BLOCKS; block++) {
      yield [this.#blocks[block * WORDS + word] as number, this.#blocks[block * WORDS + word + 1] as number];
    }
  }

  #sumOf(word: number): number {
    let sum = 0;
    for (let block = 0; block < BLOCKS; block++) sum += this.#blocks[block * WORDS + word] as number;
    return sum;
  }
}

/** What is counted as failed: bad exchanges, or these and answers of 400 to 499. */
export type Track = 'errors' | 'refusals';
export const TRACKS: readonly Track[] = ['errors', 'refusals'];

/** Of a track: how many there were, and how many failed. */
export function pairOf(track: Track, counts: RouteCounts): readonly [finished: number, failed: number] {
  return track === 'errors' ? [counts.finished, counts.bad] : [counts.answered, counts.turnedAway];
}
