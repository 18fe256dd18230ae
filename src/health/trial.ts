/**
 * The probes of one endpoint that is half-open: when the next is due, and what they came to. Pure.
 *
 * One at a time: the next is due when the last has ended. The first bad one fails the trial; `needed` good ones pass it.
 * - One that says nothing (its client left, the pool was full) counts for neither.
 * - One whose answer began well and is not over PATIENCE_MS after a worker took the offer, as of streams, is good.
 * - One of which nothing was heard by then is gone with its worker, or hangs: another one is offered besides, to all workers. So
 *   there is no state that is never left. If the one that hangs ends badly while the trial goes on, that still counts.
 * - An offer waits for a request for as long as none comes.
 */

import { PROBE_RESULT, type ProbeResult } from '../model/threads/load/capacity.ts';

/** The default of the first ejection: a probe that costs nobody anything more is not urgent. */
export const PATIENCE_MS = 10_000;
/** Good probes of an `outlierDetection` that says nothing about them, or was stored before there were any. */
export const PROBES_NEEDED = 3;

export class Trial {
  /** May be set anew while it goes on. */
  needed: number;
  #passed = 0;
  #hasFailed = false;
  /** Numbers of probes: the first, the last that was offered, the last that is over. */
  #first = 0;
  #last = 0;
  #over = 0;
  #takenAtMs = Number.POSITIVE_INFINITY;

  /** @param needed good probes, at least 1 */
  constructor(needed: number) {
    this.needed = needed;
  }

  /** Good probes up to now. */
  get passed(): number {
    return this.#passed;
  }

  /** Null while it goes on. */
  get verdict(): 'passed' | 'failed' | null {
    if (this.#hasFailed) return 'failed';
    return this.#passed >= this.needed ? 'passed' : null;
  }

  isDue(nowMs: number): boolean {
    return this.#over === this.#last || this.#isLate(nowMs);
  }

  /** A probe was offered. @param number above that of any other of the endpoint before */
  offered(number: number): void {
    if (this.#first === 0) this.#first = number;
    this.#last = number;
    this.#takenAtMs = Number.POSITIVE_INFINITY;
  }

  /** A worker has taken the offer: call it as long as that is so. */
  taken(nowMs: number): void {
    this.#takenAtMs = Math.min(this.#takenAtMs, nowMs);
  }

  /** Takes what is written of a probe, perhaps not for the first time, perhaps of an earlier trial. */
  take(number: number, result: ProbeResult, nowMs: number): void {
    if (this.#first === 0 || number < this.#first) return;
    if (result === PROBE_RESULT.bad) this.#hasFailed = true;
    if (number <= this.#over) return;
    if (result === PROBE_RESULT.answered && !this.#isLate(nowMs)) return;
    this.#over = number;
    if (result !== PROBE_RESULT.ignored) this.#passed += 1;
  }

  #isLate(nowMs: number): boolean {
    return nowMs - this.#takenAtMs >= PATIENCE_MS;
  }
}
