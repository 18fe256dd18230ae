/**
 * A version under too much load, on virtual time: clients, a worker's admission, and servers with one queue.
 *
 * Poisson arrivals of four priorities; lognormal service times, up to half as long again under a backlog; clients that go
 * away after a while, whose requests the servers work on all the same; and clients that try again. The admission is the real
 * one. One seed is one history.
 */

import { Random } from '#src/lib/random.ts';
import { reservePool } from '#src/model/threads/load/pool.ts';
import { createStandings } from '#src/model/threads/load/standing.ts';
import { Admission } from '#src/proxy/decide/admission/admission.ts';
import { NONE, WAITING } from '#src/proxy/decide/admission/permit.ts';
import type { AdmissionLimit } from '#src/proxy/decide/admission/places.ts';
import { Pool, Seat } from '#src/proxy/decide/admission/pool.ts';
import { exponential } from '../draws.ts';
import {
  CLIENT_TIMEOUT_MS,
  capacityOf,
  drawPriority,
  retryWaitMs,
  SHARES,
  type Shape,
  SLO_MS,
  serviceMs,
  USERS,
} from './shapes.ts';

export interface OverloadLoad {
  /** Requests per second over what the servers can do, by time. */
  factorAt(nowMs: number): number;
  readonly durationMs: number;
  /** What arrives before is not measured. */
  readonly fromMs: number;
  /** Times that a client tries again, 100 ms later and then twice as long each time. */
  readonly retries?: number;
  /** Share of the answers that are a 5xx: no samples of the limit, though they take a server as long as others. Counted as good. */
  readonly failureRatio?: number;
  /** Who asks; without it four priorities that stand alike, by `SHARES`. */
  readonly askers?: readonly Asker[];
  /**
   * How long the servers' process is busy with a request before a server has it, one after the other, by how many it has taken:
   * code that is new is slow. Default: not at all.
   */
  readonly intakeMs?: (taken: number) => number;
  /** Of the requests, which come to which worker; without it all get as many. */
  readonly workerShares?: readonly number[];
  readonly seed: number;
}

/** Some of the requests. */
export interface Asker {
  /** Of all requests; they add up to 1. */
  readonly share: number;
  readonly priority: number;
  /** How their route stands at the version (model/threads/load/standing.ts). */
  readonly standing: number;
}

const ASKERS: readonly Asker[] = SHARES.map((share, priority) => ({ share, priority, standing: 0 }));
const TICK_MS = 50;

/** What became of the measured requests of one asker. */
export interface Fates {
  arrived: number;
  /** Answered within the objective. */
  good: number;
  late: number;
  refused: number;
  timedOut: number;
}

export interface OverloadOutcome {
  /** By asker, without any by priority. */
  readonly fates: readonly Fates[];
  /** Requests answered within the objective over what the servers can do. */
  readonly goodput: number;
  /** The same in each second from `fromMs` on. */
  readonly goodputBySecond: readonly number[];
  /** Share of the first asker's requests, the critical ones, answered within the objective. */
  readonly criticalRatio: number;
  readonly refused: number;
  /** Most requests that the servers had at once. */
  readonly presentMax: number;
  /** Requests sent, repeated ones included, over those that clients wanted. */
  readonly amplification: number;
}

interface Job {
  permit: number;
  readonly priority: number;
  /** Its cell is the number of its asker. */
  readonly split: { readonly cell: number };
  readonly userKey: number;
  readonly bornAtMs: number;
  readonly tries: number;
  sentAtMs: number;
  worker: number;
  isOver: boolean;
  isBusy: boolean;
}

/** What happens at some time: an arrival, an end of service, somebody's patience, a tick. */
interface Happening {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** Events in the order of their time. */
class Agenda {
  readonly #heap: Happening[] = [];
  #count = 0;
  nowMs = 0;

  add(atMs: number, run: () => void): void {
    const heap = this.#heap;
    let at = heap.push({ atMs, order: this.#count++, run }) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(heap[at] as Happening, heap[parent] as Happening)) break;
      [heap[at], heap[parent]] = [heap[parent] as Happening, heap[at] as Happening];
      at = parent;
    }
  }

  /** Runs what is next; false when nothing is. */
  next(untilMs: number): boolean {
    const heap = this.#heap;
    const first = heap[0];
    if (first === undefined || first.atMs > untilMs) return false;
    const last = heap.pop() as Happening;
    if (heap.length > 0) {
      heap[0] = last;
      this.#sink();
    }
    this.nowMs = first.atMs;
    first.run();
    return true;
  }

  #sink(): void {
    const heap = this.#heap;
    for (let at = 0; ; ) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < heap.length && isBefore(heap[child] as Happening, heap[least] as Happening)) least = child;
      }
      if (least === at) return;
      [heap[at], heap[least]] = [heap[least] as Happening, heap[at] as Happening];
      at = least;
    }
  }
}

