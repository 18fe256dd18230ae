/**
 * Nouns of what outlives the process: budgets, rollouts and decisions; what is said to the thread that writes them.
 */

import type { SavedRollout } from '../rollout.ts';
import type { LoggedDecision } from '../slo.ts';

/** One error budget, as its ring writes itself. What the bytes mean is the ring's affair. */
export interface SavedBudget {
  /** Format of the bytes. */
  readonly format: number;
  readonly bytes: Uint8Array;
  /** Wall clock at which it was saved, ISO 8601. */
  readonly at: string;
}

/** A piece of a tape (slo/replay/format.ts): what was seen of one rollout, in order. */
export interface Segment {
  /** Names the tape, over all processes. */
  readonly watch: string;
  readonly route: string;
  /** 1, 2, … without gaps within a tape. */
  readonly number: number;
  /** Wall clock at its end, ISO 8601. */
  readonly at: string;
  /** Hash of the segment before it; 64 zeros before the first. */
  readonly previous: string;
  /** SHA-256 over the hash before it, a newline and the bytes, hex. */
  readonly hash: string;
  readonly bytes: Uint8Array;
}

/** What is written in one transaction: all of it or nothing. */
export interface StateBatch {
  readonly budgets: ReadonlyMap<string, SavedBudget>;
  readonly rollouts: ReadonlyMap<string, SavedRollout>;
  readonly decisions: readonly LoggedDecision[];
  readonly segments: readonly Segment[];
  /** Segments that were given up before they could be written, by their tape. */
  readonly segmentsLost: ReadonlyMap<string, { readonly route: string; readonly segments: number }>;
}

/** A decision as it stands in the log. */
export interface Recorded {
  /** 1, 2, … without gaps. */
  readonly seq: number;
  readonly id: number;
  /** SHA-256 over the hash before it and the row, hex. */
  readonly hash: string;
}

/** A line of a log: of a state directory, or of an export of one. Head and `letGo` stand before the segments. */
export type LogLine =
  | {
      readonly kind: 'decision';
      readonly seq: number;
      readonly previous: string;
      readonly hash: string;
      /** Canonical JSON of the LoggedDecision. */
      readonly body: string;
    }
  /** What the newest decision is. */
  | { readonly kind: 'head'; readonly seq: number; readonly hash: string }
  /** So many of the first segments of a tape went, to make room. */
  | { readonly kind: 'letGo'; readonly watch: string; readonly route: string; readonly segments: number }
  | ({ readonly kind: 'segment' } & Segment);

/** What a start finds. */
export interface LoadedState {
  readonly budgets: ReadonlyMap<string, SavedBudget>;
  readonly rollouts: readonly SavedRollout[];
  /** The newest ones, oldest first. */
  readonly decisions: readonly LoggedDecision[];
}

/** What was to be written and no file has yet, oldest first. */
export type Unwritten = Pick<StateBatch, 'decisions' | 'segments' | 'segmentsLost'>;

/** What a process hands to the next one where the state's file does not say it. */
export interface PassedState extends LoadedState {
  /** Its decisions are among `decisions`. */
  readonly unwritten: Unwritten;
  /** The process could never read the file: what that holds is still to be added to this. */
  readonly isPartial: boolean;
}

/** Handed to the thread that writes. */
export interface StateSetup {
  readonly directory: string;
}

export type ToState =
  /** Try again to open the file: answered as at the start. */
  | { readonly kind: 'open' }
  /** Only after `opened`: what the file held has been taken over. */
  | { readonly kind: 'write'; readonly batch: StateBatch }
  /** Close the file and end. */
  | { readonly kind: 'close' };

export type FromState =
  | {
      readonly kind: 'opened';
      readonly loaded: LoadedState;
      readonly aside: MovedAside | null;
      /** Null: it could not be looked at. */
      readonly fileBytes: number | null;
    }
  /** Not to be written now. `loaded`: what could be read all the same, or null. */
  | { readonly kind: 'closed'; readonly loaded: LoadedState | null; readonly because: string }
  | {
      readonly kind: 'written';
      readonly recorded: readonly Recorded[];
      readonly aside: MovedAside | null;
      /** Null: it could not be looked at. */
      readonly fileBytes: number | null;
    }
  /** Nothing of the batch was written; the budgets are given back. */
  | { readonly kind: 'failed'; readonly budgets: StateBatch['budgets']; readonly because: string };

/** Where a damaged file is now, and what was wrong with it. */
export interface MovedAside {
  readonly path: string;
  readonly because: string;
}

/** How the state stands, for whoever looks. */
export interface StateStatus {
  /** `memory`: no directory is configured. `unavailable`: what should be on the disk is in memory only. */
  readonly kind: StateHealth['kind'];
  /** null in memory. */
  readonly directory: string | null;
  /** Why it is unavailable; empty when it is not. */
  readonly because: string;
  /** Wall clock of the last time that everything was written, ISO 8601; null before the first. */
  readonly flushedAt: string | null;
  /** Rows that are not written yet. */
  readonly rowsPending: number;
  /** Size of the file with its log, when last written; null before that, or where it could not be looked at. */
  readonly fileBytes: number | null;
  /** Decisions that were given up since the start, before they could be written. */
  readonly decisionsLost: number;
}

/** How the state stands. */
export type StateHealth =
  /** No directory is configured. */
  | { readonly kind: 'memory' }
  | { readonly kind: 'durable'; readonly directory: string }
  /** What should be on the disk is in memory only. */
  | { readonly kind: 'unavailable'; readonly directory: string; readonly because: string };
