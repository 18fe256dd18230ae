/**
 * Lets requests of one version through to its endpoints, as many at a time as its limit allows. Hot path.
 *
 * One per version and worker, whatever routes lead there, across snapshots. Who finds a place goes on at once; under pressure
 * others wait shortly, the most important first, or are refused. Places may be shared with other workers; then pressure is, too:
 * the queue is the worker's own, and what others give back is found at its next request, end or tick, but how many wait, come and
 * are answered is what all workers see, so that they refuse the same share.
 *
 * ```
 * admit ─▸ held ───────────────────────────▸ release      places.ts says how many are held at most,
 *   ├────▸ waiting ─▸ admitted(x), held ───▸ release      rejector.ts who need not even wait,
 *   │         ├─────▸ shed(x)                             queue.ts who is next
 *   │         └─────▸ (age, client gone) ──▸ release
 *   └────▸ shed
 * ```
 * Every `admit` that did not refuse is balanced by one `release`, and so is every refusal told by `shed`: it makes them
 * forget the exchange, however it ended. What is admitted from the queue is told within `release` or `tick`, or within the `admit` of
 * another exchange where another worker gave back the place.
 *
 * While nobody is refused yet, those who stand alike are served by cohort: a wait is long then, and better some are in time than all
 * too late. From then on the rejector has seen to the cohorts, and whom it lets in is served in turn: were lower cohorts to pass
 * higher ones all the time, those would wait for the end of every rush, which is longer than anybody's wait is worth keeping.
 *
 * While it is curbed, its best-effort requests take half of the places at most (rounded up) and never wait: some important route
 * fails so much that its error budget burns fast, and they are the first to go. Nobody else notices. While it is cut, it has a
 * part of its limit, whoever asks.
 * Cost without pressure: a comparison and what the places cost; allocates nothing.
 */

import { createStandings, standingAt } from '../../../model/threads/load/standing.ts';
import { HELD, heldSince, isHeld, NONE, SHED, sampled, stateOf, WAITING } from './permit.ts';
import { type AdmissionLimit, Places } from './places.ts';
import type { Seat } from './pool.ts';
import { firstAlike, keyOf, PRIORITY_LEAST } from './priority.ts';
import { type WaitEvents, WaitQueue } from './queue.ts';
import { INTERVAL_MS, NO_COUNTS, Rejector } from './rejector.ts';
import type { Told } from './ring.ts';

/**
 * Most that wait: twice the limit, but bursts at a version with a small limit are no smaller than others'. And a second of 4,000
 * requests while a version is new: code that has just begun is slow for some tenths of a second, which is no overload, and what came
 * meanwhile is not refused for it. Such code stands still again a little later: for YOUNG_MS as many wait as are answered within
 * PATIENCE_MS, while nobody is refused. What bounds the wait is time (`patienceMs`); who is served first is as if the queue were shorter.
 */
const QUEUE_LIMITS = 2;
const QUEUE_MIN = 128;
const QUEUE_MAX = 4096;
const YOUNG_MS = 10_000;
/** A queue that was not empty for so long does not go away by itself. */
const STANDING_MS = 2000;
/** More than this share is refused: that is no burst. */
const OVERRUN_RATIO = 0.1;
/** Of the latency objective: the rest is for the answer itself. */
const PATIENCE_PART = 0.4;
/** Where there is no objective, or it is not known. */
const PATIENCE_MS = 200;
/** In place of the limit, for everybody to be looked at twice. */
const CLOSED = 0;
/** Part of the places that a curb leaves to best-effort requests. */
const CURBED_PART = 0.5;
/** Of an admission that nobody told otherwise. */
const ALIKE = createStandings();

/** What the admission needs of an exchange. */
export interface Admitted {
  /** `permit.ts`; the admission's own. */
  permit: number;
  /** 0 = most important, `priority.ts`. */
  readonly priority: number;
  readonly userKey: number;
  /** Where its standing is; null: nowhere. */
  readonly split: { readonly cell: number } | null;
}

export class Admission<X extends Admitted = Admitted> {
  readonly #places: Places;
  readonly #standings: Uint8Array;
  /** Places that are taken without a second look: the limit, half of it while best-effort requests are curbed, or CLOSED under pressure. */
  #open: number;
  #isCurbed = false;
  readonly #queue = new WaitQueue<X>();
  readonly #rejector = new Rejector();
  #intervalAtMs: number;
  /** Since when somebody has been waiting all the time. */
  #waitingSinceMs = Number.POSITIVE_INFINITY;
  #isServing = false;
  /** Its limit is still being found, or what came meanwhile is still being worked off and no overload. */
  #isNew: boolean;
  /** Until when it is young, once it is not new any more; and whether it is. */
  #youngUntilMs = 0;
  #isYoung = false;

