/**
 * Watches routes after their configuration changed, each against how it did before and against routes that did not change.
 *
 * ```
 * all routes ─▶ records (record.ts), one block at a time
 * a change ─▶ a watch per changed route, against its record as it was and up to UNCHANGED_MAX routes beside it
 * a turn ─▶ counts since the last one ─▶ evidence (watch.ts) ─▶ convicted: what is to be reverted, and why
 * ```
 * Convicted is who has ln(2m / ALPHA) of evidence, m routes being watched, HELD_TURNS turns in a row, while no unchanged route
 * fails more than it did: a shared outage reverts nothing. Where no unchanged route had traffic nothing can tell an outage from
 * the change; then only what begins within ALONE_MS of it counts.
 */

import type { RevertCertificate } from '../../../model/threads/revision.ts';
import { countsOf, Turns } from './certificate.ts';
import { countsBetween, NO_COUNTS, pairOf, type RouteCounts, RouteRecord, type Track } from './record.ts';
import { FAILED_MIN, RouteWatch, sumOf } from './watch.ts';

/** Bound on the chance that one revision is ever reverted without having made a route fail more than tolerated. */
export const ALPHA = 1e-4;
/** Routes watched at a time, those with most traffic; and routes they are compared with. */
export const WATCHED_MAX = 256;
export const UNCHANGED_MAX = 64;
/** Fewest exchanges before the change. */
export const RECORD_LEAST = 20;
const BLOCK_MS = 10_000;
/** The time a block takes is divided among all routes. */
const TURNS_PER_BLOCK = 100;
/** A block under way that is older counts as one when a watch begins; at most so many are read then. */
const PART_MS_LEAST = 1000;
const UNREAD_MAX = 1000;
const HELD_TURNS = 3;
const ALONE_MS = 10_000;
/** Configurations that could be gone back to, at a time. */
const BASES_MAX = 8;

/** A route and where its counters are. */
export interface GuardedRoute {
  readonly name: string;
  readonly cells: readonly number[];
}

/** A route that a change made fail. */
export interface Conviction<Base> {
  readonly route: string;
  /** What was in force before the change. */
  readonly base: Base;
  readonly sentence: string;
  readonly track: Track;
  readonly logE: number;
  readonly threshold: number;
  readonly tookMs: number;
  readonly finished: number;
  readonly failed: number;
  readonly limit: number;
  readonly certificate: RevertCertificate;
}

interface Recorded {
  route: GuardedRoute;
  readonly record: RouteRecord;
  /** At the beginning of the block under way. */
  counts: RouteCounts;
  sinceMs: number;
}

interface Watched<Base> {
  readonly name: string;
  readonly base: Base;
  readonly watch: RouteWatch;
  readonly before: Recorded;
  /** The unchanged routes before; null: too little. */
  readonly unchanged: RouteCounts | null;
  /** Routes that were watched with it. */
  readonly count: number;
  /** ln E that convicts. */
  readonly threshold: number;
  readonly startedAtMs: number;
  /** When what it is measured against was taken: it may have changed again since. */
  readonly beganAtMs: number;
  readonly turns: Turns;
  last: RouteCounts;
  held: number;
}

interface Beside {
  readonly watch: RouteWatch;
  readonly recorded: Recorded;
  last: RouteCounts;
}

/** @typeParam Base what is gone back to */
export class RevisionGuard<Base> {
  readonly #countsOf: (cells: readonly number[]) => RouteCounts;
  #records = new Map<string, Recorded>();
  /** In the order of the routes. */
  #order: readonly Recorded[] = [];
  #next = 0;
  #watched = new Map<string, Watched<Base>>();
  #beside: Beside[] = [];

  /** @param countsOf what was counted in some cells together so far */
  constructor(countsOf: (cells: readonly number[]) => RouteCounts) {
    this.#countsOf = countsOf;
  }

