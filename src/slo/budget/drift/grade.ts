/**
 * The graded response to a version that drifts: mild trouble is endured, severe trouble ends with the version offline.
 *
 * ```
 *             3 x mild or severe            3 x severe, and another version does better
 *   steady ────────────────────▶ mild ───────────────────▶ offline
 *     ▲                           │                          │
 *     └────────── 3 x calm ───────┘                          │
 *     └────────────── a person brings it back ───────────────┘
 * ```
 * - mild: the version keeps a part of its weight and more of it is logged; that ends by itself.
 * - offline: the version gets no traffic until a person says so, whatever the evaluations say. Where no other version of the
 *   route is known to do better it stays mild: an outage that all of them share takes nobody offline.
 * - Three evaluations in a row, so that one bad second moves nothing. `unknown` (nothing counted, or too little) is no
 *   evidence: it neither counts nor breaks a row.
 *
 * Grades come from burn rates with the exact-count guard: severe above 14.4 (the budget of 28 days is gone in two), mild
 * above 6.
 */

import { burnRate } from '../burn.ts';
import { isBeyondChance } from '../guard.ts';
import type { WindowCounts } from '../ring.ts';

/** Evaluations in a row that move the state. */
export const EVALUATIONS = 3;
export const SEVERE_BURN = 14.4;
export const MILD_BURN = 6;

export type Grade = 'unknown' | 'calm' | 'mild' | 'severe';

export type DriftState =
  | { readonly kind: 'steady'; readonly raisedRow: number; readonly severeRow: number }
  | { readonly kind: 'mild'; readonly sinceMs: number; readonly calmRow: number; readonly severeRow: number }
  | { readonly kind: 'offline'; readonly sinceMs: number };

export const STEADY: DriftState = { kind: 'steady', raisedRow: 0, severeRow: 0 };

/** The grade of what a version did in a short window. @param budgetRatio 1 - target */
export function gradeOf(counts: WindowCounts, budgetRatio: number): Grade {
  const burn = burnRate(counts, budgetRatio);
  if (burn === null) return 'unknown';
  const total = counts.good + counts.bad;
  if (burn <= MILD_BURN) return 'calm';
  if (burn > SEVERE_BURN && isBeyondChance(counts.bad, total, SEVERE_BURN * budgetRatio)) return 'severe';
  return isBeyondChance(counts.bad, total, MILD_BURN * budgetRatio) ? 'mild' : 'unknown';
}

/**
 * The state after one more evaluation; the same object when nothing changed.
 * @param hasBetter another version of the route gets traffic and is known not to be severe
 */
export function nextDrift(state: DriftState, grade: Grade, nowMs: number, hasBetter: boolean): DriftState {
  if (grade === 'unknown' || state.kind === 'offline') return state;
  const severeRow = grade === 'severe' ? state.severeRow + 1 : 0;
  if (severeRow >= EVALUATIONS && hasBetter) return { kind: 'offline', sinceMs: nowMs };
  if (state.kind === 'mild') {
    const calmRow = grade === 'calm' ? state.calmRow + 1 : 0;
    return calmRow >= EVALUATIONS ? STEADY : { ...state, calmRow, severeRow };
  }
  const raisedRow = grade === 'calm' ? 0 : state.raisedRow + 1;
  if (raisedRow >= EVALUATIONS) return { kind: 'mild', sinceMs: nowMs, calmRow: 0, severeRow };
  return raisedRow === 0 ? STEADY : { kind: 'steady', raisedRow, severeRow };
}

/** A person brings a version back; it is watched from the beginning. Other states are left as they are. */
export function bringBack(state: DriftState): DriftState {
  return state.kind === 'offline' ? STEADY : state;
}
