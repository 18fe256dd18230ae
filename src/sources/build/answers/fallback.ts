/**
 * Builds what a route falls back to: every default filled in.
 */

import {
  FALLBACK_REASONS,
  type FallbackConfig,
  type ServiceFallback,
  type StaleFallback,
  type StaticFallback,
} from '../../../model/threads/answers/fallback.ts';
import { DEFAULT_STALE, DEFAULT_STATIC_STATUS } from '../../defaults.ts';
import type { FallbackInput } from '../../schema.ts';
import { sure, toBytes, toMs } from '../values.ts';

type ServiceInput = NonNullable<FallbackInput['service']>;

/** Finds the version that a sound reference means. */
export type VersionOf = (ref: ServiceInput) => string;

/** The chain of a route, as a part of it; nothing of a route without one, so that its fingerprint stays. */
export function buildFallback(
  steps: readonly FallbackInput[] | undefined,
  versionOf: VersionOf,
): { readonly fallback?: readonly FallbackConfig[] } {
  if (steps === undefined || steps.length === 0) return {};
  return { fallback: steps.map((step) => buildStep(step, versionOf)) };
}

function buildStep(step: FallbackInput, versionOf: VersionOf): FallbackConfig {
  if (step.type === 'Stale') return buildStale(step);
  return step.type === 'Service' ? buildService(step, versionOf) : buildStatic(step);
}

/** The failures that a step answers for, in the order of the table. */
export function reasonsOf({ on }: FallbackInput): readonly string[] {
  return on === undefined ? FALLBACK_REASONS : FALLBACK_REASONS.filter((name) => on.includes(name));
}

function buildStale(step: FallbackInput): StaleFallback {
  const { maxAge, entryBytesMax, countsAs } = sure(step.stale);
  return {
    kind: 'stale',
    on: reasonsOf(step),
    maxAgeMs: toMs(maxAge, DEFAULT_STALE.maxAgeMs),
    entryBytesMax: toBytes(entryBytesMax, DEFAULT_STALE.entryBytesMax),
    isGood: countsAs !== 'bad',
  };
}

function buildService(step: FallbackInput, versionOf: VersionOf): ServiceFallback {
  const ref = sure(step.service);
  return { kind: 'service', on: reasonsOf(step), service: ref.name, version: versionOf(ref) };
}

function buildStatic(step: FallbackInput): StaticFallback {
  const { status = DEFAULT_STATIC_STATUS, headers = [], body = '', countsAs } = sure(step.static);
  return { kind: 'static', on: reasonsOf(step), status, headers, body, isGood: status < 500 && countsAs !== 'bad' };
}
