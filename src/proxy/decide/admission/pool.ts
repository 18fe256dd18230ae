/**
 * The places of a version, shared by all workers of the gateway. Hot path.
 *
 * ```
 * leader    its limiter hears of every request, its own at once, those of others each 50 ms ─▸ limit
 * worker    takes a place while less than the limit is under way in all workers, or while it has less than its share
 * ```
 * A share is the whole part of limit / workers, so that nobody starves because others were first; while others have more than
 * theirs, that goes beyond the limit until they give it back, as who has its share gets nothing more of a full version. What is
 * left over when the limit is divided (all of it where it is less than there are workers) goes to whoever comes first; for it to
 * go round each worker has its turn of 50 ms, in which it may take one place beyond its share though none is free, if no other is
 * over the limit already.
 * Two workers that look at the same moment may both take the last place.
 * Cost: a store each way, and a sum over the workers or two when a place is taken. Allocates nothing.
 */

import {
  LEADER,
  OWN,
  ownWordsAt,
  PLACE,
  PLACE_STATE,
  type PoolLayout,
  type PoolSetup,
  poolLayout,
  ringAt,
} from '../../../model/threads/load/pool.ts';
import type { LimitKnown } from './limit.ts';
import type { Counts } from './rejector.ts';
import { SampleRing, type Told } from './ring.ts';

/** A turn of one worker. */
const TURN_MS = 50;

/** Where one worker stands among all that share the versions' limits. */
export class Pool {
  readonly words: Int32Array;
  readonly layout: PoolLayout;
  readonly workers: number;
  /** 0 .. workers - 1 */
  readonly place: number;
  readonly ring: SampleRing;
  readonly #rings: readonly SampleRing[];
  /** Whose turn it is. */
  #turn = 0;

  constructor({ memory, workers, place }: PoolSetup) {
    this.words = new Int32Array(memory);
    this.layout = poolLayout(workers);
    this.workers = workers;
    this.place = place;
    this.#rings = Array.from({ length: workers }, (_, n) => new SampleRing(this.words, ringAt(this.layout, n)));
    this.ring = this.#rings[place] as SampleRing;
  }

  /** This worker finds the limits. */
  get leads(): boolean {
    return Atomics.load(this.words, LEADER) === this.place;
  }

  get isInTurn(): boolean {
    return this.#turn === this.place;
  }

  /** Call it every 50 ms or so. @param hear of the leader only: what all workers told */
  tick(nowMs: number, hear: (cell: number, kind: Told, ms: number) => void): void {
    this.#turn = Math.floor(nowMs / TURN_MS) % this.workers;
    if (!this.leads) return;
    // Its own too: what it, or who had its place before, told before it led.
    for (const ring of this.#rings) ring.drain(hear);
  }
}

/** One worker's view of one version. */
export class Seat {
  readonly #pool: Pool;
  readonly #words: Int32Array;
  #cell = 0;
  /** First word of the version. */
  #base = 0;
  /** Sums of what was counted under pressure, as they were when they were last looked at. */
  #seen: Counts = { arrivals: 0, completions: 0 };

  constructor(pool: Pool, cell: number) {
    this.#pool = pool;
    this.#words = pool.words;
    this.move(cell);
  }

  /** To another cell of the version. What it shows is to be shown anew. */
  move(cell: number): void {
    const { stride, versionsAt } = this.#pool.layout;
    this.#cell = cell;
    this.#base = versionsAt + cell * stride;
    this.#seen = { arrivals: this.#sum(OWN.arrivals), completions: this.#sum(OWN.completions) };
  }

