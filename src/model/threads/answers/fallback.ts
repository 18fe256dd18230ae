/**
 * What a route answers with when its own answer would be a failure: nouns, and the failures that count.
 */

import type { HeaderField } from '../../config.ts';
import { REASONS } from '../../reason.ts';
import type { SplitSpec } from '../../snapshot.ts';

/** Ways to answer instead, in the order of counters. */
export const FALLBACK_KINDS = ['stale', 'service', 'static'] as const;

export type FallbackKind = (typeof FALLBACK_KINDS)[number];

/** Steps of one route's chain. */
export const FALLBACKS_MAX = 8;

/** Longest body of a fixed answer, in bytes of UTF-8. */
export const STATIC_BYTES_MAX = 65_536;

/**
 * Names of the reasons that a fallback may answer for: those whose own answer is a 5xx that is bad for the route. What a client
 * did wrong is answered to the client. What must not be executed while its key cannot be looked up is asked of no other version either.
 */
export const FALLBACK_REASONS: readonly string[] = REASONS.filter(
  ({ name, status, routeEffect }) => status >= 500 && routeEffect === 'bad' && name !== 'idempotency_unavailable',
).map(({ name }) => name);

interface Step {
  /** Of `FALLBACK_REASONS`; never empty. */
  readonly on: readonly string[];
}

/** An earlier good answer of the same version to the same request. */
export interface StaleFallback extends Step {
  readonly kind: 'stale';
  /** Age at which an answer is used no more, whatever its upstream allows. */
  readonly maxAgeMs: number;
  /** Longest answer that is kept, head included. */
  readonly entryBytesMax: number;
  /** Whether the route counts it as good; else as the failure that it stands in for. */
  readonly isGood: boolean;
}

/** Another version, of any service. */
export interface ServiceFallback extends Step {
  readonly kind: 'service';
  readonly service: string;
  readonly version: string;
}

/** A fixed answer. */
export interface StaticFallback extends Step {
  readonly kind: 'static';
  readonly status: number;
  readonly headers: readonly HeaderField[];
  readonly body: string;
  /** As of a stale answer. */
  readonly isGood: boolean;
}

export type FallbackConfig = StaleFallback | ServiceFallback | StaticFallback;

/** The same in a snapshot. */
export type FallbackSpec =
  | StaleFallback
  | StaticFallback
  | (Omit<ServiceFallback, 'service' | 'version'> & { readonly split: SplitSpec });

/** Exchanges of a route that fell back, by kind. */
export type FallbackCounts = Readonly<Record<FallbackKind, number>>;

/** The steps that ask a version, in their order. */
export function serviceSteps<T extends { readonly kind: FallbackKind }>(
  fallback: readonly T[] | undefined,
): Extract<T, { readonly kind: 'service' }>[] {
  if (fallback === undefined) return [];
  return fallback.filter((step): step is Extract<T, { readonly kind: 'service' }> => step.kind === 'service');
}
