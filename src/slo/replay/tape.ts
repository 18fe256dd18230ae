/**
 * Writes down what a judgement is told, row by row (`format.ts`), and hands segments to whoever keeps them.
 *
 * ```
 * rows ─▶ segment under way ─▶ full, old, or a decision was made ─▶ hashed and handed on; nothing waits for a disk
 * ```
 * A look that saw nothing joins the run before it. Cost: about 1 us per look with traffic and 25 to 50 bytes, 1 byte for one
 * without; a segment is hashed once, 60 KB in about 0.1 ms.
 */

import { createHash } from 'node:crypto';
import type { RolloutCommand } from '../../model/rollout.ts';
import type { ArmCounts, EndpointName, Evidence, EvidenceRef, PairCounts } from '../../model/slo.ts';
import type { Segment } from '../../model/threads/state.ts';
import type { LatencyLimits } from '../latency/score.ts';
import type { BudgetReading } from '../rollout/gates.ts';
import type { Look, Noted } from '../verdict/score/account.ts';
import { SAMPLES_MAX } from '../verdict/score/account.ts';
import { ByteWriter } from './bytes.ts';
import { BUDGET, CODE, type Facts, isNothing, LOOK, type OpenRow, type SpecRow, TICK_MS } from './format.ts';

/** A segment is handed on at this size, or at this age. */
export const SEGMENT_BYTES = 60_000;
const SEGMENT_MS = 300_000;
/** Looks of one idle row. */
const IDLE_MAX = 1000;
/** Stands for the hash before the first segment. */
const GENESIS = '0'.repeat(64);

/** Where segments go. */
export interface TapeKeeper {
  /** Takes a segment; never throws, never waits. */
  readonly keep: (segment: Segment) => void;
  /** Wall clock, ISO 8601. */
  readonly wallTime: () => string;
}

export class Tape {
  readonly #keeper: TapeKeeper;
  readonly #watch: string;
  readonly #route: string;
  readonly #out = new ByteWriter();
  /** Times of the looks that saw nothing since the last row, as they are written. */
  readonly #idle: number[] = [];
  #number = 0;
  #hash = GENESIS;
  #atMs: number;
  #beganAtMs: number;
  #budget: BudgetReading = { remainingRatio: null, remainingEvents: null, alert: null };

  constructor(keeper: TapeKeeper, open: OpenRow) {
    this.#keeper = keeper;
    this.#watch = open.watch;
    this.#route = open.spec.route;
    this.#atMs = open.nowMs;
    this.#beganAtMs = open.nowMs;
    this.#row(CODE.open);
    this.#out.text(JSON.stringify(open));
  }

