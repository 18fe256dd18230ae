/**
 * Which checks are to be started now. Pure: time and chance are arguments.
 *
 * A check is due an interval after the former one began, give or take a tenth at random, and first at a random moment of
 * its first interval; so the checks of many endpoints, and of many gateways, spread out and stay spread out. At most
 * `concurrencyMax` are under way; those that must wait start first the next time, and are counted as late. Between two
 * checks of one endpoint the time limit of the first has passed.
 * Cost: O(checks) per turn.
 */

import type { Random } from '../../lib/random.ts';

const JITTER_RATIO = 0.1;

export interface Slot<Check> {
  check: Check;
  intervalMs: number;
  dueAtMs: number;
  isRunning: boolean;
  isLate: boolean;
}

export class Schedule<Check> {
  readonly #random: Random;
  readonly #concurrencyMax: number;
  readonly #slots = new Set<Slot<Check>>();
  #running = 0;
  #late = 0;

  constructor(random: Random, concurrencyMax: number) {
    this.#random = random;
    this.#concurrencyMax = concurrencyMax;
  }

  /** Checks that had to wait for others to end, since the start. */
  get late(): number {
    return this.#late;
  }

  add(check: Check, intervalMs: number, nowMs: number): Slot<Check> {
    const dueAtMs = nowMs + this.#random.nextFloat() * intervalMs;
    const slot = { check, intervalMs, dueAtMs, isRunning: false, isLate: false };
    this.#slots.add(slot);
    return slot;
  }

  /** From now on a check has another interval; the next one comes within it. */
  pace(slot: Slot<Check>, intervalMs: number, nowMs: number): void {
    if (intervalMs < slot.intervalMs)
      slot.dueAtMs = Math.min(slot.dueAtMs, nowMs + this.#random.nextFloat() * intervalMs);
    slot.intervalMs = intervalMs;
  }

  remove(slot: Slot<Check>): void {
    this.#slots.delete(slot);
  }

  /** Takes the checks that are to be started now, longest due first; each must be given back with `done`. */
  turn(nowMs: number): readonly Slot<Check>[] {
    const due = [...this.#slots].filter(({ isRunning, dueAtMs }) => !isRunning && dueAtMs <= nowMs);
    due.sort((a, b) => a.dueAtMs - b.dueAtMs);
    const started = due.slice(0, Math.max(0, this.#concurrencyMax - this.#running));
    for (const slot of started) this.#start(slot, nowMs);
    for (const slot of due.slice(started.length)) this.#wait(slot);
    return started;
  }

  /** A check is over. */
  done(slot: Slot<Check>): void {
    slot.isRunning = false;
    this.#running--;
  }

  #start(slot: Slot<Check>, nowMs: number): void {
    slot.isRunning = true;
    slot.isLate = false;
    slot.dueAtMs = nowMs + slot.intervalMs * (1 + JITTER_RATIO * (2 * this.#random.nextFloat() - 1));
    this.#running++;
  }

  #wait(slot: Slot<Check>): void {
    if (!slot.isLate) this.#late++;
    slot.isLate = true;
  }
}
