/**
 * Nouns of overload: how important a request is, how many a version gets at a time, when it is given up for a while, and how
 * many a client may send.
 */

import type { RouteSpec, TargetSpec } from './snapshot.ts';
import { serviceSteps } from './threads/answers/fallback.ts';

/** How important a request is when a version has more than it can serve, in order: the first is served first. */
export const PRIORITIES = ['critical', 'default', 'degraded', 'best-effort'] as const;

export type Priority = (typeof PRIORITIES)[number];

/**
 * How many requests of a version may be under way: what its latency allows, in all workers together (`auto`), any number (`off`),
 * or so many in each worker.
 */
export type ConcurrencyLimit = 'auto' | 'off' | number;

/** When a version that fails is given up for a while (proxy/decide/breaker). */
export interface BreakerConfig {
  /** Failed attempts in a row. */
  readonly consecutiveErrors: number;
  /** Lower success ratios, of `requestsMin` attempts or more within `windowMs`. */
  readonly successRatioMin: number;
  readonly requestsMin: number;
  readonly windowMs: number;
  /** Time without any attempt; twice as long after each probe that fails, up to eight times. */
  readonly openMs: number;
  /** Attempts that must be good before all are made again. */
  readonly probes: number;
}

/** What overload control goes by in the requests themselves. */
export interface OverloadConfig {
  /** Lower-case header in which trusted proxies name a request's priority, removed from anybody else's; null = none. */
  readonly priorityHeader: string | null;
}

/**
 * The cell in which each worker shows how a version's admission and breaker stand: that of the first split that leads to the version,
 * which may have thousands.
 */
export function versionCells(routes: readonly Pick<RouteSpec, 'splits' | 'fallback'>[]): Map<TargetSpec, number> {
  const cells = new Map<TargetSpec, number>();
  for (const { splits } of routes) {
    for (const { targets, cell } of splits) if (!cells.has(targets)) cells.set(targets, cell);
  }
  // Last, so that a version shows where it is sent to all the time.
  for (const { fallback } of routes) {
    for (const { split } of serviceSteps(fallback)) if (!cells.has(split.targets)) cells.set(split.targets, split.cell);
  }
  return cells;
}

/** Whose requests a rate limit counts together. */
export const RATE_KEYS = ['user', 'address', 'route'] as const;

export type RateKey = (typeof RATE_KEYS)[number];

/** Whose requests a rate limit counts: those of this gateway, or of all gateways of its fleet (docs/FLEET.md). */
export const RATE_SCOPES = ['gateway', 'fleet'] as const;

export type RateScope = (typeof RATE_SCOPES)[number];

/** So many requests of one key in so much time, over all workers of the gateway or of the fleet. */
export interface RateLimitConfig {
  readonly name: string;
  readonly requests: number;
  readonly perMs: number;
  /** Requests that may come at once, after as long a pause. */
  readonly burst: number;
  readonly by: RateKey;
  readonly scope: RateScope;
}

/** Limits of one route. */
export const RATE_LIMITS_MAX = 4;

/**
 * The table in shared memory in which all workers count requests against rate limits, a set-associative cache: the hash of
 * limit and key says which set, and a set is one line of a processor's cache with five entries. What does not fit in a set
 * takes the place of the entry that would be full again first, and is counted in `forgotten`. So the memory is bounded,
 * whatever keys clients make up.
 *
 * ```
 * header  1 set     forgotten, spare …
 * set     16 words  5 x (tag, time, expiry), spare
 * tag     hash of limit and key, 0 = free
 * time    when the key has all of its burst again, in units of its limit, modulo 2^32
 * expiry  second of the monotonic clock after which `time` means nothing
 * ```
 * Limits of a fleet have a table of their own behind that one, of 4,096 sets with three entries: two more words say how many
 * requests were let through that the fleet was not told of yet, and the seed of the limit. There the main thread writes too:
 * it takes the count, and puts the time off by what other gateways let through (fleet/rates).
 */
export const RATE_SETS = 16_384;
export const RATE_SET_WORDS = 16;
export const RATE_ENTRIES = 5;
/** Words of an entry, and where they lie. */
export const RATE_ENTRY_WORDS = 3;
/** The last two only where a fleet counts. */
export const RATE_ENTRY = { tag: 0, time: 1, expiry: 2, untold: 3, seed: 4 } as const;
export const RATE_HEAD = { forgotten: 0 } as const;

/** One of the two tables. */
export interface RateTable {
  /** Word of its first set. */
  readonly base: number;
  /** A power of two. */
  readonly sets: number;
  readonly entries: number;
  readonly entryWords: number;
  readonly isOfFleet: boolean;
}

export const RATE_TABLES: Readonly<Record<RateScope, RateTable>> = {
  gateway: {
    base: RATE_SET_WORDS,
    sets: RATE_SETS,
    entries: RATE_ENTRIES,
    entryWords: RATE_ENTRY_WORDS,
    isOfFleet: false,
  },
  fleet: { base: (1 + RATE_SETS) * RATE_SET_WORDS, sets: 4096, entries: 3, entryWords: 5, isOfFleet: true },
};

/** Tables without entries: 1.25 MiB. */
export function reserveRates(): SharedArrayBuffer {
  const { base, sets } = RATE_TABLES.fleet;
  return new SharedArrayBuffer((base + sets * RATE_SET_WORDS) * Int32Array.BYTES_PER_ELEMENT);
}

/** Keys that were given up, as there was no room, while they still counted. */
export function ratesForgotten(rates: SharedArrayBuffer): number {
  return Atomics.load(new Int32Array(rates), RATE_HEAD.forgotten) >>> 0;
}
