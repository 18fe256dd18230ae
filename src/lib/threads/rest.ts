/**
 * Short rests of a thread in long work, so that whoever waits for its core gets it: requests wait no longer than `WORK_MS` for it, and for
 * work that is soon done less.
 *
 * Linux gives a thread that has been woken the core of one that works only when the slice of that one is over, which takes up to 4 ms, or if
 * it has shorter slices (`slice.ts`) and no more than its share. Whoever sleeps gives it up at once, for however short; a turn of the event loop does not, while there is more to do. Nothing else happens in the
 * thread meanwhile: what is being done goes on where it was. So `rest` may stand between any two steps of a change, and costs nothing to
 * think about. A thread rests from `startResting` on: what is done before that is waited for by nobody but its operator.
 */

import { nowMs } from '../clock.ts';

/** Longest work without a rest, between two steps, in what takes long. */
export const WORK_MS = 0.5;
/** The same at first: a change of the configuration takes a few ms, and such rests are few. */
export const FIRST_WORK_MS = 0.2;
/** What is done after so many takes long. */
export const FIRST_RESTS = 40;
/** Who did not come for so long was idle, or is in a long step: what follows is work of its own. */
export const APART_MS = 5;
/**
 * The timers of Linux make 0.12 ms and more of it. Measured on one core of a busy machine: 890 ms of work took 1,288 ms with rests; where it
 * shared the core with one other process, 8 % longer than without rests, with three 2 %.
 */
const REST_MS = 0.05;

/** The rests of one thread. */
export class Rests {
  readonly #now: () => number;
  readonly #sleep: (ms: number) => void;
  #restedAtMs: number;
  /** Since it was idle last. */
  #count = 0;

  /** @param sleep stops the thread */
  constructor(now: () => number, sleep: (ms: number) => void) {
    this.#now = now;
    this.#sleep = sleep;
    this.#restedAtMs = now();
  }

  /** Rests if the last rest was so long ago. One that had nothing to do meanwhile, and does not know, rests once too often. */
  take(): void {
    const workedMs = this.#now() - this.#restedAtMs;
    if (workedMs < (this.#count < FIRST_RESTS ? FIRST_WORK_MS : WORK_MS)) return;
    this.#count = workedMs > APART_MS ? 1 : this.#count + 1;
    this.#sleep(REST_MS);
    this.#restedAtMs = this.#now();
  }
}

/** Nobody wakes who sleeps here. */
const bed = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

let rests: Rests | null = null;

/** From now on this thread rests in its work. Idempotent. @returns what ends that */
export function startResting(): () => void {
  rests ??= new Rests(nowMs, (ms) => void Atomics.wait(bed, 0, 0, ms));
  return () => {
    rests = null;
  };
}

/** Between two steps of what may take long. Cost: a look at the clock, or a rest; nothing before `startResting`. */
export function rest(): void {
  rests?.take();
}