  /** Names of the routes that are watched now. */
  get watching(): readonly string[] {
    return [...this.#watched.keys()];
  }

  /** What could be gone back to now, at most BASES_MAX. */
  get bases(): readonly Base[] {
    return [...new Set([...this.#watched.values()].map(({ base }) => base))];
  }

  /** Takes in which routes there are; records go on by name. Cost: O(routes), next to nothing as long as they are the same. */
  follow(routes: readonly GuardedRoute[], nowMs: number): void {
    const order = this.#order;
    if (routes.length === order.length && routes.every((route, n) => isLike((order[n] as Recorded).route, route))) {
      for (let n = 0; n < routes.length; n++) (order[n] as Recorded).route = routes[n] as GuardedRoute;
      return;
    }
    const records = new Map<string, Recorded>();
    for (const route of routes) {
      const known = this.#records.get(route.name);
      if (known !== undefined && isSameList(known.route.cells, route.cells)) {
        known.route = route;
        records.set(route.name, known);
        continue;
      }
      const record = known?.record ?? new RouteRecord();
      records.set(route.name, { route, record, counts: this.#countsOf(route.cells), sinceMs: nowMs });
    }
    this.#records = records;
    this.#order = [...records.values()];
    for (const name of this.#watched.keys()) if (!records.has(name)) this.#watched.delete(name);
  }

  /**
   * Watches routes whose configuration changed; one that is watched already stays against what it was before that.
   * @param base what to go back to
   * @returns how many of them are watched; the others had too little traffic, or are too many
   */
  begin(changed: ReadonlySet<string>, base: Base, nowMs: number): number {
    const found = [...changed].flatMap((name) => this.#records.get(name) ?? []);
    for (const recorded of found) if (!this.#watched.has(recorded.route.name)) this.#close(recorded, nowMs);
    const busiest = busiestOf(found, WATCHED_MAX);
    const names = new Set([...this.#watched.keys(), ...busiest.map(({ route }) => route.name)]);
    // Nobody is compared with the others then.
    if (names.size === 0) return 0;
    this.#chooseBeside(new Set([...changed, ...names]), nowMs, names.size);
    let unchanged = NO_COUNTS;
    for (const { recorded } of this.#beside) unchanged = sumOf(unchanged, recorded.record.sum);
    for (const before of busiest) this.#watch(before, { base, others: unchanged, count: names.size }, nowMs);
    this.#bound();
    return busiest.length;
  }

  /** Nothing is watched any more. */
  end(nowMs: number): void {
    for (const watched of this.#watched.values()) this.#release(watched, nowMs);
  }

  /** One turn of the loop. @param watchMs how long a route is watched */
  turn(nowMs: number, watchMs: number): Conviction<Base> | null {
    this.#recordSome(nowMs);
    if (this.#watched.size === 0) return null;
    const others = this.#turnBeside();
    let convicted: Conviction<Base> | null = null;
    for (const watched of this.#watched.values()) {
      const now = this.#countsOf(watched.before.route.cells);
      const own = countsBetween(watched.last, now);
      watched.watch.add(own, others);
      watched.turns.add(nowMs - watched.beganAtMs, own, others);
      watched.last = now;
      convicted ??= this.#judge(watched, nowMs);
      const lastsMs = watched.unchanged !== null ? watchMs : Math.min(watchMs, ALONE_MS);
      if (nowMs - watched.startedAtMs >= lastsMs) this.#release(watched, nowMs);
    }
    return convicted;
  }

  // ── ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #watch(
    before: Recorded,
    { base, others, count }: { readonly base: Base; readonly others: RouteCounts; readonly count: number },
    nowMs: number,
  ): void {
    const { name, cells } = before.route;
    const known = this.#watched.get(name);
    const unchanged = others.answered >= RECORD_LEAST ? others : null;
    const delta = ALPHA / (2 * count);
    const watch = new RouteWatch({ record: before.record, unchanged, delta }, nowMs);
    const last = this.#countsOf(cells);
    const since = { base: known?.base ?? base, startedAtMs: known?.startedAtMs ?? nowMs };
    const threshold = Math.log((2 * count) / ALPHA);
    const fresh = { beganAtMs: nowMs, turns: new Turns(), last, held: 0 };
    this.#watched.set(name, { name, ...since, watch, before, unchanged, count, threshold, ...fresh });
  }

  /** The busiest of those that did not change; what they count meanwhile is part of their record as ever. */
  #chooseBeside(changed: ReadonlySet<string>, nowMs: number, count: number): void {
    const others = [...this.#records.values()].filter(({ route }) => !changed.has(route.name));
    const unread = others.filter(({ sinceMs }) => nowMs - sinceMs >= PART_MS_LEAST);
    for (const recorded of unread.slice(0, UNREAD_MAX)) this.#close(recorded, nowMs);
    this.#beside = busiestOf(others, UNCHANGED_MAX).map((recorded) => {
      const watch = new RouteWatch({ record: recorded.record, unchanged: null, delta: ALPHA / (2 * count) }, nowMs);
      return { watch, recorded, last: this.#countsOf(recorded.route.cells) };
    });
  }

  /** Counts of the unchanged routes since the last turn, together. */
  #turnBeside(): RouteCounts {
    let sum = NO_COUNTS;
    for (const beside of this.#beside) {
      const now = this.#countsOf(beside.recorded.route.cells);
      const counts = countsBetween(beside.last, now);
      beside.last = now;
      beside.watch.add(counts, NO_COUNTS);
      sum = sumOf(sum, counts);
    }
    return sum;
  }

  #judge(watched: Watched<Base>, nowMs: number): Conviction<Base> | null {
    const { watch, name, base, startedAtMs, threshold } = watched;
    const { logE, track, failed } = watch.judge(nowMs);
    const isOver = logE >= threshold && failed >= FAILED_MIN && !this.#isShared();
    watched.held = isOver ? watched.held + 1 : 0;
    if (watched.held < HELD_TURNS) return null;
    const [finished] = pairOf(track, watch.seen);
    const limit = watch.limitOf(track);
    const tookMs = nowMs - startedAtMs;
    const numbers = { track, logE, threshold, tookMs, finished, failed, limit };
    const certificate = this.#certify(watched);
    return { route: name, base, ...numbers, sentence: sentenceOf(watched, track, tookMs), certificate };
  }

  #certify({ count, before, unchanged, turns }: Watched<Base>): RevertCertificate {
    const rises = this.#beside.map(({ watch }) => watch.logRise);
    const logRise = Math.max(...rises);
    return {
      format: 1,
      alpha: ALPHA,
      routes: count,
      blocks: before.record.blocks,
      unchanged: unchanged === null ? null : countsOf(unchanged),
      turns: turns.list,
      beside: { routes: rises.length, logRise: Number.isFinite(logRise) ? logRise : null },
    };
  }

  /** Whether a route that did not change fails more than it did, too. */
  #isShared(): boolean {
    const level = Math.log(this.#beside.length * 20);
    return this.#beside.some(({ watch }) => watch.logRise >= level);
  }

  #release({ name, before, last }: Watched<Base>, nowMs: number): void {
    this.#watched.delete(name);
    before.counts = last;
    before.sinceMs = nowMs;
    if (this.#watched.size === 0) this.#beside = [];
  }

  #bound(): void {
    const { bases } = this;
    const dropped = new Set(bases.slice(0, Math.max(0, bases.length - BASES_MAX)));
    for (const { name, base } of this.#watched.values()) if (dropped.has(base)) this.#watched.delete(name);
  }

  #recordSome(nowMs: number): void {
    const count = Math.ceil(this.#order.length / TURNS_PER_BLOCK);
    for (let n = 0; n < count; n++) {
      const recorded = this.#order[this.#next++ % this.#order.length] as Recorded;
      if (nowMs - recorded.sinceMs < BLOCK_MS || this.#watched.has(recorded.route.name)) continue;
      this.#close(recorded, nowMs);
    }
  }

  /** Ends the block under way. */
  #close(recorded: Recorded, nowMs: number): void {
    const counts = this.#countsOf(recorded.route.cells);
    const lengthMs = nowMs - recorded.sinceMs;
    if (lengthMs > 0) recorded.record.add(countsBetween(recorded.counts, counts), lengthMs);
    recorded.counts = counts;
    recorded.sinceMs = nowMs;
  }
}

function isLike(a: GuardedRoute, b: GuardedRoute): boolean {
  return a === b || (a.name === b.name && isSameList(a.cells, b.cells));
}

function isSameList(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((cell, index) => cell === b[index]);
}

/** Those with most traffic, of those that have enough. */
function busiestOf(recorded: readonly Recorded[], count: number): Recorded[] {
  const counted = recorded.map((one) => ({ one, answered: one.record.answered }));
  const able = counted.filter(({ answered }) => answered >= RECORD_LEAST);
  return able
    .toSorted((a, b) => b.answered - a.answered)
    .slice(0, count)
    .map(({ one }) => one);
}

function sentenceOf<Base>(
  { watch, before, name, unchanged }: Watched<Base>,
  track: 'errors' | 'refusals',
  tookMs: number,
) {
  const told = (counts: RouteCounts): string => {
    const [finished, failed] = pairOf(track, counts);
    return `${failed} of ${finished}`;
  };
  const what = track === 'errors' ? 'requests failed' : 'requests failed or were turned away (4xx)';
  const others =
    unchanged !== null
      ? `${told(watch.othersSeen)} on routes that did not change`
      : 'no route that did not change had traffic to compare with';
  const limit = Number((watch.limitOf(track) * 100).toPrecision(3));
  const seconds = (tookMs / 1000).toFixed(1);
  return `route ${name}: ${told(watch.seen)} ${what} within ${seconds} s of the change, ${told(before.record.sum)} before (tolerated ${limit} %); ${others}`;
}
