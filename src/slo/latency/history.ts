/**
 * Latencies of one version over the last minutes, from the histograms of its cells, one for each route of the rollout.
 *
 * Sums of differences per region, as in `totals.ts`; a copy of the sums each SLICE_MS makes the last SPAN_MS a difference of
 * two of them. What the cell counted before the history began is not part of it.
 * Cost: 672 words per region and route at each `take`, 5 KB per slice kept.
 */

import { HISTOGRAM_BUCKETS, quantile } from '../../lib/histogram.ts';
import { CELL, CELL_WORDS, deltaOf } from '../../model/tallies.ts';
import type { Region } from '../regions.ts';

const SLICE_MS = 60_000;
/** How far back `recent` looks. */
export const SPAN_MS = 300_000;
const SLICES = SPAN_MS / SLICE_MS;

export class LatencyHistory {
  readonly #bases: readonly number[];
  readonly #last = new Map<number, Int32Array>();
  readonly #sums = new Float64Array(HISTOGRAM_BUCKETS);
  /** Copies of the sums, oldest first; the first is from the beginning while that lies within the span. */
  readonly #slices: Float64Array[];
  /** The sums at the last `mark`. */
  readonly #marked = new Float64Array(HISTOGRAM_BUCKETS);
  #slicedAtMs: number;

  constructor(cells: readonly number[], regions: readonly Region[], nowMs: number) {
    this.#bases = cells.map((cell) => cell * CELL_WORDS + CELL.histogram);
    this.take(regions);
    this.#sums.fill(0);
    this.#slices = [this.#sums.slice()];
    this.#slicedAtMs = nowMs;
  }

  /** Keeps the history going: call it each tick. Cost: a comparison but once a minute. */
  turn(regions: readonly Region[], nowMs: number): void {
    if (nowMs - this.#slicedAtMs < SLICE_MS) return;
    this.take(regions);
    this.#slices.push(this.#sums.slice());
    if (this.#slices.length > SLICES) this.#slices.shift();
    this.#slicedAtMs = nowMs;
  }

  /** Reads what finished since the last reading. */
  take(regions: readonly Region[]): void {
    for (const { id, tallies } of regions) {
      let last = this.#last.get(id);
      if (last === undefined) {
        last = new Int32Array(HISTOGRAM_BUCKETS * this.#bases.length);
        this.#last.set(id, last);
      }
      for (let n = 0; n < this.#bases.length; n++) {
        this.#takeCell(tallies.cells, this.#bases[n] as number, last, n * HISTOGRAM_BUCKETS);
      }
    }
    if (this.#last.size === regions.length) return;
    for (const id of this.#last.keys()) if (!regions.some((region) => region.id === id)) this.#last.delete(id);
  }

  /** @param first where the last reading of this cell begins in `last` */
  #takeCell(cells: Int32Array, base: number, last: Int32Array, first: number): void {
    for (let bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
      const now = cells[base + bucket] as number;
      if (now === last[first + bucket]) continue;
      this.#sums[bucket] = (this.#sums[bucket] as number) + deltaOf(now, last[first + bucket] as number);
      last[first + bucket] = now;
    }
  }

  /** From now on `sinceMark` counts from here. */
  mark(): void {
    this.#marked.set(this.#sums);
  }

  /** Quantile in ms of what was taken since the mark; null without any. */
  sinceMark(q: number): number | null {
    return quantile(this.#since(this.#marked), 0, q);
  }

  /** Quantiles in ms of the last SPAN_MS, a slice more or less; null with fewer than `samplesMin` latencies. */
  recent(qs: readonly number[], samplesMin: number): number[] | null {
    const counts = this.#since(this.#slices[0] as Float64Array);
    if (counts.reduce((sum, count) => sum + count, 0) < samplesMin) return null;
    return qs.map((q) => quantile(counts, 0, q) as number);
  }

  #since(before: Float64Array): Float64Array {
    return this.#sums.map((count, bucket) => count - (before[bucket] as number));
  }
}
