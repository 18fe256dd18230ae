/**
 * The open loop: sends requests when they are due, whatever became of the earlier ones, and measures from that instant.
 *
 * A request that is due while every connection is busy waits here, and its waiting counts: that is what a user would
 * feel. So a gateway that stalls for 100 ms shows up in as many latencies as requests were due meanwhile (a closed loop
 * shows one per connection: coordinated omission).
 *
 * Pure: time comes in, sending goes out through the lines. Requests due during the warm-up are sent but not counted.
 * Quantiles: `src/lib/histogram.ts` on hundredfold values, so that it spans 1 µs to 2 s; longer ones count as 2 s and
 * show in the exact maximum.
 */

import { bucketIndex, HISTOGRAM_BUCKETS, quantile } from '../../../src/lib/histogram.ts';
import type { Arrivals } from './arrivals.ts';

const HISTOGRAM_SCALE = 100;

/** One connection: carries one request at a time. */
export interface Line {
  /** When the request that it carries was due; the loop's own. */
  dueMs: number;
  send(): void;
}

/** How long, in ms after the start. */
export interface Plan {
  readonly warmUpMs: number;
  readonly measureMs: number;
}

/** What the counted requests met. */
export interface OpenLoopResult {
  /** Requests that were due in the measured time; all were sent. */
  readonly requests: number;
  /** Those without a good answer when the loop was ended. */
  readonly unanswered: number;
  /** Those that found no free connection when they were due. */
  readonly waited: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
  /** How much later than due the loop itself sent, 99th percentile of those that did not wait; null when all did. */
  readonly lateP99Ms: number | null;
}

/** Counts of a latency. */
class Latencies {
  readonly #counts = new Float64Array(HISTOGRAM_BUCKETS);
  count = 0;
  maxMs = 0;

  add(ms: number): void {
    const at = bucketIndex(ms * HISTOGRAM_SCALE);
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.count += 1;
    if (ms > this.maxMs) this.maxMs = ms;
  }

  /** NaN when nothing was counted. */
  quantileMs(q: number): number {
    return (quantile(this.#counts, 0, q) ?? Number.NaN) / HISTOGRAM_SCALE;
  }
}

/** One run over a fixed set of lines. */
export class OpenLoop {
  readonly #arrivals: Arrivals;
  readonly #plan: Plan;
  /** Free lines, used in turn. */
  readonly #free: Line[];
  #firstFree = 0;
  /** Due instants that found no line, oldest first. */
  readonly #waiting: number[] = [];
  #firstWaiting = 0;
  #nextMs: number;
  #carried = 0;
  #requests = 0;
  #waited = 0;
  readonly #latency = new Latencies();
  readonly #late = new Latencies();

  constructor(arrivals: Arrivals, plan: Plan, lines: readonly Line[]) {
    this.#arrivals = arrivals;
    this.#plan = plan;
    this.#free = [...lines];
    this.#nextMs = arrivals.nextMs();
  }

  /** Instant after which nothing is due any more. */
  get endMs(): number {
    return this.#plan.warmUpMs + this.#plan.measureMs;
  }

  /** Whether everything that was due has been answered. */
  get isDone(): boolean {
    return this.#nextMs >= this.endMs && this.#carried === 0;
  }

  /** Sends what is due. Call it as often as possible. */
  tick(nowMs: number): void {
    while (this.#nextMs <= nowMs && this.#nextMs < this.endMs) {
      this.#due(this.#nextMs, nowMs);
      this.#nextMs = this.#arrivals.nextMs();
    }
  }

  /** The line's answer is complete and good; it takes the oldest waiting request, if there is one. */
  answered(line: Line, nowMs: number): void {
    this.#carried -= 1;
    if (this.#isCounted(line.dueMs)) this.#latency.add(nowMs - line.dueMs);
    const dueMs = this.#waiting[this.#firstWaiting];
    if (dueMs === undefined) {
      this.#free.push(line);
      return;
    }
    this.#firstWaiting += 1;
    line.dueMs = dueMs;
    line.send();
  }

  /** What was measured so far. */
  result(): OpenLoopResult {
    return {
      requests: this.#requests,
      unanswered: this.#requests - this.#latency.count,
      waited: this.#waited,
      p50Ms: this.#latency.quantileMs(0.5),
      p99Ms: this.#latency.quantileMs(0.99),
      p999Ms: this.#latency.quantileMs(0.999),
      maxMs: this.#latency.maxMs,
      lateP99Ms: this.#late.count === 0 ? null : this.#late.quantileMs(0.99),
    };
  }

  #isCounted(dueMs: number): boolean {
    return dueMs >= this.#plan.warmUpMs;
  }

  #due(dueMs: number, nowMs: number): void {
    const isCounted = this.#isCounted(dueMs);
    if (isCounted) this.#requests += 1;
    this.#carried += 1;
    const line = this.#free[this.#firstFree];
    if (line === undefined) {
      if (isCounted) this.#waited += 1;
      this.#waiting.push(dueMs);
      return;
    }
    this.#firstFree += 1;
    if (this.#firstFree >= TRIM_AT) {
      this.#free.splice(0, this.#firstFree);
      this.#firstFree = 0;
    }
    if (isCounted) this.#late.add(nowMs - dueMs);
    line.dueMs = dueMs;
    line.send();
  }
}

/** Used slots of the queue of free lines that are dropped at once. */
const TRIM_AT = 4_096;
