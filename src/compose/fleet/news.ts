/**
 * What gateways of a fleet tell one another of a rollout: whether it is that, and where it says the rollout stands.
 */

import { LATENCY_THRESHOLDS } from '../../model/latency.ts';
import type { SavedRollout } from '../../model/rollout.ts';
import type { RolloutNews } from '../../model/threads/fleet.ts';

/** A place of the ladder, without its times. */
export function placeOf({ rollout, decision }: SavedRollout): string {
  const { state, ladder, fixReason } = rollout;
  const { kind, step, by, because } = state;
  return JSON.stringify([kind, step, by, because, ladder, fixReason, decision === null ? '' : decision.sentence]);
}

/** Whoever can write to Redis can write anything; the rest of it is checked where it is restored (`slo/rollout/saved.ts`). */
export function isNews(value: unknown): value is RolloutNews {
  if (typeof value !== 'object' || value === null) return false;
  const { saved, limits } = value as { saved?: Partial<SavedRollout> | null; limits?: unknown };
  if (typeof saved !== 'object' || saved === null || saved.format !== 1) return false;
  const state: unknown = saved.rollout?.state;
  if (typeof saved.route !== 'string' || typeof state !== 'object' || state === null) return false;
  return limits === null || isLimits(limits);
}

function isLimits(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { id, stableMs, canaryMs } = value as Record<string, unknown>;
  return typeof id === 'string' && areTimes(stableMs) && areTimes(canaryMs);
}

function areTimes(value: unknown): boolean {
  return Array.isArray(value) && value.length === LATENCY_THRESHOLDS && value.every((ms) => Number.isFinite(ms));
}
