/**
 * Keeps some work of a thread to a share of its processor time. Pure.
 *
 * A token bucket of processor time: it fills by `share` of the time that goes by, up to `burstMs`. Work may begin while it holds
 * any, and takes what it turned out to cost, so that one that cost too much is made up for by waiting. Of any stretch of t ms the
 * work gets at most `share * t + burstMs`, and what its last piece costs.
 */

export class CpuShare {
  readonly #share: number;
  readonly #burstMs: number;
  #leftMs: number;
  #filledAtMs: number;

  constructor(share: number, burstMs: number, nowMs: number) {
    this.#share = share;
    this.#burstMs = burstMs;
    this.#leftMs = burstMs;
    this.#filledAtMs = nowMs;
  }

  /** How long to wait before the next piece of work, in ms; 0: it may begin. */
  waitMs(nowMs: number): number {
    this.#fill(nowMs);
    return this.#leftMs > 0 ? 0 : Math.ceil(-this.#leftMs / this.#share) + 1;
  }

  /** A piece of work has cost so many ms of processor time. */
  spend(cpuMs: number): void {
    this.#leftMs -= cpuMs;
  }

  #fill(nowMs: number): void {
    const passedMs = Math.max(0, nowMs - this.#filledAtMs);
    this.#leftMs = Math.min(this.#burstMs, this.#leftMs + this.#share * passedMs);
    this.#filledAtMs = nowMs;
  }
}
