/** Steps of fallbacks for tests. */

import { FALLBACK_REASONS, type StaleFallback, type StaticFallback } from '#src/model/threads/answers/fallback.ts';
import type { FallbackSketch } from '../plane.ts';

/** Keeps answers of up to 64 KiB for a minute. */
export const STALE: StaleFallback = {
  kind: 'stale',
  on: FALLBACK_REASONS,
  maxAgeMs: 60_000,
  entryBytesMax: 65_536,
  isGood: true,
};

/** Says `sorry` with 200. */
export const SORRY: StaticFallback = {
  kind: 'static',
  on: FALLBACK_REASONS,
  status: 200,
  headers: [],
  body: 'sorry',
  isGood: true,
};

/** Asks the version `spare` on these ports. */
export function asking(...ports: readonly number[]): FallbackSketch {
  return { kind: 'service', on: FALLBACK_REASONS, version: { name: 'spare', ports, weight: 1 } };
}
