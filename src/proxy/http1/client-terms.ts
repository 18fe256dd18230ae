/**
 * Terms of a client connection: its states, whom it tells, what it is bounded by besides the configuration's limits.
 */

import type { Placed } from '../../lib/roster.ts';

export type State = 'idle' | 'head' | 'exchange' | 'lingering' | 'closed';

/** A client's connection as the listener sees it, whatever protocol it speaks. */
export interface Caller extends Placed {
  readonly deadlineAtMs: number;
  /** Draining: an idle one closes now, a busy one when what is under way is over. */
  drain(): void;
  /** Ends it now, what is under way with it. */
  destroy(): void;
}

/** What the listener is told. */
export interface ConnectionEvents {
  closed(caller: Caller): void;
}

/** How long and how much is read from a client that was answered and told to close, so that the answer is not reset away. */
export const LINGER_MS = 2000;
export const LINGER_BYTES_MAX = 1_048_576;
/** An empty line may stand before a request. */
export const EMPTY_LINE_BYTES = 2;
/** Unsent bytes above which no further pipelined request is begun. */
export const UNSENT_BYTES_MAX = 262_144;
/** Bytes of further requests that wait for their turn before reading pauses. */
export const PIPELINED_BYTES_MAX = 16_384;
/** While draining: how long a connection that was just accepted may take to send its request. */
export const FIRST_REQUEST_MS = 500;
