/**
 * Adds what other gateways measured to a region of memory that the judge reads like that of another worker.
 *
 * So merged evidence is judged by the very code that judges one gateway's: counts add up, and a user who came to several
 * gateways within a second is one bit and counts once, as with several workers (docs/FLEET.md "Evidence"). What cannot be
 * compared is let pass: the first message of a gateway, one after a silence longer than GAP_MS, counts at another share of the
 * canary, and slow requests at other thresholds. What is let pass is not made up for later.
 *
 * Attempts are added up by address: gateways need not know the same endpoints, nor have them in the same slots.
 */

import { ENDPOINTS_TOLD_APART_MAX } from '../../model/rollout.ts';
import type { ArmCounts } from '../../model/slo.ts';
import { CELL_WORDS, reserveTallies, type Tallies, viewTallies } from '../../model/tallies.ts';
import { markUser, secondAt } from '../../model/threads/requests/users.ts';
import { EVIDENCE_WORDS, isSameMemory, type Region, TRIAL_WORDS, type Watched, type WatchedArm } from './region.ts';
import { type ArmNews, decodeBits, type EndpointSums, type EvidenceMessage } from './words.ts';

/** No worker has it. */
export const OTHERS_ID = -1;
/** As long as the judge itself may look away (`slo/users.ts`). */
export const GAP_MS = 2000;
/** Gateways whose evidence is taken in, each for every rollout. */
export const SENDERS_MAX = 64;

const INDEX = new Map(EVIDENCE_WORDS.map((word, n) => [word, n]));

/** What a gateway had counted by its last message about a rollout. */
interface Last {
  readonly canary: Float64Array;
  readonly stable: Float64Array;
  /** By address, of the endpoints that it told of. */
  attempts: ReadonlyMap<string, EndpointSums>;
  heardAtMs: number;
  share: number;
  limits: string;
}

/** Attempts at an endpoint that any of the others made. */
interface Told extends ArmCounts {
  heardAtMs: number;
}

/** One rollout here. */
interface Entry {
  watched: Watched;
  readonly senders: Map<string, Last>;
  /** By address. */
  readonly attempts: Map<string, Told>;
}

const NOBODY: ReadonlyMap<string, Readonly<ArmCounts>> = new Map();

/** What is comparable now. */
export interface Terms {
  /** What the canary has here of what it and stable have together. */
  readonly share: number;
  /** The freeze that is counted at here; empty: none. */
  readonly limits: string;
}

export class Others {
  readonly region: Region;
  readonly #watched = new Map<string, Entry>();

  /** Reserves address space like a worker's; resident only where something is written. */
  constructor(tallies: Tallies = viewTallies(reserveTallies())) {
    this.region = { id: OTHERS_ID, tallies };
  }

  /** Takes in the rollouts of a configuration. */
  follow(watched: readonly Watched[]): void {
    for (const one of watched) {
      const before = this.#watched.get(one.route);
      if (before !== undefined && isSameMemory(before.watched, one)) before.watched = one;
      else this.#watched.set(one.route, { watched: one, senders: new Map(), attempts: new Map() });
    }
    const routes = new Set(watched.map(({ route }) => route));
    for (const route of this.#watched.keys()) if (!routes.has(route)) this.#watched.delete(route);
  }

  /** Takes in a message. False when there is no room for another gateway. */
  take(message: EvidenceMessage, terms: Terms, nowMs: number): boolean {
    const entry = this.#watched.get(message.route);
    if (entry === undefined || entry.watched.generation !== message.generation) return true;
    const { watched, senders } = entry;
    let last = senders.get(message.id);
    if (last === undefined) {
      this.#expire(senders, nowMs);
      if (senders.size >= SENDERS_MAX) return false;
      last = emptyLast();
      senders.set(message.id, last);
    }
    const isComparable =
      nowMs - last.heardAtMs <= GAP_MS && message.share === terms.share && last.share === terms.share;
    const hasTrials = isComparable && message.limits === terms.limits && last.limits === terms.limits;
    const what = { isComparable, hasTrials, nowMs };
    this.#takeArm(watched.canary, message.canary, last.canary, what);
    this.#takeArm(watched.stable, message.stable, last.stable, what);
    this.#takeAttempts(entry.attempts, message.attempts ?? [], last, { isComparable, nowMs });
    last.heardAtMs = nowMs;
    last.share = message.share;
    last.limits = message.limits;
    return true;
  }

  /** Sums of attempts at the canary's endpoints that the others have now, by address. One that is back begins anew. */
  attemptsOf(route: string, nowMs: number): ReadonlyMap<string, Readonly<ArmCounts>> {
    const attempts = this.#watched.get(route)?.attempts;
    if (attempts === undefined) return NOBODY;
    for (const [address, { heardAtMs }] of attempts) if (nowMs - heardAtMs > GAP_MS) attempts.delete(address);
    return attempts;
  }

  #expire(senders: Map<string, Last>, nowMs: number): void {
    for (const [id, { heardAtMs }] of senders) if (nowMs - heardAtMs > GAP_MS) senders.delete(id);
  }