function isBefore(a: Happening, b: Happening): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** @param limit null = no admission at all. @param workers each with an admission of its own; one found by evidence they share. */
export function overload(shape: Shape, load: OverloadLoad, limit: AdmissionLimit | null, workers = 1): OverloadOutcome {
  return new Overload(shape, load, limit, workers).run();
}

class Overload {
  readonly #shape: Shape;
  readonly #load: OverloadLoad;
  readonly #random: Random;
  readonly #agenda = new Agenda();
  /** One for each worker. */
  readonly #admissions: Admission<Job>[] = [];
  readonly #pools: (Pool | null)[] = [];
  readonly #events = { admitted: (x: Job) => this.#send(x), shed: (x: Job) => this.#refuse(x) };
  readonly #waiting: Job[] = [];
  /** Requests that the servers' process has taken or is to take, how many of them are still to come to a server, and when it is free. */
  #taken = 0;
  #entering = 0;
  #freeAtMs = 0;
  #busy = 0;
  #head = 0;
  #presentMax = 0;
  #sent = 0;
  readonly #capacity: number;
  readonly #askers: readonly Asker[];
  readonly #shares: readonly number[];
  readonly #fates: Fates[];
  readonly #goodBySecond: number[];

  constructor(shape: Shape, load: OverloadLoad, limit: AdmissionLimit | null, workers: number) {
    this.#shape = shape;
    this.#load = load;
    this.#random = new Random(load.seed);
    this.#capacity = capacityOf(shape);
    this.#askers = load.askers ?? ASKERS;
    this.#shares = this.#askers.map(({ share }) => share);
    this.#fates = this.#askers.map(() => ({ arrived: 0, good: 0, late: 0, refused: 0, timedOut: 0 }));
    const standings = createStandings();
    standings.set(this.#askers.map(({ standing }) => standing));
    this.#goodBySecond = new Array<number>(Math.ceil((load.durationMs - load.fromMs) / 1000)).fill(0);
    if (limit === null) return;
    const memory = workers > 1 && limit === 'auto' ? reservePool(workers).buffer : null;
    for (let place = 0; place < workers; place++) {
      const pool = memory === null ? null : new Pool({ memory, workers, place });
      const seat = pool === null ? null : new Seat(pool, 0);
      this.#admissions.push(new Admission<Job>(limit, 0, standings, seat));
      this.#pools.push(pool);
    }
  }

  run(): OverloadOutcome {
    const { durationMs, fromMs } = this.#load;
    this.#agenda.add(this.#gap(), () => this.#arrive());
    const phaseMs = TICK_MS / Math.max(1, this.#admissions.length);
    for (const [n, admission] of this.#admissions.entries()) {
      this.#agenda.add(TICK_MS + n * phaseMs, () => this.#tick(admission, this.#pools[n] ?? null));
    }
    while (this.#agenda.next(durationMs));
    const good = this.#fates.reduce((sum, fates) => sum + fates.good, 0);
    const arrived = this.#fates.reduce((sum, fates) => sum + fates.arrived, 0);
    const [critical] = this.#fates as [Fates];
    const seconds = (durationMs - fromMs) / 1000;
    return {
      fates: this.#fates,
      goodput: good / (this.#capacity * seconds),
      goodputBySecond: this.#goodBySecond.map((count) => count / this.#capacity),
      criticalRatio: critical.good / (critical.good + critical.late + critical.refused + critical.timedOut),
      refused: this.#fates.reduce((sum, fates) => sum + fates.refused, 0),
      presentMax: this.#presentMax,
      amplification: this.#sent / arrived,
    };
  }

  #gap(): number {
    return exponential(this.#random, 1000 / (this.#capacity * this.#load.factorAt(this.#agenda.nowMs)));
  }

  #tick(admission: Admission<Job>, pool: Pool | null): void {
    pool?.tick(this.#agenda.nowMs, (_, told, ms) => admission.hear(told, ms));
    admission.tick(this.#agenda.nowMs);
    this.#agenda.add(this.#agenda.nowMs + TICK_MS, () => this.#tick(admission, pool));
  }

  #arrive(): void {
    const { nowMs } = this.#agenda;
    this.#agenda.add(nowMs + this.#gap(), () => this.#arrive());
    const asker = drawPriority(this.#random, this.#shares);
    if (nowMs >= this.#load.fromMs) (this.#fates[asker] as Fates).arrived += 1;
    const userKey = Math.imul(this.#random.nextUint32() % USERS, 0x9e3779b1);
    this.#ask(asker, userKey, nowMs, 0);
  }

  #ask(asker: number, userKey: number, bornAtMs: number, tries: number): void {
    const { nowMs } = this.#agenda;
    if (bornAtMs >= this.#load.fromMs) this.#sent += 1;
    const worker = this.#admissions.length < 2 ? 0 : this.#drawWorker(this.#admissions.length);
    const x: Job = {
      permit: NONE,
      priority: (this.#askers[asker] as Asker).priority,
      split: { cell: asker },
      userKey,
      bornAtMs,
      tries,
      sentAtMs: nowMs,
      worker,
      isOver: false,
      isBusy: false,
    };
    this.#agenda.add(nowMs + CLIENT_TIMEOUT_MS, () => this.#leave(x));
    const admission = this.#admissions[worker];
    if (admission === undefined || admission.admit(x, nowMs, this.#events)) this.#send(x);
    else if (x.permit === WAITING)
      this.#agenda.add(nowMs + admission.patienceMs(SLO_MS, CLIENT_TIMEOUT_MS), () => this.#outwait(x));
    else this.#refuse(x);
  }

  #drawWorker(count: number): number {
    const { workerShares } = this.#load;
    return workerShares === undefined ? this.#random.nextUint32() % count : drawPriority(this.#random, workerShares);
  }

  // ── the servers ─────────────────────────────────────────────────────────────────────────────────────────────────

  #send(x: Job): void {
    x.sentAtMs = this.#agenda.nowMs;
    this.#presentMax = Math.max(this.#presentMax, this.#entering + this.#busy + this.#backlog + 1);
    const { intakeMs } = this.#load;
    if (intakeMs === undefined) this.#enter(x);
    else {
      this.#entering += 1;
      this.#freeAtMs = Math.max(this.#freeAtMs, x.sentAtMs) + intakeMs(this.#taken++);
      this.#agenda.add(this.#freeAtMs, () => {
        this.#entering -= 1;
        this.#enter(x);
      });
    }
  }

  #enter(x: Job): void {
    if (this.#busy < this.#shape.servers) this.#begin(x);
    else this.#waiting.push(x);
  }

  get #backlog(): number {
    return this.#waiting.length - this.#head;
  }

  #begin(x: Job): void {
    this.#busy += 1;
    const tookMs = serviceMs(this.#random, this.#shape, this.#backlog);
    this.#agenda.add(this.#agenda.nowMs + tookMs, () => this.#answer(x));
  }

  #answer(x: Job): void {
    const { nowMs } = this.#agenda;
    this.#busy -= 1;
    if (this.#backlog > 0) {
      const next = this.#waiting[this.#head++] as Job;
      if (this.#head > 1000 && this.#head * 2 > this.#waiting.length) {
        this.#waiting.splice(0, this.#head);
        this.#head = 0;
      }
      this.#begin(next);
    }
    if (x.isOver) return;
    x.isOver = true;
    const admission = this.#admissions[x.worker];
    if (!this.#fails()) admission?.sample(x, nowMs - x.sentAtMs);
    admission?.release(x, nowMs, false);
    this.#end(x, nowMs - x.bornAtMs <= SLO_MS ? 'good' : 'late');
  }

  #fails(): boolean {
    const { failureRatio = 0 } = this.#load;
    return failureRatio > 0 && this.#random.nextFloat() < failureRatio;
  }

  // ── ends ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The client's patience is over. */
  #leave(x: Job): void {
    if (x.isOver) return;
    x.isOver = true;
    this.#admissions[x.worker]?.release(x, this.#agenda.nowMs, true);
    this.#again(x, 'timedOut');
  }

  /** The admission's patience is over. */
  #outwait(x: Job): void {
    if (!x.isOver && x.permit === WAITING) this.#refuse(x);
  }

  #refuse(x: Job): void {
    x.isOver = true;
    this.#admissions[x.worker]?.release(x, this.#agenda.nowMs, false);
    this.#again(x, 'refused');
  }

  #again(x: Job, fate: 'refused' | 'timedOut'): void {
    if (x.tries >= (this.#load.retries ?? 0)) {
      this.#end(x, fate);
      return;
    }
    const waitMs = retryWaitMs(this.#random, x.tries);
    this.#agenda.add(this.#agenda.nowMs + waitMs, () => this.#ask(x.split.cell, x.userKey, x.bornAtMs, x.tries + 1));
  }

  #end(x: Job, fate: 'good' | 'late' | 'refused' | 'timedOut'): void {
    if (x.bornAtMs < this.#load.fromMs) return;
    (this.#fates[x.split.cell] as Fates)[fate] += 1;
    if (fate !== 'good') return;
    const second = Math.floor((this.#agenda.nowMs - this.#load.fromMs) / 1000);
    this.#goodBySecond[second] = (this.#goodBySecond[second] as number) + 1;
  }
}
