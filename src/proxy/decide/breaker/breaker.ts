/**
 * Gives a version that fails up for a while, in one worker. Pure. Hot path.
 *
 * ```
 *           consecutiveErrors in a row, or successes below successRatioMin of requestsMin in the window
 * closed ──────────────────────────────────────────────────────────────────────────────────────────────▸ open
 *    ▲                                                                                                    │ openMs
 *    └── `probes` attempts were good ── half-open ◂───────────────────────────────────────────────────────┘
 *                                          └── one was bad ─▸ open, twice as long, up to OPEN_FACTOR_MAX times openMs
 * ```
 * Half-open lets `probes` attempts through. When they have not all ended well after openMs (a client left, or the version
 * is slow), others are let through besides, so there is no state that is never left. One that ended before it could say
 * anything gives its place back. Only probes of the present trial say something then: what was under way when the breaker
 * opened, and late probes of an earlier trial, end as they may.
 *
 * The window is ten slots of attempts by their end. A gap longer than the window leaves it empty, so one failure after an
 * idle hour is one failure.
 * Source: Nygard (2007), "Release It!", circuit breaker; the sliding window as in resilience4j.
 */

import type { BreakerConfig } from '../../../model/overload.ts';

const SLOTS = 10;
/** Of a version that goes on failing. */
const OPEN_FACTOR_MAX = 8;
/** Of the times below. */
const OPENED = 0;
const PROBED = 1;

export type BreakerState = 'closed' | 'open' | 'half-open';

export class Breaker {
  readonly #config: BreakerConfig;
  readonly #slotMs: number;
  readonly #good = new Int32Array(SLOTS);
  readonly #bad = new Int32Array(SLOTS);
  #slot = 0;
  #errorsInRow = 0;
  #state: BreakerState = 'closed';
  /** When it opened, and when it last let probes through. */
  readonly #times = new Float64Array(2);
  #openFactor = 1;
  #left = 0;
  #passed = 0;
  /** Times that it became half-open. */
  #trials = 0;

  constructor(config: BreakerConfig) {
    this.#config = config;
    this.#slotMs = config.windowMs / SLOTS;
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** What an attempt that was just let through is a probe of; 0: of nothing. */
  get trial(): number {
    return this.#state === 'half-open' ? this.#trials : 0;
  }

  /** May an attempt be made? Cost: a comparison while it is closed. */
  admit(nowMs: number): boolean {
    if (this.#state === 'closed') return true;
    const { openMs, probes } = this.#config;
    if (this.#state === 'open') {
      if (nowMs - (this.#times[OPENED] as number) < openMs * this.#openFactor) return false;
      this.#state = 'half-open';
      this.#trials += 1;
      this.#passed = 0;
      this.#left = probes;
      this.#times[PROBED] = nowMs;
    } else if (this.#left === 0) {
      if (nowMs - (this.#times[PROBED] as number) < openMs) return false;
      this.#left = probes - this.#passed;
      this.#times[PROBED] = nowMs;
    }
    this.#left -= 1;
    return true;
  }

  /** An attempt is over, and was good or bad. @param trial as it was when the attempt was let through */
  observe(isBad: boolean, trial: number, nowMs: number): void {
    if (this.#state === 'closed') this.#count(isBad, nowMs);
    else if (trial !== 0 && trial === this.trial) this.#probed(isBad, nowMs);
  }

  /** An attempt that was let through did not come so far as to say anything: another one may. */
  giveBack(trial: number): void {
    if (trial !== 0 && trial === this.trial) this.#left = Math.min(this.#config.probes, this.#left + 1);
  }

  #count(isBad: boolean, nowMs: number): void {
    this.#turn(nowMs);
    const at = this.#slot % SLOTS;
    if (!isBad) {
      this.#good[at] = (this.#good[at] as number) + 1;
      this.#errorsInRow = 0;
      return;
    }
    this.#bad[at] = (this.#bad[at] as number) + 1;
    this.#errorsInRow += 1;
    if (this.#isFailing()) this.#open(1, nowMs);
  }

  #isFailing(): boolean {
    const { consecutiveErrors, successRatioMin, requestsMin } = this.#config;
    if (this.#errorsInRow >= consecutiveErrors) return true;
    let good = 0;
    let all = 0;
    for (let n = 0; n < SLOTS; n++) {
      good += this.#good[n] as number;
      all += (this.#good[n] as number) + (this.#bad[n] as number);
    }
    return all >= requestsMin && good < successRatioMin * all;
  }

  #probed(isBad: boolean, nowMs: number): void {
    if (isBad) {
      this.#open(Math.min(OPEN_FACTOR_MAX, 2 * this.#openFactor), nowMs);
      return;
    }
    this.#passed += 1;
    if (this.#passed >= this.#config.probes) this.#state = 'closed';
  }

  #open(factor: number, nowMs: number): void {
    this.#openFactor = factor;
    this.#state = 'open';
    this.#times[OPENED] = nowMs;
    this.#good.fill(0);
    this.#bad.fill(0);
    this.#errorsInRow = 0;
  }

  /** Goes on to the slot of now; those in between saw nothing. */
  #turn(nowMs: number): void {
    const slot = Math.floor(nowMs / this.#slotMs);
    for (let n = Math.max(this.#slot + 1, slot - SLOTS + 1); n <= slot; n++) {
      this.#good[n % SLOTS] = 0;
      this.#bad[n % SLOTS] = 0;
    }
    if (slot > this.#slot) this.#slot = slot;
  }
}
