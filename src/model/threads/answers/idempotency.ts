/**
 * Nouns of idempotency keys: what a route says of them, what is kept, and what workers and the broker say to one another.
 *
 * Source: draft-ietf-httpapi-idempotency-key-header-07; docs/idempotency.md.
 */

/** What happens to a request whose key is taken by one that is under way. */
export const CONCURRENT_POLICIES = ['wait', 'refuse'] as const;
export type ConcurrentPolicy = (typeof CONCURRENT_POLICIES)[number];

/** What a route does with keys. */
export interface IdempotencyConfig {
  /** Lower-case name of the header that holds the key. */
  readonly header: string;
  /** Methods whose requests have keys. */
  readonly methods: readonly string[];
  /** How long an answer is kept. */
  readonly ttlMs: number;
  /** A request without a key is refused with 400. */
  readonly isRequired: boolean;
  readonly concurrent: ConcurrentPolicy;
  /** Longest wait for a request that is under way, then 409. */
  readonly waitMs: number;
  /** Lower-case headers, and cookies, that tell who asks: a key belongs to whoever sent these. */
  readonly headers: readonly string[];
  readonly cookies: readonly string[];
  /** Longest body of a request with a key, else 413. */
  readonly requestBytesMax: number;
  /** Longest answer that is kept, head included. */
  readonly responseBytesMax: number;
}

/** Methods that may have keys: the others do nothing, or are none of ours. */
export const KEYED_METHODS = ['POST', 'PATCH', 'PUT', 'DELETE'] as const;

export const ANSWER_STORES = ['memory', 'redis'] as const;
export const STORE_FAILURE_POLICIES = ['local', 'refuse'] as const;

/** Where answers are kept, for all routes. */
export interface AnswersConfig {
  /** `redis`: that of the fleet, and in memory as well. */
  readonly store: (typeof ANSWER_STORES)[number];
  /** Of what is in memory. */
  readonly entriesMax: number;
  readonly bytesMax: number;
  /** While Redis does not answer: each gateway by itself, or 503. */
  readonly onStoreFailure: (typeof STORE_FAILURE_POLICIES)[number];
}

/** An answer as it is given again. */
export interface StoredAnswer {
  readonly status: number;
  /** The first line and the fields to send, each line with its CRLF. */
  readonly lines: string;
  readonly body: Uint8Array;
}

/** One request with a key. */
export interface Take {
  /** Of the worker's own, rising. */
  readonly id: number;
  /** Digest of route, key, and who asks. */
  readonly key: string;
  /** Digest of what is asked. */
  readonly print: string;
  /** 0 = not at all. */
  readonly waitMs: number;
}

/** What came of a `take`. `taken`: execute it, then `keep` or `release`. */
export type Taken =
  | { readonly kind: 'taken' | 'conflict' | 'mismatch' | 'unavailable' }
  | { readonly kind: 'answer'; readonly answer: StoredAnswer };

export type ToBroker =
  | { readonly kind: 'take'; readonly take: Take }
  | { readonly kind: 'keep'; readonly id: number; readonly answer: StoredAnswer; readonly ttlMs: number }
  /** It was not executed, there is nothing to keep, or nobody waits any more. */
  | { readonly kind: 'release'; readonly id: number };

export interface FromBroker {
  readonly id: number;
  readonly taken: Taken;
}

/** Since the start of the broker. */
export interface IdempotencyCounts {
  /** Requests that were let through to be executed. */
  readonly executed: number;
  readonly replayed: number;
  readonly conflicts: number;
  readonly mismatches: number;
  readonly unavailable: number;
  /** Requests that waited for another one. */
  readonly waited: number;
  /** Executed ones whose answer was kept, and those whose key is free again. */
  readonly kept: number;
  readonly released: number;
  /** Answers that made room for others before their time. */
  readonly evicted: number;
  /** Questions that Redis did not answer. */
  readonly storeFailures: number;
}

export interface IdempotencyStatus {
  readonly store: AnswersConfig['store'];
  /** `local`: of the store there is only what is in memory. */
  readonly mode: 'shared' | 'local';
  /** Why it is local although it should not be; empty when all is well. */
  readonly because: string;
  /** Answers in memory, and their bytes. */
  readonly entries: number;
  readonly bytes: number;
  /** Keys that are taken, and requests that wait for one. */
  readonly running: number;
  readonly waiting: number;
  readonly counts: IdempotencyCounts;
}

/** What came of one request with a key: `kept` and `released` ones were executed, `refused` and `replayed` ones were not. */
export type IdempotencyOutcome = 'kept' | 'released' | 'replayed' | 'refused';
