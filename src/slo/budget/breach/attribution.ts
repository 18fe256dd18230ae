/**
 * Names who is behind a breach: a phase, an endpoint, a version or a dependency.
 *
 * The bad events of a breach are counted by member of each dimension, beside the same counts of a calm time. What a member
 * has above its calm rate is its excess:
 *
 * ```
 * excess_i = max(0, bad_i - finished_i * calmBad_i / calmFinished_i)     share_i = excess_i / sum of excesses
 * ```
 * A member is named when it holds at least 80 % of the excess of its dimension, there is another one that was in use (a
 * lone version explains nothing), and its failures are beyond chance at its calm rate (guard.ts). Phases are members of
 * the same requests, so they need no sibling in use. A dimension in which nobody stands out is not named: then the cause
 * lies in what all of them share.
 *
 * Source: docs/ARCHITECTURE.md "Objectives and budgets". Cost: O(members).
 */

import { REASON, type Reason } from '../../../model/reason.ts';
import { isBeyondChance } from '../guard.ts';

/** What a request goes through, in order. */
export const PHASES = ['queue', 'connect', 'tls', 'first-byte', 'body'] as const;

export type Phase = (typeof PHASES)[number];
export type Dimension = 'phase' | 'endpoint' | 'version' | 'dependency';

/** One phase, endpoint, version or dependency, in the breach and in a calm time before. */
export interface Member {
  readonly name: string;
  readonly finished: number;
  readonly bad: number;
  readonly calmFinished: number;
  readonly calmBad: number;
}

export interface Culprit {
  readonly dimension: Dimension;
  readonly name: string;
  /** Its share of the dimension's excess, 0..1. */
  readonly shareRatio: number;
  readonly bad: number;
  readonly finished: number;
  readonly sentence: string;
}

/** Share of the excess from which on somebody is named. */
const SHARE_MIN = 0.8;
/** Rate of a member that never failed before: a tenth of a per cent is calm for everybody. */
const CALM_RATIO_MIN = 0.001;

/** The member that stands out of its dimension, or null. */
export function culpritOf(dimension: Dimension, members: readonly Member[]): Culprit | null {
  const used = members.filter(({ finished }) => finished > 0);
  if (dimension !== 'phase' && used.length < 2) return null;
  let total = 0;
  let most = 0;
  let culprit: Member | null = null;
  for (const member of used) {
    const excess = excessOf(member);
    total += excess;
    if (excess <= most) continue;
    most = excess;
    culprit = member;
  }
  if (culprit === null || most < SHARE_MIN * total) return null;
  if (!isBeyondChance(culprit.bad, culprit.finished, calmRatioOf(culprit))) return null;
  const { name, bad, finished } = culprit;
  const shareRatio = most / total;
  const share = `${Number((shareRatio * 100).toPrecision(3))} % of the additional failures`;
  return {
    dimension,
    name,
    shareRatio,
    bad,
    finished,
    sentence: `${dimension} ${name}: ${share}, ${bad} of ${finished}`,
  };
}

/** Everybody who stands out, in the order of the dimensions. */
export function attribute(breach: Readonly<Partial<Record<Dimension, readonly Member[]>>>): Culprit[] {
  const dimensions = ['phase', 'endpoint', 'version', 'dependency'] as const;
  return dimensions.flatMap((dimension) => culpritOf(dimension, breach[dimension] ?? []) ?? []);
}

/** Sums of times in ms, and how many attempts they belong to. */
export interface Timed {
  readonly name: string;
  readonly count: number;
  readonly sumMs: number;
  readonly calmCount: number;
  readonly calmSumMs: number;
}

/** Who has most of the time that was added, and what part of it, 0..1. */
export interface Delay {
  readonly name: string;
  readonly shareRatio: number;
  readonly addedMs: number;
}

/**
 * Who took most more than in the calm time, per attempt: `sum - count * calmSum / calmCount`, never below 0. Null when nobody
 * did. Ties go to the earlier one.
 */
export function delayOf(members: readonly Timed[]): Delay | null {
  let total = 0;
  let most: { readonly name: string; readonly addedMs: number } | null = null;
  for (const { name, count, sumMs, calmCount, calmSumMs } of members) {
    const calmMs = calmCount === 0 ? 0 : calmSumMs / calmCount;
    const addedMs = Math.max(0, sumMs - count * calmMs);
    total += addedMs;
    if (addedMs > (most?.addedMs ?? 0)) most = { name, addedMs };
  }
  return most === null ? null : { ...most, shareRatio: most.addedMs / total };
}

const PHASE_OF_REASON: Readonly<Partial<Record<Reason, Phase>>> = {
  [REASON.shed]: 'queue',
  [REASON.noEndpoint]: 'queue',
  [REASON.dnsFailed]: 'connect',
  [REASON.connectRefused]: 'connect',
  [REASON.connectTimeout]: 'connect',
  [REASON.tlsFailed]: 'tls',
  [REASON.responseTimeout]: 'first-byte',
  [REASON.clientDeadline]: 'first-byte',
  [REASON.upstreamReset]: 'first-byte',
  [REASON.upstreamProtocol]: 'first-byte',
  [REASON.upstreamTruncated]: 'body',
};

/** The phase in which a request failed; null for reasons that lie in none. */
export function phaseOfReason(reason: Reason): Phase | null {
  return PHASE_OF_REASON[reason] ?? null;
}

function excessOf(member: Member): number {
  return Math.max(0, member.bad - member.finished * calmShare(member));
}

function calmShare({ calmFinished, calmBad }: Member): number {
  return calmFinished === 0 ? 0 : calmBad / calmFinished;
}

function calmRatioOf(member: Member): number {
  return Math.max(calmShare(member), CALM_RATIO_MIN);
}
