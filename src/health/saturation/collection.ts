/**
 * When threads are to collect their garbage: while memory is short, and not too often; and after work, while nobody waits. Pure.
 *
 * V8 collects when its own heap asks for it, whatever the process may take: a thread that has little to do keeps what it
 * does not need, and what it held of buffers with it. And it does so while it allocates: a change of the configuration, which leaves
 * lists as long as all routes, was held up by it each twentieth time, for 0.1 to 0.3 s on a busy machine. A thread that collects by
 * itself between two changes comes before that.
 */

/** Used share of the limit from which on it is short: where grade lean begins. */
const SHORT = 0.8;
/** A collection of everything stops a thread for some 50 ms: 0.2 % of its time. */
const PACE_MS = 30_000;

export class Collection {
  #atMs = Number.NEGATIVE_INFINITY;

  /** Whether now is the time. @param usedRatio of the limit of memory */
  isDue(usedRatio: number, nowMs: number): boolean {
    if (usedRatio < SHORT || nowMs - this.#atMs < PACE_MS) return false;
    this.#atMs = nowMs;
    return true;
  }
}

/** Quiet time after work that says that nobody waits for more of it: a change is in force, and written down. */
const CALM_MS = 300;
/** V8 collects when what it keeps for long has grown by about a sixth: 68 MB to 80. */
const GROWN_RATIO = 0.06;
/** Not worth it for less. */
const GROWN_BYTES = 2 * 1024 * 1024;

/** A thread's collections after work. */
export class CalmCollection {
  /** When it worked last; null: since then it was looked. */
  #workedAtMs: number | null = null;
  /** What was kept after the last collection, as far as that is known. */
  #keptBytes = 0;

  /** The thread has done something that leaves garbage. */
  worked(nowMs: number): void {
    this.#workedAtMs = nowMs;
  }

  /** Whether now is the time. @param bytesOf what is kept for long, in bytes; asked for after work alone */
  isDue(nowMs: number, bytesOf: () => number): boolean {
    if (this.#workedAtMs === null || nowMs - this.#workedAtMs < CALM_MS) return false;
    this.#workedAtMs = null;
    const bytes = bytesOf();
    // V8 has collected meanwhile.
    this.#keptBytes = Math.min(this.#keptBytes, bytes);
    return bytes - this.#keptBytes > Math.max(GROWN_BYTES, this.#keptBytes * GROWN_RATIO);
  }

  collected(bytes: number): void {
    this.#keptBytes = bytes;
  }
}
