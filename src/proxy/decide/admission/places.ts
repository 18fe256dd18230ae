/**
 * The places of one version: how many requests may be under way, and how many are. Hot path.
 *
 * ```
 * a number    as configured, for each worker                                  less the cut
 * evidence    what its limiter finds (limit.ts)                               less the cut
 * shared      the same for all workers together (pool.ts): the leader's limiter hears of every request, others tell it
 * ```
 * A limit that is still being learned is not cut, as it could not be learned then.
 * Cost: a count each way, with the sample about 70 ns per exchange. Where it is shared some words of shared memory more: of four
 * workers 0.13 us at the leader, 0.2 us at the others, for whom the ring is written. Allocates nothing.
 */

import { afterCut } from '../../../model/threads/load/standing.ts';
import { LIMIT_MIN, Limiter } from './limit.ts';
import { heldMs, SAMPLED, stateOf } from './permit.ts';
import type { Seat } from './pool.ts';
import { type Counts, NO_COUNTS } from './rejector.ts';
import { TOLD, type Told } from './ring.ts';

/** How a version may be limited: by evidence, or to a number per worker. */
export type AdmissionLimit = 'auto' | number;

export class Places {
  /** Where it is shared with other workers; null: there are none, or it is a number. */
  #seat: Seat | null;
  /** null: it is a number, or another worker finds it. */
  #limiter: Limiter | null = null;
  /** Before the cut, where no limiter has it. */
  #fixed: number;
  #limit: number;
  /** Sixteenths of the limit that are given up; takes effect with the next tick. */
  cut = 0;
  #inFlight = 0;
  /** Of these, whose heads are there. */
  #answering = 0;
  /** Waiting in this worker. */
  #queued = 0;
  /** Most in flight since the last window. */
  #peak = 0;
  readonly #use = { inFlight: 0, answering: 0, peak: 0, isOverrun: false };

  /** @param seat where the limit is shared, which goes by evidence then; null: it is this worker's alone */
  constructor(limit: AdmissionLimit, nowMs: number, seat: Seat | null) {
    this.#seat = seat;
    if (seat !== null) this.#attend(seat, nowMs);
    else if (limit === 'auto') this.#limiter = new Limiter(nowMs);
    this.#fixed = limit === 'auto' ? LIMIT_MIN : limit;
    this.#limit = this.#fixed;
    this.#limit = this.#allowed;
  }

  /** Of all who share it. */
  get limit(): number {
    return this.#limit;
  }

  /** Under way in this worker. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** This worker finds the limit, for itself or for all. */
  get leads(): boolean {
    return this.#seat === null || this.#seat.leads;
  }

