/**
 * Reads a tape, segment by segment, as rows.
 */

import { LATENCY_THRESHOLDS } from '../../model/latency.ts';
import type { RolloutCommand } from '../../model/rollout.ts';
import type { ArmCounts, EndpointName, Evidence, PairCounts } from '../../model/slo.ts';
import type { LatencyLimits } from '../latency/score.ts';
import { type BudgetReading, NO_BUDGET } from '../rollout/gates.ts';
import { emptyEvidence, emptyPair } from '../verdict/score/account.ts';
import { ByteReader } from './bytes.ts';
import {
  BUDGET,
  CODE,
  emptyArm,
  type Facts,
  LOOK,
  type OpenRow,
  type SpecRow,
  TAPE_FORMATS,
  type TapeRow,
  TICK_MS,
} from './format.ts';

const NOTHING: Evidence = emptyEvidence();
const NO_TRIALS: readonly PairCounts[] = Array.from({ length: LATENCY_THRESHOLDS }, emptyPair);

/** Follows one tape from its first segment on. */
export class TapeReader {
  readonly #evidence = emptyEvidence();
  readonly #trials = NO_TRIALS.map(emptyPair);
  #attempts: ArmCounts[] = [];
  #routes: Evidence[] = [];
  #nowMs = 0;
  #budget: BudgetReading = NO_BUDGET;

  /** The rows of the next segment. @throws Error when it is not what `Tape` writes */
  *rows(bytes: Uint8Array): Generator<TapeRow> {
    const from = new ByteReader(bytes);
    while (!from.isAtEnd) {
      const code = from.byte();
      if (code >= CODE.look) yield this.#look(code - CODE.look, from);
      else if (code === CODE.idle) yield* this.#idle(from);
      else yield this.#other(code, from);
    }
  }

  #other(code: number, from: ByteReader): TapeRow {
    switch (code) {
      case CODE.open:
        return this.#open(JSON.parse(from.text()) as OpenRow);
      case CODE.freeze:
        return { kind: 'freeze', nowMs: this.#nowMs, limits: limitsFrom(from) };
      case CODE.skip:
        return { kind: 'skip', nowMs: this.#time(from), gapMs: from.real() };
      case CODE.weigh:
        return { kind: 'weigh', nowMs: this.#time(from), weight: from.whole() };
      case CODE.spec:
        return { kind: 'spec', nowMs: this.#time(from), ...(JSON.parse(from.text()) as SpecRow) };
      case CODE.budget:
        return { kind: 'budget', budget: this.#budgetFrom(from) };
      case CODE.command:
        return { kind: 'command', nowMs: this.#time(from), command: JSON.parse(from.text()) as RolloutCommand };
      case CODE.note:
        return { kind: 'note', noted: notedFrom(from) };
      case CODE.decided:
        return { kind: 'decided', facts: JSON.parse(from.text()) as Facts };
      case CODE.meet:
        return { kind: 'meet', nowMs: this.#time(from), names: JSON.parse(from.text()) as EndpointName[] };
      default:
        throw new Error(`the tape has a row ${code}, which is not known here`);
    }
  }

  #open(open: OpenRow): TapeRow {
    if (!TAPE_FORMATS.includes(open.format)) {
      throw new Error(`the tape has format ${open.format}, known are ${TAPE_FORMATS.join(', ')}`);
    }
    this.#nowMs = open.nowMs;
    this.#budget = NO_BUDGET;
    return { kind: 'open', open };
  }

  *#idle(from: ByteReader): Generator<TapeRow> {
    const count = from.whole();
    const look = { ...NOTHING, isConsistent: true, attempts: null };
    for (let n = 0; n < count; n++) yield { kind: 'look', nowMs: this.#time(from), look, trials: NO_TRIALS };
  }

  #look(flags: number, from: ByteReader): TapeRow {
    const nowMs = this.#time(from);
    const { requests, users } = this.#evidence;
    if ((flags & LOOK.requests) !== 0) readPair(from, requests);
    if ((flags & LOOK.users) !== 0) readPair(from, users);
    const attempts = (flags & LOOK.attempts) === 0 ? null : this.#readAttempts(from);
    const hasTrials = (flags & LOOK.trials) !== 0;
    if (hasTrials) for (const pair of this.#trials) readPair(from, pair);
    const hasRoutes = (flags & LOOK.routes) !== 0;
    if (hasRoutes) this.#readRoutes(from);
    const look = {
      requests: (flags & LOOK.requests) === 0 ? NOTHING.requests : requests,
      users: (flags & LOOK.users) === 0 ? NOTHING.users : users,
      isConsistent: (flags & LOOK.inconsistent) === 0,
      attempts,
      ...(hasRoutes && { routes: this.#routes }),
    };
    return { kind: 'look', nowMs, look, trials: hasTrials ? this.#trials : NO_TRIALS };
  }

  #readAttempts(from: ByteReader): readonly ArmCounts[] {
    const count = from.whole();
    if (count !== this.#attempts.length) this.#attempts = Array.from({ length: count }, emptyArm);
    for (const counts of this.#attempts) readArm(from, counts);
    return this.#attempts;
  }

  #readRoutes(from: ByteReader): void {
    const count = from.whole();
    if (count !== this.#routes.length) this.#routes = Array.from({ length: count }, emptyEvidence);
    for (const { requests, users } of this.#routes) {
      readPair(from, requests);
      readPair(from, users);
    }
  }

  #budgetFrom(from: ByteReader): BudgetReading {
    const bits = from.byte();
    let { remainingRatio, remainingEvents, alert } = this.#budget;
    if ((bits & BUDGET.noRatio) !== 0) remainingRatio = null;
    if ((bits & BUDGET.noEvents) !== 0) remainingEvents = null;
    if ((bits & BUDGET.noAlert) !== 0) alert = null;
    if ((bits & BUDGET.ratio) !== 0) remainingRatio = from.real();
    if ((bits & BUDGET.events) !== 0) remainingEvents = from.real();
    if ((bits & BUDGET.alert) !== 0) alert = from.text();
    this.#budget = { remainingRatio, remainingEvents, alert };
    return this.#budget;
  }

  #time(from: ByteReader): number {
    this.#nowMs += from.signed() + TICK_MS;
    return this.#nowMs;
  }
}

function limitsFrom(from: ByteReader): LatencyLimits | null {
  if (from.byte() === 0) return null;
  const stableMs = Array.from({ length: LATENCY_THRESHOLDS }, () => from.real());
  return { stableMs, canaryMs: Array.from({ length: LATENCY_THRESHOLDS }, () => from.real()) };
}

/** All at the time of the first: a later time would change nothing that is asked for. */
function notedFrom(from: ByteReader): { readonly atMs: number; readonly requestId: string }[] {
  const atMs = from.real();
  const ids = Array.from({ length: from.whole() }, () => Buffer.from(from.raw()).toString('hex'));
  return [{ atMs, requestId: '' }, ...ids.map((requestId) => ({ atMs, requestId }))];
}

function readPair(from: ByteReader, { canary, stable }: PairCounts): void {
  readArm(from, canary);
  readArm(from, stable);
}

function readArm(from: ByteReader, counts: ArmCounts): void {
  counts.finished = from.whole();
  counts.bad = from.whole();
}
