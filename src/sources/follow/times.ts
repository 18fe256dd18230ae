/**
 * How long changes take from the first word of them to the last worker that obeys, all together and in stages.
 *
 * ```
 * first word ── read ──▶ documents ── parse ──▶ configuration ── compile ──▶ snapshot ── link ──▶ every worker has acknowledged it
 * ```
 * `read`: waiting for the writer to be done, asking the source, comparing, verifying. `parse`: with the way to the thread and back, the
 * jobs before it, and lookups that are waited for. `link`: with whatever on the control plane follows the configuration.
 */

import type { ApplyStatus } from '../../model/status.ts';

/** In their order. */
export const STAGES = ['read', 'parse', 'compile', 'link'] as const;

/** Upper bounds of the time that is counted, in ms. */
const BOUNDS_MS = [10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000];

/** The stages of one change. */
export class ChangeTimes {
  #startedAtMs: number;
  readonly #endedAtMs: number[] = [];

  /** @param startedAtMs when the first word of it came */
  constructor(startedAtMs: number) {
    this.#startedAtMs = startedAtMs;
  }

  /** It brings an earlier change along. */
  include(earlier: ChangeTimes): void {
    this.#startedAtMs = Math.min(this.#startedAtMs, earlier.#startedAtMs);
  }

  /** The next stage has ended. */
  end(nowMs: number): void {
    this.#endedAtMs.push(nowMs);
  }

  /** Until the last stage that has ended. */
  get tookMs(): number {
    return (this.#endedAtMs.at(-1) ?? this.#startedAtMs) - this.#startedAtMs;
  }

  /** By `readMs`, `parseMs`, …, in tenths; null unless all of them have ended. */
  get stages(): Readonly<Record<string, number>> | null {
    if (this.#endedAtMs.length !== STAGES.length) return null;
    const starts = [this.#startedAtMs, ...this.#endedAtMs];
    const lengthOf = (n: number): number => (this.#endedAtMs[n] as number) - (starts[n] as number);
    return Object.fromEntries(STAGES.map((stage, n) => [`${stage}Ms`, Math.round(lengthOf(n) * 10) / 10]));
  }
}

/** All changes so far. */
export class ApplyTimes {
  readonly #counts = BOUNDS_MS.map(() => 0);
  #sums = { lastMs: null as number | null, count: 0, sumMs: 0 };

  add(tookMs: number): void {
    this.#sums = { lastMs: tookMs, count: this.#sums.count + 1, sumMs: this.#sums.sumMs + tookMs };
    for (const [index, leMs] of BOUNDS_MS.entries()) {
      if (tookMs <= leMs) this.#counts[index] = (this.#counts[index] as number) + 1;
    }
  }

  status(): ApplyStatus {
    const buckets = BOUNDS_MS.map((leMs, index) => ({ leMs, count: this.#counts[index] as number }));
    return { ...this.#sums, buckets };
  }
}