  /** Places that nobody has, in any worker. */
  get free(): number {
    return Math.max(0, this.#limit - this.#allInFlight);
  }

  /** Requests that wait for one, in all workers. */
  get queued(): number {
    return this.#seat === null ? this.#queued : this.#seat.queued;
  }

  /** Nobody knows yet what the version can do. */
  get isLearning(): boolean {
    if (this.#limiter !== null) return this.#limiter.isLearning;
    return this.#seat !== null && (this.#seat.limit === 0 || this.#seat.isLearning);
  }

  /** The limit is narrowed for a while. */
  get isProbing(): boolean {
    if (this.#limiter !== null) return this.#limiter.state === 'probing';
    return this.#seat !== null && this.#seat.isProbing;
  }

  /**
   * How many requests this worker's part of the limit answers in so long, by Little's law: each has its place for the baseline
   * when nothing queues. 0: the baseline is not known.
   */
  answersIn(ms: number): number {
    const seat = this.#seat;
    const baselineMs = this.#limiter?.baselineMs ?? seat?.baselineMs ?? 0;
    return baselineMs === 0 ? 0 : Math.floor((this.#limit * ms) / (baselineMs * (seat?.workers ?? 1)));
  }

  /** So many wait in this worker. */
  wait(own: number): void {
    this.#queued = own;
    if (this.#seat !== null) this.#seat.wait(own);
  }

  /** Tells others that share the limit what this worker counted under pressure. Returns what they did since the last time. */
  exchange(own: Counts): Counts {
    return this.#seat === null ? NO_COUNTS : this.#seat.exchange(own);
  }

  /** This worker may take none of so many. */
  isFull(places: number): boolean {
    return this.#seat === null ? this.#inFlight >= places : this.#seat.isFull(this.#inFlight, places);
  }

  take(): void {
    this.#inFlight += 1;
    if (this.#seat !== null) this.#seat.take(this.#inFlight);
    else if (this.#inFlight > this.#peak) this.#peak = this.#inFlight;
  }

  /** The response head of one that has a place is there. */
  sample(tookMs: number): void {
    this.#answers(1);
    if (this.#limiter !== null) this.#limiter.sample(tookMs);
    else if (this.#seat !== null) this.#seat.tell(TOLD.sample, tookMs);
  }

  /**
   * Gives back a place.
   * @param permit what was held of it
   * @param isHung it was given up without an answer
   * @returns whether the limit is another one.
   */
  release(permit: number, nowMs: number, isHung: boolean): boolean {
    const isSampled = stateOf(permit) === SAMPLED;
    if (isSampled) this.#answers(-1);
    let isChanged = false;
    if (this.#limiter !== null || this.#seat !== null) {
      const told = isHung && !isSampled ? TOLD.hung : TOLD.ended;
      const ms = heldMs(permit, nowMs);
      if (this.#limiter !== null) isChanged = this.hear(told, ms);
      else if (this.#seat !== null) this.#seat.tell(told, ms);
    }
    this.#inFlight -= 1;
    if (this.#seat !== null) this.#seat.hold(this.#inFlight);
    return isChanged;
  }

  /** What became of a request, of this worker or of another that shares the limit. @returns whether the limit is another one. */
  hear(told: Told, ms: number): boolean {
    const limiter = this.#limiter;
    if (limiter === null) return false;
    if (told === TOLD.sample) {
      limiter.sample(ms);
      return false;
    }
    if (told === TOLD.hung) limiter.sampleAtLeast(ms);
    return limiter.ended(ms, this.#peakNow >= this.#limit) && this.#isMoved();
  }

  /** Call it every 50 ms or so. @param isOverrun more arrives than is answered. @returns whether the limit is another one. */
  tick(nowMs: number, isOverrun: boolean): boolean {
    const seat = this.#seat;
    if (seat !== null) this.#attend(seat, nowMs);
    const limiter = this.#limiter;
    if (limiter === null) return this.#isMoved();
    this.#use.inFlight = this.#allInFlight;
    this.#use.answering = seat === null ? this.#answering : seat.answering;
    this.#use.peak = this.#peakNow;
    this.#use.isOverrun = isOverrun;
    if (limiter.tick(nowMs, this.#use)) this.#beginPeak();
    const isMoved = this.#isMoved();
    if (seat !== null) seat.publish(this.#limit, limiter.known, limiter.isLearning, this.isProbing);
    return isMoved;
  }

  /** What is shared is in another cell from now on. */
  move(cell: number): void {
    const seat = this.#seat;
    if (seat === null) return;
    seat.clear();
    seat.move(cell);
    seat.hold(this.#inFlight);
    seat.answer(this.#answering);
    seat.wait(this.#queued);
  }

  /** Shares the limit no more, and keeps its part as it stands: only those that have places now, or wait, are still to come. */
  leave(): void {
    if (this.#seat === null) return;
    this.#fixed = Math.ceil(this.#limit / this.#seat.workers);
    this.cut = 0;
    this.#seat.clear();
    this.#seat = null;
    this.#limiter = null;
  }

  #answers(more: number): void {
    this.#answering += more;
    if (this.#seat !== null) this.#seat.answer(this.#answering);
  }

  /** Finds the limit, or leaves that to another worker, as it was told. */
  #attend(seat: Seat, nowMs: number): void {
    if (!seat.leads) this.#limiter = null;
    else if (this.#limiter === null) this.#limiter = new Limiter(nowMs, seat.known);
  }

  get #allInFlight(): number {
    return this.#seat === null ? this.#inFlight : this.#seat.inFlight;
  }

  get #peakNow(): number {
    return this.#seat === null ? this.#peak : this.#seat.peak;
  }

  #beginPeak(): void {
    this.#peak = this.#inFlight;
    if (this.#seat !== null) this.#seat.peak = this.#seat.inFlight;
  }

  #isMoved(): boolean {
    const limit = this.#allowed;
    if (limit === this.#limit) return false;
    this.#limit = limit;
    return true;
  }

  get #allowed(): number {
    const limiter = this.#limiter;
    if (limiter !== null) return limiter.isLearning ? limiter.limit : afterCut(limiter.limit, this.cut);
    // The leader's word has the cut in it; until it comes what was known before holds.
    if (this.#seat !== null) return this.#seat.limit || this.#limit;
    return afterCut(this.#fixed, this.cut);
  }
}
