/**
 * Keeps the score of one rollout's latency: two e-processes over the trials at frozen thresholds.
 *
 * Reads nothing itself: what is handed in, and in which order, decides alone (`watch.ts` reads, `replay/` repeats).
 * Half of the evidence bets on each threshold by itself (`verdict/dominance.ts`) and half on the bins between them together
 * (`shape.ts`): E = (E_dominance + E_shape) / 2. The first is sooner sure of rare and of hung requests, the second of
 * slowness all over. A threshold's tick closes by its own arrivals (`verdict/tick.ts`), the bins' by theirs; stable's
 * clustering tempers each threshold, and the largest of these factors the bins.
 * Source: docs/verdicts.md "Latency". Cost: about 3 us per tick once frozen.
 */

import type { LatencyPart, PairCounts } from '../../model/slo.ts';
import { Dispersion } from '../verdict/dispersion.ts';
import { DominanceProcess, QUANTILES, type ThresholdTick } from '../verdict/dominance.ts';
import { logAdd, STEP_COPIES } from '../verdict/mixture.ts';
import { OpenTick } from '../verdict/tick.ts';
import { OpenBins } from './bins.ts';
import { ShapeProcess } from './shape.ts';

/**
 * Fresh copies start so often. Healthy seconds cost the bets on small shifts of the middle so much that a third of the
 * interval for failures finds slowness sooner, wherever in the interval it begins (docs/verdicts.md "Latency").
 */
export const LATENCY_RESTART_MS = 10_000;

/** Thresholds in force, one per quantile, in ms. */
export interface LatencyLimits {
  readonly stableMs: readonly number[];
  readonly canaryMs: readonly number[];
}

/** A quantile of both arms since the thresholds were frozen, for people; null without any answer. */
export interface SeenLatency {
  readonly canaryMs: number | null;
  readonly stableMs: number | null;
}

export class LatencyScore {
  readonly #process = new DominanceProcess();
  readonly #shape = new ShapeProcess();
  /** Per threshold: the tick under way, since the thresholds were frozen, stable's clustering. */
  readonly #ticks: readonly OpenTick[];
  readonly #bins: OpenBins;
  readonly #totals = QUANTILES.map(emptyPair);
  readonly #dispersion = QUANTILES.map(() => new Dispersion());
  #limits: LatencyLimits | null = null;
  #restartedAtMs: number;

  constructor(nowMs: number) {
    this.#ticks = QUANTILES.map(() => new OpenTick(nowMs));
    this.#bins = new OpenBins(nowMs);
    this.#restartedAtMs = nowMs;
  }

  get logE(): number {
    return logAdd(this.#process.logE, this.#shape.logE) - Math.LN2;
  }

  /** Null until thresholds are frozen. */
  get limits(): LatencyLimits | null {
    return this.#limits;
  }

  /** Whether logE >= `level`. */
  reaches(level: number): boolean {
    // The mean never exceeds the larger one.
    return (this.#process.reaches(level) || this.#shape.reaches(level)) && this.logE >= level;
  }

  /** Takes the trials since the last call, one pair per threshold. True when the e-value may have risen. */
  judge(trials: readonly PairCounts[], nowMs: number): boolean {
    if (nowMs - this.#restartedAtMs >= LATENCY_RESTART_MS) this.#restart(nowMs);
    let isJudged = this.#judgeBins(trials, nowMs);
    for (let k = 0; k < trials.length; k++) if (this.#judge(k, trials[k] as PairCounts, nowMs)) isJudged = true;
    return isJudged;
  }

  /** New thresholds: what was learned at the old ones is void. Null: none until further notice. */
  freeze(limits: LatencyLimits | null, nowMs: number): void {
    this.#limits = limits;
    if (limits === null) return;
    this.#process.forget();
    this.#shape.forget();
    this.#totals.forEach(clear);
    this.skip(nowMs);
  }

  /** Drops the ticks under way, keeps what was judged. */
  skip(nowMs: number): void {
    for (const tick of this.#ticks) tick.open(nowMs);
    this.#bins.open(nowMs);
    for (const dispersion of this.#dispersion) dispersion.skip();
  }

  /** A step of the rollout: fresh copies start. */
  step(nowMs: number): void {
    this.skip(nowMs);
    this.#restart(nowMs, STEP_COPIES);
  }

  /** What is known, for people. @param seenAt quantile in 0..1 */
  part(seenAt: (quantile: number) => SeenLatency): LatencyPart {
    const part = { logE: this.logE, isJudged: this.#limits !== null, at: null };
    if (this.#limits === null) return part;
    const k = this.#process.strongest;
    const quantile = QUANTILES[k] as number;
    const { canary, stable } = this.#totals[k] as PairCounts;
    return {
      ...part,
      at: {
        quantile,
        ...seenAt(quantile),
        canaryLimitMs: this.#limits.canaryMs[k] as number,
        stableLimitMs: this.#limits.stableMs[k] as number,
        slow: { canary: { ...canary }, stable: { ...stable } },
      },
    };
  }

  #judgeBins(trials: readonly PairCounts[], nowMs: number): boolean {
    if (!this.#bins.add(trials, nowMs)) return false;
    let factor = 1;
    for (const { factorOfMany } of this.#dispersion) factor = Math.max(factor, factorOfMany);
    this.#shape.update(this.#bins, factor);
    this.#bins.open(nowMs);
    return true;
  }

  #judge(k: number, news: PairCounts, nowMs: number): boolean {
    const totals = this.#totals[k] as PairCounts;
    totals.canary.finished += news.canary.finished;
    totals.canary.bad += news.canary.bad;
    totals.stable.finished += news.stable.finished;
    totals.stable.bad += news.stable.bad;
    const tick = this.#ticks[k] as OpenTick;
    if (!tick.add(news, nowMs)) return false;
    const dispersion = this.#dispersion[k] as Dispersion;
    this.#process.update(k, thresholdTick(tick), dispersion.factor);
    dispersion.add(tick.stableFinished, tick.stableBad);
    tick.open(nowMs);
    return true;
  }

  #restart(nowMs: number, copies = 1): void {
    this.#process.restart(copies);
    this.#shape.restart(copies);
    this.#restartedAtMs = nowMs;
  }
}

const scratch: ThresholdTick = { canaryFinished: 0, stableFinished: 0, canaryExceeded: 0, stableExceeded: 0 };

function thresholdTick(tick: OpenTick): ThresholdTick {
  scratch.canaryFinished = tick.canaryFinished;
  scratch.stableFinished = tick.stableFinished;
  scratch.canaryExceeded = tick.canaryBad;
  scratch.stableExceeded = tick.stableBad;
  return scratch;
}

function emptyPair(): PairCounts {
  return { canary: { finished: 0, bad: 0 }, stable: { finished: 0, bad: 0 } };
}

function clear({ canary, stable }: PairCounts): void {
  canary.finished = 0;
  canary.bad = 0;
  stable.finished = 0;
  stable.bad = 0;
}
