/**
 * Nouns of taps: which live requests somebody wants to see, and what a worker hands over of them.
 */

import type { Reason } from '../../reason.ts';
import type { AccessRecord } from './access.ts';

/** Taps at a time, of all people together. */
export const TAPS_MAX = 4;
/** Most requests a second that one tap is shown. */
export const TAP_RATE_MAX = 100;

/** Which requests: all of it must hold; null = any. */
export interface TapFilter {
  readonly route: string | null;
  /** The version that answered or failed, or the canary that failed before another one answered. */
  readonly version: string | null;
  /** A color that pinned the version. */
  readonly color: string | null;
  /** Statuses, ends included; 0 = no response was given. */
  readonly status: readonly [least: number, most: number] | null;
  /** `failed`: what the access log takes for a failure; `ok`: everything else; or why the gateway answered or gave up. */
  readonly outcome: 'ok' | 'failed' | Reason | null;
}

/** What somebody asks for. */
export interface TapWish {
  readonly filter: TapFilter;
  /** At most `TAP_RATE_MAX`. */
  readonly perSecond: number;
}

/** A tap that is open. */
export interface Tap extends TapWish {
  /** Of the process; never given again. */
  readonly id: number;
}

/** A request that a tap is shown. */
export type TapRow = readonly [
  id: number,
  /** A color pinned its version. */
  isPinned: boolean,
  /** Its `sampleRatio` means nothing. */
  record: AccessRecord,
];

/** Requests that went by a tap. */
export interface TapCounts {
  /** That its filter lets through. */
  readonly matched: number;
  /** Of these not shown: more than the tap's rate. */
  readonly overRate: number;
  /** Of these not shown: somebody on the way was too slow. */
  readonly dropped: number;
}

/** What one worker has for the taps since its last batch. */
export interface TapBatch {
  readonly rows: readonly TapRow[];
  /** By tap. */
  readonly counts: ReadonlyMap<number, TapCounts>;
}