  /** Takes back what it showed. The leader's word on the limit goes with it. */
  clear(): void {
    for (const kind of Object.values(OWN)) this.#show(kind, 0);
    if (!this.leads) return;
    for (const word of Object.values(PLACE)) Atomics.store(this.#words, this.#base + word, 0);
  }

  get leads(): boolean {
    return this.#pool.leads;
  }

  get workers(): number {
    return this.#pool.workers;
  }

  // ── places ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Under way in all workers. */
  get inFlight(): number {
    return this.#sum(OWN.inFlight);
  }

  /** Of these, whose heads are there. */
  get answering(): number {
    return this.#sum(OWN.answering);
  }

  /** @param own under way in this worker. @returns whether it may take none of so many places. */
  isFull(own: number, places: number): boolean {
    const { workers, isInTurn } = this.#pool;
    const share = Math.floor(places / workers);
    if (own < share) return false;
    const inFlight = this.inFlight;
    if (inFlight < places) return false;
    const isRound = share * workers === places;
    return isRound || !isInTurn || own > share || inFlight > places;
  }

  /** This worker has one more: so many. */
  take(own: number): void {
    this.hold(own);
    const inFlight = this.inFlight;
    if (inFlight > this.peak) this.peak = inFlight;
  }

  /** This worker has so many. */
  hold(own: number): void {
    this.#show(OWN.inFlight, own);
  }

  /** Of those of this worker, so many have heads. */
  answer(own: number): void {
    this.#show(OWN.answering, own);
  }

  /** Most in flight since the leader began it anew. */
  get peak(): number {
    return Atomics.load(this.#words, this.#base + PLACE.peak);
  }

  set peak(inFlight: number) {
    Atomics.store(this.#words, this.#base + PLACE.peak, inFlight);
  }

  // ── pressure ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Waiting in all workers. */
  get queued(): number {
    return this.#sum(OWN.queued);
  }

  /** So many wait in this worker. */
  wait(own: number): void {
    this.#show(OWN.queued, own);
  }

  /** Tells what this worker counted under pressure, and returns what others told since the last time. */
  exchange(own: Counts): Counts {
    const { arrivals, completions } = this.#seen;
    this.#count(OWN.arrivals, own.arrivals);
    this.#count(OWN.completions, own.completions);
    this.#seen = { arrivals: this.#sum(OWN.arrivals), completions: this.#sum(OWN.completions) };
    // Counts wrap, and those of a worker that died are gone.
    return {
      arrivals: Math.max(0, (this.#seen.arrivals - arrivals - own.arrivals) | 0),
      completions: Math.max(0, (this.#seen.completions - completions - own.completions) | 0),
    };
  }

  // ── the limit ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Tells the leader. */
  tell(kind: Told, ms: number): void {
    this.#pool.ring.write(this.#cell, kind, ms);
  }

  /** As the leader said it last; 0: it has not. */
  get limit(): number {
    return Atomics.load(this.#words, this.#base + PLACE.limit);
  }

  get isLearning(): boolean {
    return (this.#state & PLACE_STATE.learning) !== 0;
  }

  get isProbing(): boolean {
    return (this.#state & PLACE_STATE.probing) !== 0;
  }

  /** Median of an unhurried answer, as the leader knows it; 0: it does not. */
  get baselineMs(): number {
    return Atomics.load(this.#words, this.#base + PLACE.baselineUs) / 1000;
  }

  /** What a leader goes on from. */
  get known(): LimitKnown {
    return { limit: Atomics.load(this.#words, this.#base + PLACE.resting), baselineMs: this.baselineMs };
  }

  /** The leader's word. @param limit that holds now, after any cut. @param known what a successor goes on from */
  publish(limit: number, known: LimitKnown, isLearning: boolean, isProbing: boolean): void {
    const words = this.#words;
    const base = this.#base;
    Atomics.store(words, base + PLACE.resting, known.limit);
    Atomics.store(words, base + PLACE.baselineUs, known.baselineMs * 1000);
    const learning = isLearning ? PLACE_STATE.learning : 0;
    Atomics.store(words, base + PLACE.state, learning | (isProbing ? PLACE_STATE.probing : 0));
    Atomics.store(words, base + PLACE.limit, limit);
  }

  get #state(): number {
    return Atomics.load(this.#words, this.#base + PLACE.state);
  }

  #show(kind: number, value: number): void {
    Atomics.store(this.#words, this.#ownAt(kind), value);
  }

  #count(kind: number, more: number): void {
    Atomics.add(this.#words, this.#ownAt(kind), more);
  }

  #ownAt(kind: number): number {
    return this.#base + ownWordsAt(kind, this.#pool.workers) + this.#pool.place;
  }

  #sum(kind: number): number {
    const { workers } = this.#pool;
    const from = this.#base + ownWordsAt(kind, workers);
    let sum = 0;
    for (let at = from; at < from + workers; at++) sum += Atomics.load(this.#words, at);
    return sum;
  }
}
