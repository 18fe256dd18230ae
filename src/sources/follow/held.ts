/**
 * What a follower holds of its source, and what an earlier process held.
 */

import type { Item, Piece } from './source.ts';

/** What an earlier process held. */
export interface Recalled<P extends Item = Piece> {
  readonly pieces: readonly P[];
  /** When the source last said so, ISO 8601, and how long ago that is. */
  readonly confirmedAt: string;
  readonly confirmedMs: number;
}

/** The last answer that was believed. */
export interface Held<P extends Item> {
  readonly pieces: readonly P[];
  readonly revision: string;
}

export interface RecalledTimes {
  readonly confirmedAt: string;
  readonly confirmedAtMs: number;
}

/** What was known before an answer. */
export interface Before<P extends Item> {
  readonly held: Held<P> | null;
  readonly recalled: RecalledTimes | null;
}
