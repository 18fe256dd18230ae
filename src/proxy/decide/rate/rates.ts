/**
 * Counts requests against rate limits, together with the other workers. Hot path.
 *
 * GCRA: a key has a time at which it has all of its burst again. A request moves it one step on, and is refused where that
 * would be more than a burst ahead of now. So any span of t ms lets at most burst + t / step requests through, and a key
 * that asks no faster than its rate is never refused. Refused requests move nothing: who keeps asking is let in at the
 * rate, not locked out.
 *
 * Two workers that give the same place to new keys at the same moment may lose one of them: its next request
 * begins anew. Nothing else is lost: a known key's time moves by compare and exchange.
 * Source: ATM Forum Traffic Management 4.1, 4.4.2 (virtual scheduling). Layout: `model/overload.ts`.
 */

import { mix32 } from '../../../lib/hash.ts';
import {
  RATE_ENTRY,
  RATE_HEAD,
  RATE_SET_WORDS,
  RATE_TABLES,
  type RateLimitConfig,
  type RateTable,
} from '../../../model/overload.ts';

/** A limit in the units of its own times. */
export interface Rate {
  /** Hash of the limit: the same key under two limits is two entries. */
  readonly seed: number;
  readonly unitsPerMs: number;
  /** Units between two requests at the rate. */
  readonly step: number;
  /** Units that a burst takes at the rate. */
  readonly span: number;
  readonly table: RateTable;
}

type RateTerms = Pick<RateLimitConfig, 'requests' | 'perMs' | 'burst' | 'scope'>;

/** Times must stay less than half of 2^32 units apart: a burst ahead, and an expiry's grain behind. */
const SPAN_UNITS_MAX = 2 ** 29;
const UNITS_PER_MS_MAX = 2 ** 18;
const SECOND_MAX = 2 ** 31 - 1;
/** Expiry of an entry that nobody has. */
const FREE = -1;
/** Other workers take one key's place so often in a row only if it is thousands of requests a millisecond. */
const TRIES_MAX = 1000;
/** 2^32 divided by the golden ratio. */
const GOLDEN = 0x9e3779b1;

/**
 * Units that make the burst fine-grained and keep its times apart.
 * @param seed of the limit @param limit so many requests per `perMs`, all above 0
 */
export function rateOf(seed: number, { requests, perMs, burst, scope }: RateTerms): Rate {
  const stepMs = perMs / requests;
  const unitsPerMs = Math.min(UNITS_PER_MS_MAX, SPAN_UNITS_MAX / (burst * stepMs));
  const step = Math.max(1, Math.round(stepMs * unitsPerMs));
  return { seed: seed | 0, unitsPerMs, step, span: step * burst, table: RATE_TABLES[scope] };
}

export class Rates {
  readonly #words: Int32Array;

  constructor(rates: SharedArrayBuffer) {
    this.#words = new Int32Array(rates);
  }

  /**
   * Counts a request of a key. Returns 0, or how many ms too early it came; then it is not counted.
   * Cost: about 60 ns, allocates nothing for those that are let through.
   */
  take(rate: Rate, key: number, nowMs: number): number {
    const words = this.#words;
    const now = (nowMs * rate.unitsPerMs) | 0;
    const at = this.#entryOf(rate, key, nowMs, now);
    for (let n = 0; n < TRIES_MAX; n++) {
      const time = Atomics.load(words, at + RATE_ENTRY.time);
      const next = Math.max(0, (time - now) | 0) + rate.step;
      if (next > rate.span) return (next - rate.span) / rate.unitsPerMs;
      if (Atomics.compareExchange(words, at + RATE_ENTRY.time, time, (now + next) | 0) !== time) continue;
      Atomics.store(words, at + RATE_ENTRY.expiry, secondAfter(nowMs + next / rate.unitsPerMs));
      if (rate.table.isOfFleet) Atomics.add(words, at + RATE_ENTRY.untold, 1);
      return 0;
    }
    return 0;
  }

  /** Takes back what `take` counted just now. */
  giveBack(rate: Rate, key: number, nowMs: number): void {
    const at = this.#entryOf(rate, key, nowMs, (nowMs * rate.unitsPerMs) | 0);
    Atomics.sub(this.#words, at + RATE_ENTRY.time, rate.step);
    if (rate.table.isOfFleet) Atomics.sub(this.#words, at + RATE_ENTRY.untold, 1);
  }

  /** The entry of a key; a new one has all of its burst. */
  #entryOf({ seed, table }: Rate, key: number, nowMs: number, now: number): number {
    const words = this.#words;
    const hash = mix32(key ^ seed) | 0;
    const tag = tagOf(hash, key, seed, table.isOfFleet);
    const second = Math.floor(nowMs / 1000);
    const { entryWords } = table;
    const set = table.base + RATE_SET_WORDS * (hash & (table.sets - 1));
    let oldest = set;
    let oldestExpiry = Number.POSITIVE_INFINITY;
    for (let at = set; at < set + table.entries * entryWords; at += entryWords) {
      const held = Atomics.load(words, at + RATE_ENTRY.tag);
      const expiry = held === 0 ? FREE : Atomics.load(words, at + RATE_ENTRY.expiry);
      if (held === tag && expiry >= second && this.#isOf(at, seed, table)) return at;
      if (expiry >= oldestExpiry) continue;
      oldest = at;
      oldestExpiry = expiry;
    }
    if (oldestExpiry >= second) Atomics.add(words, RATE_HEAD.forgotten, 1);
    Atomics.store(words, oldest + RATE_ENTRY.tag, tag);
    Atomics.store(words, oldest + RATE_ENTRY.time, now);
    Atomics.store(words, oldest + RATE_ENTRY.expiry, secondAfter(nowMs));
    if (table.isOfFleet) {
      Atomics.store(words, oldest + RATE_ENTRY.untold, 0);
      Atomics.store(words, oldest + RATE_ENTRY.seed, seed);
    }
    return oldest;
  }

  #isOf(at: number, seed: number, { isOfFleet }: RateTable): boolean {
    return !isOfFleet || Atomics.load(this.#words, at + RATE_ENTRY.seed) === seed;
  }
}

/**
 * What an entry is known by, 1 to 2^32. Two limits have times of their own, so that a key of one must not be made to meet one of another: a
 * fleet's entries, known to others by their hash, have the limit beside it; a gateway's are placed by one hash and known by another.
 */
function tagOf(hash: number, key: number, seed: number, isOfFleet: boolean): number {
  const tag = isOfFleet ? hash : mix32((key + Math.imul(seed, GOLDEN)) | 0) | 0;
  return tag === 0 ? 1 : tag;
}

/** The last second in which a time still counts; that of a burst of centuries is the last that there is. */
function secondAfter(ms: number): number {
  return Math.min(SECOND_MAX, Math.floor(ms / 1000) + 1);
}