  #takeArm(
    { cell, unit }: WatchedArm,
    { words, seen, bad }: ArmNews,
    last: Float64Array,
    { isComparable, hasTrials, nowMs }: { isComparable: boolean; hasTrials: boolean; nowMs: number },
  ): void {
    const { cells } = this.region.tallies;
    for (let n = 0; n + 1 < words.length; n += 2) {
      const word = words[n] as number;
      const index = INDEX.get(word);
      if (index === undefined) continue;
      const sum = words[n + 1] as number;
      const news = sum - (last[index] as number);
      last[index] = sum;
      if (news <= 0 || !(TRIAL_WORDS.has(word) ? hasTrials : isComparable)) continue;
      const at = cell * CELL_WORDS + word;
      cells[at] = ((cells[at] as number) + news) | 0;
    }
    if (isComparable) this.#mark(unit, decodeBits(seen), decodeBits(bad), nowMs);
  }

  /** Users are of the second in which they are heard of: clocks of machines have nothing in common. */
  #mark(unit: number, seen: readonly number[], bad: readonly number[], nowMs: number): void {
    if (seen.length === 0) return;
    const { units } = this.region.tallies;
    const second = Math.floor(nowMs / 1000) | 0;
    const base = secondAt(units, unit, second);
    const failed = new Set(bad);
    for (const bit of seen) markUser(units, base, bit, failed.has(bit));
  }

  /** An endpoint that its sender did not tell of before begins with nothing there. */
  #takeAttempts(
    told: Map<string, Told>,
    attempts: readonly EndpointSums[],
    last: Last,
    { isComparable, nowMs }: { readonly isComparable: boolean; readonly nowMs: number },
  ): void {
    const before = last.attempts;
    last.attempts = new Map(attempts.map((sums) => [sums[0], sums]));
    for (const [address, finished, bad] of attempts) {
      const sums = told.get(address) ?? { finished: 0, bad: 0, heardAtMs: nowMs };
      if (!told.has(address) && told.size >= ENDPOINTS_TOLD_APART_MAX) continue;
      told.set(address, sums);
      sums.heardAtMs = nowMs;
      if (!isComparable) continue;
      const [, finishedBefore, badBefore] = before.get(address) ?? [address, 0, 0];
      sums.finished += Math.max(0, finished - finishedBefore);
      sums.bad += Math.max(0, bad - badBefore);
    }
  }
}

/** Before anything was heard: nothing is comparable. */
function emptyLast(): Last {
  return {
    canary: new Float64Array(EVIDENCE_WORDS.length),
    stable: new Float64Array(EVIDENCE_WORDS.length),
    attempts: new Map(),
    heardAtMs: Number.NEGATIVE_INFINITY,
    share: -1,
    limits: '',
  };
}
