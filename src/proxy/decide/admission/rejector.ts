/**
 * Which requests are turned away at once while a version has more than it can serve. Hot path.
 *
 * ```
 * every 100 ms:   A, X = arrivals, completions (EWMA, 0.2)
 *                 i    <- clamp(i + 0.05 (min(queued, L) - free) / L, 0, 0.15 X / A)
 *                 r    = max(0, 1 - 1.15 X / A) + i
 *                 threshold = the key up to which a share 1 - r of the arrivals of the last second lies
 * ```
 * What is at or above the threshold is refused before it waits. 15 % more than is completed is let through, so that the queue
 * does not run dry; the integral takes back what is too much of that, and never more: with r at most 1 - X / A the refusals
 * cannot take work from the version. With more than 20 % of the limit free r falls by a fifth per interval and i fades.
 *
 * Where workers share a limit each has a rejector of its own, with its own bins; arrivals, completions, queued and free are sums over
 * the workers, so that all come to about the same r.
 *
 * It is off, and counts only, until its caller says that the queue stands; and off again when nobody waits and nothing is to
 * be refused. While the limit probes, the threshold stays.
 * Which requests these are says `threshold.ts`, by the keys of the last second.
 * Cost: an arrival is two counts and a comparison, an interval two walks over the bins. Allocates
 * nothing but the bins.
 * Source: Uber, "Cinnamon" (priority threshold by the distribution of arrivals, PID); docs/overload.md.
 */

import { KeyThreshold } from './threshold.ts';

const TARGET = 1.15;
const WEIGHT = 0.2;
const INTEGRAL = 0.05;
const FREE_RATIO = 0.2;
const FADE = 0.8;
/** A ratio below it is none. */
const TRACE = 0.01;
export const INTERVAL_MS = 100;

/** What was counted within an interval. */
export interface Counts {
  readonly arrivals: number;
  readonly completions: number;
}

export const NO_COUNTS: Counts = { arrivals: 0, completions: 0 };

/** How the version stands at the end of an interval. */
export interface Standing {
  /** The queue has not been empty for a while. */
  readonly isStanding: boolean;
  readonly isProbing: boolean;
  readonly queued: number;
  readonly free: number;
  readonly limit: number;
  /** What other workers counted that share the limit. Default: there are none. */
  readonly elsewhere?: Counts;
}

export class Rejector {
  readonly #threshold = new KeyThreshold();
  #arrivals = 0;
  #completions = 0;
  #arrivalRate = 0;
  #completionRate = 0;
  #integral = 0;
  #ratio = 0;
  #isOn = false;

  get isOn(): boolean {
    return this.#isOn;
  }

  /** Share of the arrivals that is to be refused, 0..1. */
  get ratio(): number {
    return this.#ratio;
  }

  /** Takes an arrival. False: refuse it. Cost: O(1), allocates nothing but at the first one. */
  admits(key: number): boolean {
    this.#arrivals += 1;
    return this.#threshold.admits(key);
  }

  /** Since the last interval, in this worker. */
  get counts(): Counts {
    return { arrivals: this.#arrivals, completions: this.#completions };
  }

  /** A request is over. */
  completed(): void {
    this.#completions += 1;
  }

  /** Ends an interval. */
  tick(standing: Standing): void {
    if (standing.isProbing) {
      if (this.#isOn) this.#threshold.set(this.#ratio);
    } else {
      const { arrivals, completions } = standing.elsewhere ?? NO_COUNTS;
      this.#arrivalRate = ewma(this.#arrivalRate, this.#arrivals + arrivals);
      this.#completionRate = ewma(this.#completionRate, this.#completions + completions);
      if (this.#isOn || standing.isStanding) this.#control(standing);
    }
    this.#arrivals = 0;
    this.#completions = 0;
  }

  #control({ queued, free, limit }: Standing): void {
    this.#isOn = true;
    const served = this.#arrivalRate > 0 ? this.#completionRate / this.#arrivalRate : 1;
    const least = Math.max(0, 1 - TARGET * served);
    const isRoomy = free > FREE_RATIO * limit;
    const next = (this.#integral + (INTEGRAL * (Math.min(queued, limit) - free)) / limit) * (isRoomy ? FADE : 1);
    this.#integral = Math.min(Math.max(0, next), Math.max(0, 1 - served) - least);
    const ratio = least + this.#integral;
    this.#ratio = isRoomy ? Math.min(ratio, this.#ratio * FADE) : ratio;
    if (queued === 0 && this.#ratio < TRACE) this.#stop();
    else this.#threshold.set(this.#ratio);
  }

  #stop(): void {
    this.#isOn = false;
    this.#integral = 0;
    this.#ratio = 0;
    this.#threshold.clear();
  }
}

function ewma(before: number, now: number): number {
  return before + WEIGHT * (now - before);
}
