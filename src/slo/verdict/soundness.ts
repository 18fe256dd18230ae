/**
 * Whether the evidence of a rollout can be believed at all: three ways in which an SLI is broken rather than bad.
 *
 * - `stable-down`: stable failed STABLE_BAD_MIN requests in a row of looks without a single good one. There is nothing to
 *   compare with: a stable that fails at once makes every canary look slow.
 * - `counters`: the counters of a version have not added up (more bad than finished) for COUNTER_LOOKS looks.
 * - `clock`: GAPS_MAX times within GAPS_MS the loop was held up or its clock stepped.
 *
 * While it lasts nothing is convicted and nothing passes; it ends by itself.
 */

import type { Fault, PairCounts } from '../../model/slo.ts';

const STABLE_BAD_MIN = 20;
const COUNTER_LOOKS = 50;
const GAPS_MAX = 3;
const GAPS_MS = 60_000;

export class Soundness {
  #stableBad = 0;
  #brokenLooks = 0;
  /** The last gaps, oldest first. */
  readonly #gapsAtMs: number[] = [];
  #nowMs = 0;

  /** Takes in what was seen since the last look, and whether the counters add up. */
  look({ stable }: PairCounts, isConsistent: boolean, nowMs: number): void {
    this.#nowMs = nowMs;
    if (stable.finished > stable.bad) this.#stableBad = 0;
    else this.#stableBad += stable.bad;
    this.#brokenLooks = isConsistent ? 0 : this.#brokenLooks + 1;
  }

  /** The loop was held up. */
  gap(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#gapsAtMs.push(nowMs);
    if (this.#gapsAtMs.length > GAPS_MAX) this.#gapsAtMs.shift();
  }

  /** null when the evidence is sound. */
  get fault(): Fault | null {
    if (this.#stableBad >= STABLE_BAD_MIN) return 'stable-down';
    if (this.#brokenLooks >= COUNTER_LOOKS) return 'counters';
    const first = this.#gapsAtMs[0];
    if (first === undefined || this.#gapsAtMs.length < GAPS_MAX) return null;
    return Math.abs(this.#nowMs - first) < GAPS_MS ? 'clock' : null;
  }
}
