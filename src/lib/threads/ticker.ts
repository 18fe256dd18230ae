/**
 * One timer for what a thread does again and again, so that it wakes once for all that is due: each timer wakes a thread by itself, and on an
 * idle one a wake costs more than most of what it is for. Five timers of 50 to 1,000 ms that do nothing took 3.9 ms per second of an idle
 * thread, and as acts of one timer 2.3 (bench/README.md).
 *
 * Acts that are due come one after the other, with `rest` between them, in the order in which they were begun, each at the tick that is closest to
 * its time. As with timers of their own, one that comes late is not made up for, and what one throws costs no other its turn.
 */

import assert from 'node:assert/strict';
import { nowMs } from '../clock.ts';
import { rest } from './rest.ts';

/** All periods are multiples of it. */
export const TICK_MS = 50;

/** Something that is done again and again. */
interface Act {
  readonly ms: number;
  readonly act: () => void;
  readonly isHolding: boolean;
  dueAtMs: number;
}

/** Acts of one thread. Its timer runs while there are any. */
export class Ticker {
  readonly #acts = new Set<Act>();
  #timer: NodeJS.Timeout | null = null;

  /**
   * Does something every `ms` from now on.
   * @param ms a multiple of `TICK_MS`; the first time comes up to half a tick early or late
   * @param isHolding keeps the thread alive
   * @returns ends it
   */
  every(ms: number, act: () => void, isHolding = false): () => void {
    assert(Number.isInteger(ms / TICK_MS) && ms > 0, `${ms} ms are no ticks`);
    const one: Act = { ms, act, isHolding, dueAtMs: nowMs() + ms };
    this.#acts.add(one);
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS).unref();
    if (isHolding) this.#timer.ref();
    return () => this.#end(one);
  }

  #end(one: Act): void {
    this.#acts.delete(one);
    const left = [...this.#acts];
    if (!left.some(({ isHolding }) => isHolding)) this.#timer?.unref();
    if (left.length > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  #tick(): void {
    const atMs = nowMs();
    let isFirst = true;
    for (const one of [...this.#acts]) {
      if (one.dueAtMs - atMs > TICK_MS / 2 || !this.#acts.has(one)) continue;
      one.dueAtMs = atMs + one.ms;
      if (!isFirst) rest();
      isFirst = false;
      attempt(one.act);
    }
  }
}

/** What it throws is thrown on by itself, as if its timer were its own. */
function attempt(act: () => void): void {
  try {
    act();
  } catch (error) {
    setImmediate(() => {
      throw error;
    });
  }
}

const ofThread = new Ticker();

/** Does something every `ms` in this thread (`Ticker.every`). */
export function every(ms: number, act: () => void, isHolding = false): () => void {
  return ofThread.every(ms, act, isHolding);
}
