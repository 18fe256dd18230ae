/**
 * Nouns of fault injection: what a route does wrong on purpose, for whom, and until when.
 *
 * A fault has a beginning and an end, at most a day apart. The main thread says which ones are on; a worker that was told
 * nothing injects nothing.
 * Source: docs/faults.md.
 */

/** How long a request is held before it goes on. */
export interface FaultDelay {
  readonly ms: number;
  /** `fixed`: so long; `exponential`: so long in the mean, at most `DELAY_MS_MAX`. */
  readonly distribution: 'fixed' | 'exponential';
}

/** How fast bodies go at most, in bytes a second; null = as fast as they can. */
export interface FaultBandwidth {
  readonly requestBytesPerS: number | null;
  readonly responseBytesPerS: number | null;
}

export const DELAY_MS_MAX = 60_000;
/** Faults of one route. */
export const FAULTS_MAX = 8;
/** From the beginning of a fault to its end. */
export const FAULT_MS_MAX = 86_400_000;

/** Whom a fault meets: all of it must hold. */
export interface FaultMatch {
  /** null = every version. */
  readonly version: string | null;
  /** A color that pinned the version; null = pinned or not. */
  readonly color: string | null;
  /** Header in lower case and its whole value; null = any. */
  readonly header: { readonly name: string; readonly value: string } | null;
}

export interface FaultConfig {
  /** `route/name` */
  readonly id: string;
  readonly match: FaultMatch;
  /** Share of the requests that match, 0..1. */
  readonly ratio: number;
  /** null = none. */
  readonly delay: FaultDelay | null;
  /** Status of the answer in the upstream's place, 500 to 599; null = none. */
  readonly abortStatus: number | null;
  /** Absent, not null, where bodies are not slowed down: so a fault stays ended that was before there was this. */
  readonly bandwidth?: FaultBandwidth;
  /** Wall clock, ms since 1970. */
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Faults that are on, by id, with the end of each on the monotonic clock, ms. */
export type ActiveFaults = ReadonlyMap<string, number>;

/** What is injected. In the order of counters. */
export const FAULT_KINDS = ['delay', 'abort', 'bandwidth'] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** Numbers of `FAULT_KINDS` by name. */
export const FAULT_KIND = { delay: 0, abort: 1, bandwidth: 2 } as const;

/** `stopped`: a person ended it before its time. */
export type FaultState = 'scheduled' | 'active' | 'over' | 'stopped';

/** One fault of the configuration, as it is now. */
export interface FaultStatus {
  readonly id: string;
  readonly route: string;
  readonly state: FaultState;
  /** What it does to whom, in words. */
  readonly sentence: string;
  /** ISO 8601. */
  readonly from: string;
  readonly until: string;
}

/** What a person asks: end every fault. */
export interface FaultStop {
  readonly by: string;
  readonly reason: string;
}

/** Ids of the faults that were ended, those that had not begun included. */
export type FaultStopResult =
  | { readonly kind: 'stopped'; readonly ids: readonly string[] }
  | { readonly kind: 'refused'; readonly detail: string };
