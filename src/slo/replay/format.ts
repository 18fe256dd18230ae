/**
 * What stands on a tape: every input of a judgement, in the order in which it took effect.
 *
 * ```
 * row      = code, fields            integers: LEB128 (7 bits a byte, low ones first); reals: 8 bytes, little endian
 * 0x80+f   = look                    f: bits of LOOK; then a time and the parts that f names
 * time     = zigzag(ms since the row before - TICK_MS); an open row has its time in its JSON
 * text     = length in bytes, UTF-8  JSON is a text
 * ```
 * | code | row | fields |
 * |---|---|---|
 * | 0x80+f | look | time; requests and users (canary finished, bad, stable finished, bad); attempts (count, finished and bad each); trials (6 x 4 as requests); routes (count, requests and users each) |
 * | 1 | idle | count, then the time of each: that many looks that saw nothing |
 * | 2 | open | JSON of OpenRow |
 * | 3 | freeze | 0, or 1 and the 6 thresholds of stable and the 6 of the canary, reals |
 * | 4 | skip | time; length of the gap, real |
 * | 5 | weigh | time; the canary's dial |
 * | 6 | spec | time; JSON of SpecRow |
 * | 7 | budget | bits of BUDGET, the values that changed |
 * | 8 | command | time; JSON of the command |
 * | 9 | note | time of the first (real), count, 16 bytes of request id each |
 * | 10 | decided | JSON of Facts |
 * | 11 | meet | time; JSON: addresses of the canary's endpoints that only other gateways know |
 *
 * Attempts are in the order of `SickEndpoint.followed`, which follows from the specs, the rows `meet` and the looks before.
 *
 * A tape is cut into segments between rows; hash(n) = SHA-256(hash(n-1) + "\n" + bytes(n)), hash(0) = 64 zeros.
 * Source: docs/STATE.md "The tape".
 */

import type { Rollout, RolloutCommand, RolloutSpec } from '../../model/rollout.ts';
import type { ArmCounts, Decision, EndpointName, PairCounts } from '../../model/slo.ts';
import type { LatencyLimits, SeenLatency } from '../latency/score.ts';
import type { BudgetReading } from '../rollout/gates.ts';
import type { Look, Noted } from '../verdict/score/account.ts';

/** Endpoints have addresses, and come and go within a judgement. */
export const TAPE_FORMAT = 3;
/** All that are read. The first is without looks at several routes; in both, endpoints are slots that stay. */
export const TAPE_FORMATS: readonly number[] = [1, 2, TAPE_FORMAT];
/** A turn of the loop. */
export const TICK_MS = 100;

export const CODE = {
  idle: 1,
  open: 2,
  freeze: 3,
  skip: 4,
  weigh: 5,
  spec: 6,
  budget: 7,
  command: 8,
  note: 9,
  decided: 10,
  meet: 11,
  look: 0x80,
} as const;

/** Parts of a look that are there. */
export const LOOK = { requests: 1, users: 2, inconsistent: 4, attempts: 8, trials: 16, routes: 32 } as const;
/** Values of a budget row that are there, and those that are null. */
export const BUDGET = { ratio: 1, events: 2, alert: 4, noRatio: 8, noEvents: 16, noAlert: 32 } as const;

/** Where a tape begins. */
export interface OpenRow {
  readonly format: number;
  readonly watch: string;
  /** Wall clock, ISO 8601. */
  readonly at: string;
  /** The process's monotonic clock, whole ms. */
  readonly nowMs: number;
  readonly spec: RolloutSpec;
  /** The canary's dial. */
  readonly weight: number;
  readonly rollout: Rollout;
  /** The decision that a rollout is rolled back by; null when it is judged. */
  readonly rolledBackBy: Decision | null;
}

/** Another configuration. */
export interface SpecRow {
  readonly spec: RolloutSpec;
  readonly weight: number;
  /** The judgement begins anew. */
  readonly isFresh: boolean;
  /** So does the rollout. */
  readonly isNew: boolean;
}

/** What a decision carries that the evidence does not lead to: names, measured times, quantiles for people. */
export interface Facts extends SeenLatency {
  readonly id: number;
  readonly at: string;
  /** The policy that decided; null: the one in force. */
  readonly shadow: string | null;
  readonly decidedAtMs: number;
  readonly switchedInMs: number;
  readonly weightBefore: number;
  readonly weightAfter: number;
  /** Who is behind a rollback that nobody asked for, in words; empty when nobody stands out. */
  readonly why: string;
}

/** A row as it is read. Looks are the reader's own, valid until the next row. */
export type TapeRow =
  | { readonly kind: 'open'; readonly open: OpenRow }
  | { readonly kind: 'look'; readonly nowMs: number; readonly look: Look; readonly trials: readonly PairCounts[] }
  | { readonly kind: 'freeze'; readonly nowMs: number; readonly limits: LatencyLimits | null }
  | { readonly kind: 'skip'; readonly nowMs: number; readonly gapMs: number }
  | { readonly kind: 'weigh'; readonly nowMs: number; readonly weight: number }
  | ({ readonly kind: 'spec'; readonly nowMs: number } & SpecRow)
  | { readonly kind: 'budget'; readonly budget: BudgetReading }
  | { readonly kind: 'command'; readonly nowMs: number; readonly command: RolloutCommand }
  | { readonly kind: 'note'; readonly noted: readonly Noted[] }
  | { readonly kind: 'decided'; readonly facts: Facts }
  | { readonly kind: 'meet'; readonly nowMs: number; readonly names: readonly EndpointName[] };

/** Whether nothing was counted. */
export function isNothing({ canary, stable }: PairCounts): boolean {
  return canary.finished === 0 && stable.finished === 0 && canary.bad === 0 && stable.bad === 0;
}

/** Counts of an arm, to be written to. */
export function emptyArm(): ArmCounts {
  return { finished: 0, bad: 0 };
}