  /** @param trials null while no thresholds are frozen */
  look(look: Look, trials: readonly PairCounts[] | null, nowMs: number): void {
    const flags = flagsOf(look, trials);
    if (flags === 0) this.#rest(nowMs);
    else this.#see(flags, look, trials, nowMs);
    if (this.#out.length >= SEGMENT_BYTES || nowMs - this.#beganAtMs >= SEGMENT_MS) this.seal();
  }

  /** New thresholds, or none any more; belongs to the row before it. */
  freeze(limits: LatencyLimits | null): void {
    this.#row(CODE.freeze);
    this.#out.byte(limits === null ? 0 : 1);
    if (limits === null) return;
    for (const ms of limits.stableMs) this.#out.real(ms);
    for (const ms of limits.canaryMs) this.#out.real(ms);
  }

  /** @param gapMs length of the time that passes unjudged */
  skip(nowMs: number, gapMs: number): void {
    this.#row(CODE.skip);
    this.#time(nowMs);
    this.#out.real(gapMs);
  }

  /** @param weight the canary's dial */
  weigh(weight: number, nowMs: number): void {
    this.#row(CODE.weigh);
    this.#time(nowMs);
    this.#out.whole(weight);
  }

  spec(row: SpecRow, nowMs: number): void {
    this.#row(CODE.spec);
    this.#time(nowMs);
    this.#out.text(JSON.stringify(row));
  }

  /** What the machine is told of the budget; only changes are written. @param isWhole with the events that are left, which only commands ask for */
  budget(reading: BudgetReading, isWhole: boolean): void {
    const { remainingRatio, remainingEvents, alert } = reading;
    const before = this.#budget;
    const events = isWhole ? remainingEvents : before.remainingEvents;
    let bits = 0;
    if (remainingRatio !== before.remainingRatio) bits |= remainingRatio === null ? BUDGET.noRatio : BUDGET.ratio;
    if (events !== before.remainingEvents) bits |= events === null ? BUDGET.noEvents : BUDGET.events;
    if (alert !== before.alert) bits |= alert === null ? BUDGET.noAlert : BUDGET.alert;
    if (bits === 0) return;
    this.#budget = { remainingRatio, remainingEvents: events, alert };
    this.#row(CODE.budget);
    this.#out.byte(bits);
    if ((bits & BUDGET.ratio) !== 0) this.#out.real(remainingRatio as number);
    if ((bits & BUDGET.events) !== 0) this.#out.real(events as number);
    if ((bits & BUDGET.alert) !== 0) this.#out.text(alert as string);
  }

  /** Endpoints that only other gateways know, from now on. */
  meet(names: readonly EndpointName[], nowMs: number): void {
    this.#row(CODE.meet);
    this.#time(nowMs);
    this.#out.text(JSON.stringify(names));
  }

  command(command: RolloutCommand, nowMs: number): void {
    this.#row(CODE.command);
    this.#time(nowMs);
    this.#out.text(JSON.stringify(command));
  }

  /** Bad exchanges of the canary in this step: when the first of them ended, and the newest ids. */
  note(noted: readonly Noted[]): void {
    if (noted.length === 0) return;
    const ids = noted.filter(({ requestId }) => requestId !== '').slice(-SAMPLES_MAX);
    this.#row(CODE.note);
    this.#out.real(Math.min(...noted.map(({ atMs }) => atMs)));
    this.#out.whole(ids.length);
    for (const { requestId } of ids) this.#out.raw(Buffer.from(requestId, 'hex'));
  }

  /** A decision was made. @returns where its evidence ends */
  decided(facts: Facts): EvidenceRef {
    this.#row(CODE.decided);
    this.#out.text(JSON.stringify(facts));
    return this.seal();
  }

  /** Hands on what there is. @returns where it ends */
  seal(): EvidenceRef {
    this.#flushIdle();
    if (this.#out.length > 0) {
      const bytes = this.#out.take();
      const previous = this.#hash;
      this.#number += 1;
      this.#hash = createHash('sha256').update(`${previous}\n`).update(bytes).digest('hex');
      this.#beganAtMs = this.#atMs;
      const { wallTime, keep } = this.#keeper;
      const name = { watch: this.#watch, route: this.#route, number: this.#number };
      keep({ ...name, at: wallTime(), previous, hash: this.#hash, bytes });
    }
    return { watch: this.#watch, segment: this.#number, hash: this.#hash };
  }

  #see(
    flags: number,
    { requests, users, attempts, routes }: Look,
    trials: readonly PairCounts[] | null,
    nowMs: number,
  ): void {
    this.#row(CODE.look + flags);
    this.#time(nowMs);
    if ((flags & LOOK.requests) !== 0) this.#pair(requests);
    if ((flags & LOOK.users) !== 0) this.#pair(users);
    if (attempts !== null) {
      this.#out.whole(attempts.length);
      for (const counts of attempts) this.#arm(counts);
    }
    if ((flags & LOOK.trials) !== 0) for (const pair of trials as readonly PairCounts[]) this.#pair(pair);
    if ((flags & LOOK.routes) !== 0) this.#routes(routes as readonly Evidence[]);
  }

  #routes(routes: readonly Evidence[]): void {
    this.#out.whole(routes.length);
    for (const { requests, users } of routes) {
      this.#pair(requests);
      this.#pair(users);
    }
  }

  #rest(nowMs: number): void {
    if (this.#idle.length >= IDLE_MAX) this.#flushIdle();
    this.#idle.push(nowMs - this.#atMs - TICK_MS);
    this.#atMs = nowMs;
  }

  #row(code: number): void {
    this.#flushIdle();
    this.#out.byte(code);
  }

  #flushIdle(): void {
    if (this.#idle.length === 0) return;
    this.#out.byte(CODE.idle);
    this.#out.whole(this.#idle.length);
    for (const ms of this.#idle) this.#out.signed(ms);
    this.#idle.length = 0;
  }

  #time(nowMs: number): void {
    this.#out.signed(nowMs - this.#atMs - TICK_MS);
    this.#atMs = nowMs;
  }

  #pair({ canary, stable }: PairCounts): void {
    this.#arm(canary);
    this.#arm(stable);
  }

  #arm({ finished, bad }: ArmCounts): void {
    this.#out.whole(finished);
    this.#out.whole(bad);
  }
}

function flagsOf(
  { requests, users, isConsistent, attempts, routes }: Look,
  trials: readonly PairCounts[] | null,
): number {
  let flags = 0;
  if (!isNothing(requests)) flags |= LOOK.requests;
  if (!isNothing(users)) flags |= LOOK.users;
  if (!isConsistent) flags |= LOOK.inconsistent;
  if (attempts !== null) flags |= LOOK.attempts;
  if (trials !== null && !trials.every(isNothing)) flags |= LOOK.trials;
  if (routes !== undefined && !routes.every(isEmpty)) flags |= LOOK.routes;
  return flags;
}

function isEmpty({ requests, users }: Evidence): boolean {
  return isNothing(requests) && isNothing(users);
}
