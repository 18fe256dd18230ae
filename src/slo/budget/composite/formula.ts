/**
 * The score of a composite objective: its parts, each 0..1, weighted and put together.
 *
 * ```
 * success      = 1 - bad / finished                    of the last `windowMs`; null when nothing finished
 * latency      = 1 - late / (finished - bad)           of the good answers; null without any
 * health       = endpoints in service, by weight       as checks and ejections have it
 * dependencies = breakers that are closed, by weight   null without any
 *
 * mean     sum(w part) / sum(w)        product  exp(sum(w ln part) / sum(w))       minimum  min(part)
 * ```
 * A part that is null, or weighs nothing, is left out, as if its weight were 0; a score of nothing is null. In a product, a
 * part of 0 makes all of it 0.
 *
 * Business value has one formula: (finished - bad - late + kept late) / finished, each request counting what it is worth.
 * Source: docs/ARCHITECTURE.md "Composite objectives".
 */

import { SCORE_PARTS, type ScoreFormula, type ScorePart } from '../../../model/slo.ts';

/** Each 0..1; null: no data. */
export type Parts = Readonly<Record<ScorePart, number | null>>;

/** Requests of a window; doubles, as they may be weighted. */
export interface Recent {
  readonly finished: number;
  readonly bad: number;
  /** Good, but above the latency threshold. */
  readonly late: number;
}

/** The score of parts; null when none that weighs anything has data. */
export function scoreOf(
  parts: Parts,
  weights: Readonly<Record<ScorePart, number>>,
  formula: ScoreFormula,
): number | null {
  const known = SCORE_PARTS.flatMap((part) => {
    const [value, weight] = [parts[part], weights[part]];
    return value === null || weight === 0 ? [] : [{ value, weight }];
  });
  if (known.length === 0) return null;
  if (formula === 'minimum') return Math.min(...known.map(({ value }) => value));
  const weighed = known.reduce((sum, { weight }) => sum + weight, 0);
  if (formula === 'mean') return known.reduce((sum, { value, weight }) => sum + value * weight, 0) / weighed;
  if (known.some(({ value }) => value === 0)) return 0;
  return Math.exp(known.reduce((sum, { value, weight }) => sum + weight * Math.log(value), 0) / weighed);
}

/** Share of requests that were good. */
export function successOf({ finished, bad }: Recent): number | null {
  return finished > 0 ? within(1 - bad / finished) : null;
}

/** Share of good requests that were in time. */
export function inTimeOf({ finished, bad, late }: Recent): number | null {
  return finished - bad > 0 ? within(1 - late / (finished - bad)) : null;
}

/** Value that was served. @param lateRatio part of it that a late answer keeps */
export function servedOf({ finished, bad, late }: Recent, lateRatio: number): number {
  return Math.max(0, finished - bad - late * (1 - lateRatio));
}

/** Share of the value that was asked for. */
export function businessOf(recent: Recent, lateRatio: number): number | null {
  return recent.finished > 0 ? within(servedOf(recent, lateRatio) / recent.finished) : null;
}

/** A miss may be read one look before the end it belongs to (counts.ts). */
function within(ratio: number): number {
  return Math.min(1, Math.max(0, ratio));
}
