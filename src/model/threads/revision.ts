/**
 * Nouns of configuration revisions: what was accepted, how two differ, and what is held against the sources.
 */

import type { Problem } from '../problem.ts';

/** How accepted configurations are kept, and watched. */
export interface RevisionsConfig {
  /** Accepted configurations that are kept, 1..`REVISIONS_MAX`. */
  readonly keep: number;
  /** Bytes that they may take together, packed. */
  readonly bytesMax: number;
  /** How long a route whose configuration changed is watched, to revert what made it fail; 0 = not at all. */
  readonly watchMs: number;
}

/** Most revisions that can be kept: each has a row of its own in the state. */
export const REVISIONS_MAX = 100;

/** One accepted configuration. */
export interface RevisionEntry {
  /** 1, 2, … over restarts, where there is a state directory. */
  readonly number: number;
  /** The process's own count, as workers acknowledge it. */
  readonly revision: number;
  readonly hash: string;
  /** When it was accepted, ISO 8601. */
  readonly at: string;
  /** What changed: names of sources, the file, or who rolled back. */
  readonly origin: readonly string[];
  /** The revision whose content it is, where it was rolled back to; else its own number. */
  readonly contentOf: number;
  readonly routes: number;
  /** Of its content, packed; 0 while it is being packed, or when it was let go. */
  readonly bytes: number;
  /** Release that accepted it; another one may understand its fields differently. */
  readonly release: string;
  /** Keys that all of its documents were verified with, `name:fingerprint`, in order; null: it was accepted without signatures. */
  readonly verifiedWith: readonly string[] | null;
  /** Its content is kept: it can be compared and rolled back to. */
  readonly isKept: boolean;
}

/** A field that differs. */
export interface FieldChange {
  readonly scope: 'gateway' | 'service' | 'route';
  /** Of the service or route; empty for the gateway. */
  readonly name: string;
  /** `backendRefs[shop/v2].weight`; empty: all of it. */
  readonly field: string;
  /** Undefined where there is none. Secrets are redacted. */
  readonly before?: unknown;
  readonly after?: unknown;
}

/** Two configurations, by what they are called, and what differs. */
export interface RevisionDiff {
  readonly before: string;
  readonly after: string;
  readonly changes: readonly FieldChange[];
  /** Further changes that are not listed. */
  readonly more: number;
}

/** A configuration that is held against what the sources hold. */
export interface Pin {
  /** Hash of what the sources held: the pin ends when they hold something else. */
  readonly from: string;
  /** Number and hash of what is in force instead. */
  readonly to: number;
  readonly hash: string;
  /** ISO 8601. */
  readonly at: string;
  /** `api`, or `sluice` when it reverted by itself. */
  readonly by: string;
  readonly reason: string;
}

/** How what is in force stands to what the sources hold. */
export interface RevisionsStatus {
  /** Number of what is in force; 0 before the first. */
  readonly number: number;
  /** Hash of what the sources hold; null when the newest of it was refused, or they have not all answered yet. */
  readonly sourceHash: string | null;
  /** Time since the stalest source last confirmed what it holds; 0 when the file is everything. */
  readonly staleMs: number;
  readonly pin: Pin | null;
  /** The gateway was started while sources were away; null: what they hold was taken since. */
  readonly staleStart: StaleStart | null;
  /** Why what is in force is not what the sources hold; empty when it is. */
  readonly difference: string;
  readonly kept: number;
  readonly keptBytes: number;
  /** Since the start, by who did it. */
  readonly rollbacks: { readonly api: number; readonly sluice: number };
  /** What is in force made a route fail and could not be reverted; null: nothing of the kind. */
  readonly notReverted: NotReverted | null;
}

/** A start with the configuration that was in force before, as sources did not answer. */
export interface StaleStart {
  /** Its revision, and hash. */
  readonly number: number;
  readonly hash: string;
  /** When it was accepted, and how long ago that is; ISO 8601, ms. */
  readonly acceptedAt: string;
  readonly acceptedMs: number;
  /** When the sources last said that they hold what was accepted of them; ISO 8601, ms. */
  readonly confirmedAt: string;
  readonly confirmedMs: number;
  /** Names of the sources that have not answered since the start; none: what they hold is not accepted. */
  readonly unanswered: readonly string[];
  /** What was in force last and may not be gone on with, where signatures are required, and why; empty: this was. */
  readonly passedOver: string;
}