  /**
   * @param standings how requests stand, by the cells of their versions on their routes
   * @param seat where a limit that goes by evidence is shared with other workers; null: there are none
   */
  constructor(limit: AdmissionLimit, nowMs: number, standings: Uint8Array = ALIKE, seat: Seat | null = null) {
    this.#standings = standings;
    this.#places = new Places(limit, nowMs, limit === 'auto' ? seat : null);
    this.#isNew = this.#places.isLearning;
    this.#open = this.#places.limit;
    this.#intervalAtMs = nowMs;
  }

  /** Of all workers that share it. */
  get limit(): number {
    return this.#places.limit;
  }

  /** In this worker. */
  get inFlight(): number {
    return this.#places.inFlight;
  }

  /** This worker finds the limit, for itself or for all. */
  get leads(): boolean {
    return this.#places.leads;
  }

  /** Sixteenths of the limit that are given up; takes effect with the next tick. */
  set cut(sixteenths: number) {
    this.#places.cut = sixteenths;
  }

  get queued(): number {
    return this.#queue.size;
  }

  /** There is no place to be had at once. */
  get isPressed(): boolean {
    return this.#open === CLOSED || this.#places.free === 0;
  }

  /** Best-effort requests are held back. Those that wait when it begins are served as before. */
  get isCurbed(): boolean {
    return this.#isCurbed;
  }

