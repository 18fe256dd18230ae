/**
 * Coarse timeouts for very many things at the price of one field write each. Hot path.
 *
 * Whoever has a deadline keeps it in a field; one sweep every `SWEEP_MS` looks at all of them. Setting or moving a
 * deadline is an assignment, so a busy connection pays nothing for its timers; 10,000 connections cost a sweep about
 * 50 us. A deadline fires 0..SWEEP_MS late.
 *
 * A sweep that comes late says that the thread stood still: a suspended process, a starved container, a long task. What
 * came in meanwhile lies in the sockets, unread, and timers run before they are read. So nothing expires then, but with
 * the next sweep, when everything was read: an answer that is here is no timeout. Never twice in a row, so a thread that
 * is always late expires with every second sweep.
 */

import { tellDefect } from './threads/defects.ts';

/** Lateness bound of a deadline, on a thread that does not stand still. */
export const SWEEP_MS = 50;
/** A sweep that begins so long after the one before is late: more than a turn of a busy event loop. */
const LATE_MS = 1.5 * SWEEP_MS;
/** After what its `expire` threw an item is due again, unless it has ended. */
const AGAIN_MS = 1000;

/** Something with a deadline. `slot` belongs to the `Deadlines` that holds it. */
export interface Timed {
  /** Infinity = none. */
  deadlineAtMs: number;
  slot: number;
  /** Called once the deadline passed; it must move the deadline or remove itself. */
  expire(nowMs: number): void;
  /** `expire` threw, which is told already: whatever it stands for is to end. */
  broke?(): void;
}

/** The set of timed things of one thread. */
export class Deadlines {
  readonly #items: Timed[] = [];
  /** Of the last sweep; infinite before the first, which is never late, and after one that was. */
  #sweptAtMs = Number.POSITIVE_INFINITY;

  get size(): number {
    return this.#items.length;
  }

  add(item: Timed): void {
    item.slot = this.#items.length;
    this.#items.push(item);
  }

  /** Removes an item; the last one takes its slot. Removing twice does nothing. */
  remove(item: Timed): void {
    if (this.#items[item.slot] !== item) return;
    const last = this.#items.pop() as Timed;
    if (last !== item) {
      this.#items[item.slot] = last;
      last.slot = item.slot;
    }
    item.slot = -1;
  }

  /**
   * Expires everything that is due, unless it is late. Backwards, so that an item may remove itself.
   * @returns whether it was in time; where it was not, nothing else that waits for what comes in is to be given up either
   */
  sweep(nowMs: number): boolean {
    const isLate = nowMs - this.#sweptAtMs > LATE_MS;
    this.#sweptAtMs = isLate ? Number.POSITIVE_INFINITY : nowMs;
    if (isLate) return false;
    for (let i = this.#items.length - 1; i >= 0; i--) {
      const item = this.#items[i];
      if (item !== undefined && item.deadlineAtMs <= nowMs) expire(item, nowMs);
    }
    return true;
  }
}

/** A defect in the time of one costs nobody else his. */
function expire(item: Timed, nowMs: number): void {
  try {
    item.expire(nowMs);
  } catch (error) {
    item.deadlineAtMs = nowMs + AGAIN_MS;
    tellDefect(error);
    giveUp(item);
  }
}

function giveUp(item: Timed): void {
  try {
    item.broke?.();
  } catch (error) {
    tellDefect(error);
  }
}