/** A configuration that was to be reverted and is in force. */
export interface NotReverted {
  /** ISO 8601. */
  readonly at: string;
  /** What was seen. */
  readonly sentence: string;
  /** Why it is in force all the same. */
  readonly because: string;
}

/** What a person asks of the configuration. */
export type ConfigCommand =
  /** `to`: a number, the beginning of a hash, or empty: the one before. */
  | { readonly name: 'rollback'; readonly to: string; readonly by: string; readonly reason: string }
  | { readonly name: 'unpin'; readonly by: string; readonly reason: string };

export const CONFIG_COMMANDS = ['rollback', 'unpin'] as const satisfies readonly ConfigCommand['name'][];

/** `unknown`: there is no such revision. */
export type ConfigCommandResult =
  | { readonly kind: 'done'; readonly sentence: string; readonly number: number; readonly hash: string }
  | { readonly kind: 'unknown' | 'refused'; readonly detail: string };

/** What came of reading everything again. */
export type ReloadAnswer =
  | {
      readonly kind: 'done';
      /** Of the newest reading: another configuration, the same, or one that is not accepted. */
      readonly outcome: 'accepted' | 'unchanged' | 'refused';
      /** In force now, in every worker. */
      readonly number: number;
      readonly hash: string;
      /** Why it was refused. */
      readonly problems: readonly Problem[];
      /** Sources that did not answer, and why: what they held before counts. */
      readonly unanswered: readonly { readonly source: string; readonly because: string }[];
    }
  | { readonly kind: 'refused'; readonly detail: string };

/** A comparison, or why there is none. */
export type DiffResult =
  | { readonly kind: 'done'; readonly diff: RevisionDiff }
  | { readonly kind: 'unknown' | 'refused'; readonly detail: string };

/** How signed documents stand; there is such a status only where the gateway has keys. */
export interface SignaturesStatus {
  /** Names of the keys. */
  readonly keys: readonly string[];
  /** Why what their file holds now cannot be used, so that those of before stay; empty: it can. */
  readonly because: string;
  /** How often the file was replaced since the start, and how often by what cannot be used. */
  readonly reloads: { readonly done: number; readonly failed: number };
  /** Documents of what was taken last. */
  readonly documents: number;
  /** A document and its signature do not belong together, and it is waited for the other half. */
  readonly isWaiting: boolean;
  /** Documents that were refused since the start, by why. */
  readonly refused: Readonly<Record<'unsigned' | 'wrong' | 'replayed', number>>;
}

/** What a revert rests on, so that somebody else can derive it again. Four counts: finished, bad, answered, turned away. */
export interface RevertCertificate {
  readonly format: 1;
  /** Bound on the chance that one revision is ever reverted without cause. */
  readonly alpha: number;
  /** Routes that were watched with it. */
  readonly routes: number;
  /** The route's record before the change, block by block: the four counts, and how long the block was, ms. */
  readonly blocks: readonly (readonly number[])[];
  /** The four counts of the routes that did not change, before; null: none of them had enough traffic. */
  readonly unchanged: readonly number[] | null;
  /** Every turn since: ms since the change, then the four counts of the route and of the others; of an idle turn only ms. Null: too many. */
  readonly turns: readonly (readonly number[])[] | null;
  /** Routes that did not change: how many, and the most evidence that one of them failed more than it did; null without any. */
  readonly beside: { readonly routes: number; readonly logRise: number | null };
}

/** What is written down of a revert, before it has a number. */
export type Revert = Omit<RevertDecision, 'id' | 'at'>;

/** A configuration that was reverted by itself, as the log of decisions has it. */
export interface RevertDecision {
  readonly id: number;
  /** Wall clock, ISO 8601, for people. */
  readonly at: string;
  readonly kind: 'revert';
  readonly trigger: 'evidence';
  /** That was made to fail. */
  readonly route: string;
  /** One sentence with the numbers. */
  readonly sentence: string;
  /** Revision that was reverted, as workers counted it, its hash, and that of what was put in force. */
  readonly revision: number;
  readonly from: string;
  readonly to: string;
  /** What counted: bad exchanges, or these and answers of 400 to 499. */
  readonly track: 'errors' | 'refusals';
  /** ln of the e-value, and what convicts. */
  readonly logE: number;
  readonly threshold: number;
  readonly tookMs: number;
  readonly finished: number;
  readonly failed: number;
  /** Share of failures that was tolerated. */
  readonly limit: number;
  readonly certificate: RevertCertificate;
}