  set isCurbed(is: boolean) {
    this.#isCurbed = is;
    if (this.#open !== CLOSED) this.#open = this.#openPlaces;
  }

  /** Share of the requests that is refused without waiting, 0..1. */
  get refusedRatio(): number {
    return this.#rejector.ratio;
  }

  /**
   * How long one that waits is worth keeping: two fifths of the latency objective while requests are refused, as it would come
   * too late; else as long as any wait for a connection may take.
   * @param slowMs latency objective, Infinity without one
   */
  patienceMs(slowMs: number, pendingMs: number): number {
    if (this.#rejector.ratio === 0) return pendingMs;
    return Math.min(pendingMs, slowMs === Number.POSITIVE_INFINITY ? PATIENCE_MS : slowMs * PATIENCE_PART);
  }

  /**
   * Lets the exchange through, or else says in `x.permit` whether it waits or is refused. Returns whether it goes on.
   * @param events are told if it waits; not of what happens within this call
   */
  admit(x: X, nowMs: number, events: WaitEvents<X>): boolean {
    if (this.#places.isFull(this.#open)) return this.#press(x, nowMs, events);
    this.#take(x, nowMs);
    return true;
  }

  /** Takes a place only if there is one to spare; for work that the version need not do. */
  admitSpare(x: X, nowMs: number): boolean {
    if (this.isPressed) return false;
    this.#take(x, nowMs);
    return true;
  }

  /** The response head of an admitted exchange is there, after `tookMs`; only the first one counts. */
  sample(x: X, tookMs: number): void {
    if (stateOf(x.permit) !== HELD) return;
    x.permit = sampled(x.permit);
    this.#places.sample(tookMs);
  }

  /**
   * The exchange is over.
   * @param isHung it was given up, by its client or its time, without an answer
   */
  release(x: X, nowMs: number, isHung: boolean): void {
    const { permit } = x;
    x.permit = NONE;
    if (permit === WAITING) this.#forget(x);
    if (!isHeld(permit)) return;
    if (this.#places.release(permit, nowMs, isHung)) this.#reopen();
    if (this.#open !== CLOSED) return;
    this.#rejector.completed();
    this.#serve(nowMs);
  }

  /** Looks after limit and pressure: call it every 50 ms or so. Cost: O(1) but at the end of a window or interval. */
  tick(nowMs: number): void {
    const isOverrun = this.#rejector.ratio > OVERRUN_RATIO;
    if (this.#places.tick(nowMs, isOverrun)) this.#reopen();
    this.#seeWaiting(nowMs);
    if (nowMs - this.#intervalAtMs >= INTERVAL_MS) this.#endInterval(nowMs);
    if (this.#isNew && !this.#places.isLearning) this.#seeNew(nowMs);
    else this.#isYoung = nowMs < this.#youngUntilMs;
    this.#serve(nowMs);
  }

  /** What became of a request of another worker that shares the limit. */
  hear(told: Told, ms: number): void {
    if (this.#places.hear(told, ms)) this.#reopen();
  }

  /** What is shared is in another cell from now on. */
  move(cell: number): void {
    this.#places.move(cell);
  }

  /** Shares nothing more: it is left to those that it let through, or that wait. */
  leave(): void {
    this.#places.leave();
  }

  #take(x: X, nowMs: number): void {
    x.permit = heldSince(nowMs);
    this.#places.take();
  }

  /** No place without a second look. */
  #press(x: X, nowMs: number, events: WaitEvents<X>): boolean {
    // There is room: those who are not curbed do not feel it, and the rejector counts nobody.
    if (this.#open !== CLOSED && !this.#places.isFull(this.#places.limit)) return this.#passCurb(x, nowMs);
    const standing = x.split === null ? 0 : standingAt(this.#standings, x.split.cell);
    const key = keyOf(x.priority, x.userKey, nowMs, standing);
    this.#open = CLOSED;
    // Another worker may have given back a place meanwhile: those who wait come first.
    if (this.#queue.size > 0) this.#serve(nowMs);
    this.#open = CLOSED;
    if (!this.#rejector.admits(key) || (this.#isHeldBack(x) && this.#queue.size > 0)) {
      x.permit = SHED;
      return false;
    }
    if (this.#isHeldBack(x)) return this.#passCurb(x, nowMs);
    if (this.#queue.size === 0 && !this.#places.isFull(this.#places.limit)) {
      this.#take(x, nowMs);
      return true;
    }
    x.permit = WAITING;
    if (this.#places.queued === 0) this.#waitingSinceMs = nowMs;
    const left = this.#queue.push({ x, key: this.#queueKey(key), events }, this.#queueMax);
    this.#places.wait(this.#queue.size);
    if (left === null) return false;
    left.x.permit = SHED;
    if (left.x !== x) left.events.shed(left.x);
    return false;
  }

  #queueKey(key: number): number {
    return this.#rejector.ratio > 0 ? firstAlike(key) : key;
  }

  #isHeldBack(x: X): boolean {
    return this.#isCurbed && x.priority === PRIORITY_LEAST;
  }

  /** Of the places that are free, those that the curb keeps are not for best-effort requests. */
  #passCurb(x: X, nowMs: number): boolean {
    if (this.#isHeldBack(x) && this.#places.isFull(this.#curbedPlaces)) {
      x.permit = SHED;
      return false;
    }
    this.#take(x, nowMs);
    return true;
  }

  #forget(x: X): void {
    this.#queue.remove(x);
    this.#places.wait(this.#queue.size);
    this.#relax();
  }

  /** Gives free places to those that wait. What they do may release others at once: never within itself. */
  #serve(nowMs: number): void {
    if (this.#isServing || this.#open !== CLOSED) return;
    this.#isServing = true;
    while (!this.#places.isFull(this.#places.limit)) {
      const next = this.#queue.pop();
      if (next === null) break;
      this.#places.wait(this.#queue.size);
      this.#take(next.x, nowMs);
      next.events.admitted(next.x);
    }
    this.#isServing = false;
    this.#relax();
  }

  /** The admission stands open again when nobody waits and nobody is refused. */
  #relax(): void {
    if (this.#queue.size > 0) return;
    if (this.#places.queued === 0) this.#waitingSinceMs = Number.POSITIVE_INFINITY;
    if (!this.#rejector.isOn) this.#open = this.#openPlaces;
  }

  get #openPlaces(): number {
    return this.#isCurbed ? this.#curbedPlaces : this.#places.limit;
  }

  get #curbedPlaces(): number {
    return Math.ceil(this.#places.limit * CURBED_PART);
  }

  /** Its limit is known: it is new for as long as what came meanwhile waits, and nobody has to be refused. */
  #seeNew(nowMs: number): void {
    this.#isYoung = true;
    if (this.#rejector.ratio === 0 && this.#queue.size > this.#queueKnown) return;
    this.#isNew = false;
    this.#youngUntilMs = nowMs + YOUNG_MS;
  }

  get #queueMax(): number {
    return this.#isNew ? QUEUE_MAX : this.#queueKnown;
  }

  /** Once the limit is known. */
  get #queueKnown(): number {
    const least = Math.max(QUEUE_MIN, QUEUE_LIMITS * this.#places.limit);
    if (!this.#isYoung || this.#rejector.ratio > 0) return least;
    return Math.max(least, Math.min(QUEUE_MAX, this.#places.answersIn(PATIENCE_MS)));
  }

  /** The limit is another one. */
  #reopen(): void {
    if (this.#open !== CLOSED) this.#open = this.#openPlaces;
  }

  /** Somebody may wait in another worker. */
  #seeWaiting(nowMs: number): void {
    if (this.#places.queued === 0) this.#waitingSinceMs = Number.POSITIVE_INFINITY;
    else if (this.#waitingSinceMs === Number.POSITIVE_INFINITY) this.#waitingSinceMs = nowMs;
  }

  #endInterval(nowMs: number): void {
    this.#intervalAtMs = nowMs;
    const { queued, isProbing, free, limit } = this.#places;
    const isPressed = this.#open === CLOSED || queued > 0;
    const elsewhere = this.#places.exchange(isPressed ? this.#rejector.counts : NO_COUNTS);
    if (!isPressed) return;
    const isStanding = nowMs - this.#waitingSinceMs >= STANDING_MS;
    this.#rejector.tick({ isStanding, isProbing, queued, free, limit, elsewhere });
    // Also where there is room: what is refused is refused in all workers.
    if (this.#rejector.isOn) this.#open = CLOSED;
  }
}
