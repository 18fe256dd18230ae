/**
 * Nouns of configuration revisions: what was accepted, how two differ, and what is held against the sources.
 */

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
  /** Hash of what the sources hold; null when the newest of it was refused. */
  readonly sourceHash: string | null;
  /** Time since the stalest source last confirmed what it holds; 0 when the file is everything. */
  readonly staleMs: number;
  readonly pin: Pin | null;
  /** Why what is in force is not what the sources hold; empty when it is. */
  readonly difference: string;
  readonly kept: number;
  readonly keptBytes: number;
  /** Since the start, by who did it. */
  readonly rollbacks: { readonly api: number; readonly sluice: number };
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

/** A comparison, or why there is none. */
export type DiffResult =
  | { readonly kind: 'done'; readonly diff: RevisionDiff }
  | { readonly kind: 'unknown' | 'refused'; readonly detail: string };
