/**
 * The judge of one rollout's latency: freezes thresholds, reads exceedances, keeps the two e-processes.
 *
 * ```
 *             stable and canary are known               the canary's weight moved
 *   warming ─────────────────────────────▶ frozen ──────────────────────────────▶ frozen anew (or warming, with too few)
 * ```
 * Thresholds are stable's quantiles of the last minutes, taken before anything is compared by them; the canary may take
 * `tolerance` more, and at least `floorMs`. New endpoints are cold: nothing is compared before the canary finished WARM_REQUESTS
 * or WARM_MS passed since its first. (Failures count from the first request on; being cold is no reason to fail.)
 * Half of the evidence bets on each threshold by itself (`verdict/dominance.ts`) and half on the bins between them together
 * (`verdict/shape.ts`): E = (E_dominance + E_shape) / 2. The first is sooner sure of rare and of hung requests, the second of
 * slowness all over. A threshold's tick closes by its own arrivals (`verdict/tick.ts`), the bins' by theirs; stable's
 * clustering tempers each threshold, and the largest of these factors the bins.
 * Source: docs/verdicts.md "Latency". Cost: about 3 us per tick once frozen.
 */

import type { LatencyDial } from '../../model/latency.ts';
import type { RolloutSpec } from '../../model/rollout.ts';
import type { ArmCounts, LatencyPart, PairCounts } from '../../model/slo.ts';
import type { Region } from '../regions.ts';
import { Dispersion } from '../verdict/dispersion.ts';
import { DominanceProcess, QUANTILES, type ThresholdTick } from '../verdict/dominance.ts';
import { logAdd, STEP_COPIES } from '../verdict/mixture.ts';
import { ShapeProcess } from '../verdict/shape.ts';
import { OpenTick } from '../verdict/tick.ts';
import { OpenBins } from './bins.ts';
import { LatencyHistory } from './history.ts';
import { TrialWindow } from './trials.ts';

/** Canary requests after which it counts as warm, and the time after its first request from which it does anyway. */
export const WARM_REQUESTS = 200;
export const WARM_MS = 30_000;
/**
 * Fresh copies start so often. Healthy seconds cost the bets on small shifts of the middle so much that a third of the
 * interval for failures finds slowness sooner, wherever in the interval it begins (docs/verdicts.md "Latency").
 */
export const LATENCY_RESTART_MS = 10_000;
/** Fewest latencies of stable that thresholds are taken from. */
export const SAMPLES_MIN = 200;

/** Stores thresholds where the workers read them; null: nothing counts. */
export type SetLatency = (unit: number, dial: LatencyDial | null) => void;

/** Thresholds in force. */
interface Frozen {
  readonly stableMs: readonly number[];
  readonly canaryMs: readonly number[];
}

export class LatencyWatch {
  readonly #spec: RolloutSpec;
  readonly #setLatency: SetLatency;
  readonly #process = new DominanceProcess();
  readonly #shape = new ShapeProcess();
  readonly #history: { readonly canary: LatencyHistory; readonly stable: LatencyHistory };
  readonly #trials: { readonly canary: TrialWindow; readonly stable: TrialWindow };
  /** Per threshold: since the last look, the tick under way, since the thresholds were frozen, stable's clustering. */
  readonly #news = QUANTILES.map(emptyPair);
  readonly #ticks: readonly OpenTick[];
  readonly #bins: OpenBins;
  readonly #totals = QUANTILES.map(emptyPair);
  readonly #dispersion = QUANTILES.map(() => new Dispersion());
  readonly #outCanary: readonly ArmCounts[] = this.#news.map(({ canary }) => canary);
  readonly #outStable: readonly ArmCounts[] = this.#news.map(({ stable }) => stable);
  #frozen: Frozen | null = null;
  #canarySeen = 0;
  #stableSeen = 0;
  #canarySinceMs: number | null = null;
  #restartedAtMs: number;

  constructor(spec: RolloutSpec, regions: readonly Region[], nowMs: number, setLatency: SetLatency) {
    const { canary, stable } = spec;
    this.#spec = spec;
    this.#setLatency = setLatency;
    const historyOf = (cell: number): LatencyHistory => new LatencyHistory(cell, regions, nowMs);
    this.#history = { canary: historyOf(canary.cell), stable: historyOf(stable.cell) };
    this.#trials = { canary: new TrialWindow(canary.cell, regions), stable: new TrialWindow(stable.cell, regions) };
    this.#ticks = QUANTILES.map(() => new OpenTick(nowMs));
    this.#bins = new OpenBins(nowMs);
    this.#restartedAtMs = nowMs;
    setLatency(canary.unit, null);
    setLatency(stable.unit, null);
  }

  get logE(): number {
    return logAdd(this.#process.logE, this.#shape.logE) - Math.LN2;
  }

  /** Whether logE >= `level`. */
  reaches(level: number): boolean {
    // The mean never exceeds the larger one.
    return (this.#process.reaches(level) || this.#shape.reaches(level)) && this.logE >= level;
  }

  /** Looks at what happened since the last time; `requests` finished in it. True when the e-value may have risen. */
  look(regions: readonly Region[], requests: PairCounts, nowMs: number): boolean {
    this.#history.canary.turn(regions, nowMs);
    this.#history.stable.turn(regions, nowMs);
    if (this.#frozen === null) {
      this.#warm(regions, requests, nowMs);
      return false;
    }
    if (nowMs - this.#restartedAtMs >= LATENCY_RESTART_MS) this.#restart(nowMs);
    this.#trials.canary.read(regions, this.#outCanary);
    this.#trials.stable.read(regions, this.#outStable);
    let isJudged = this.#judgeBins(nowMs);
    for (let k = 0; k < this.#news.length; k++) if (this.#judge(k, nowMs)) isJudged = true;
    return isJudged;
  }

  /** Nobody looked for too long: lets the time in between pass unjudged. */
  skip(regions: readonly Region[], nowMs: number): void {
    this.#trials.canary.skip(regions);
    this.#trials.stable.skip(regions);
    for (const tick of this.#ticks) tick.open(nowMs);
    this.#bins.open(nowMs);
    for (const dispersion of this.#dispersion) dispersion.skip();
  }

  /** A step of the rollout: thresholds are frozen anew, what is under way no longer counts. */
  step(regions: readonly Region[], nowMs: number): void {
    this.skip(regions, nowMs);
    this.#restart(nowMs, STEP_COPIES);
    if (this.#frozen !== null) this.#freeze(regions, nowMs);
  }

  /** What is known, for people. */
  part(regions: readonly Region[]): LatencyPart {
    const part = { logE: this.logE, isJudged: this.#frozen !== null, at: null };
    if (this.#frozen === null) return part;
    const k = this.#process.strongest;
    const q = QUANTILES[k] as number;
    const totals = this.#totals[k] as PairCounts;
    this.#history.canary.take(regions);
    this.#history.stable.take(regions);
    return {
      ...part,
      at: {
        quantile: q,
        canaryMs: this.#history.canary.sinceMark(q),
        stableMs: this.#history.stable.sinceMark(q),
        canaryLimitMs: this.#frozen.canaryMs[k] as number,
        stableLimitMs: this.#frozen.stableMs[k] as number,
        slow: { canary: { ...totals.canary }, stable: { ...totals.stable } },
      },
    };
  }

  #judgeBins(nowMs: number): boolean {
    if (!this.#bins.add(this.#news, nowMs)) return false;
    let factor = 1;
    for (const { factorOfMany } of this.#dispersion) factor = Math.max(factor, factorOfMany);
    this.#shape.update(this.#bins, factor);
    this.#bins.open(nowMs);
    return true;
  }

  #judge(k: number, nowMs: number): boolean {
    const news = this.#news[k] as PairCounts;
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

  #warm(regions: readonly Region[], { canary, stable }: PairCounts, nowMs: number): void {
    this.#canarySeen += canary.finished;
    this.#stableSeen += stable.finished;
    if (canary.finished > 0) this.#canarySinceMs ??= nowMs;
    if (this.#canarySinceMs === null || this.#stableSeen < SAMPLES_MIN) return;
    if (this.#canarySeen >= WARM_REQUESTS || nowMs - this.#canarySinceMs >= WARM_MS) this.#freeze(regions, nowMs);
  }

  #freeze(regions: readonly Region[], nowMs: number): void {
    const { canary, stable } = this.#history;
    stable.take(regions);
    canary.take(regions);
    const stableMs = stable.recent(QUANTILES, SAMPLES_MIN);
    if (stableMs === null) {
      this.#thaw();
      return;
    }
    const { latencyTolerance, latencyFloorMs } = this.#spec;
    const canaryMs = stableMs.map((ms) => Math.max(ms * (1 + latencyTolerance), ms + latencyFloorMs));
    this.#frozen = { stableMs, canaryMs };
    canary.mark();
    stable.mark();
    this.#process.forget();
    this.#shape.forget();
    this.#totals.forEach(clear);
    this.skip(regions, nowMs);
    this.#setLatency(this.#spec.stable.unit, { sinceMs: nowMs, atEndMs: stableMs, inFlightMs: canaryMs });
    this.#setLatency(this.#spec.canary.unit, { sinceMs: nowMs, atEndMs: canaryMs, inFlightMs: canaryMs });
  }

  /** Stable was hardly asked for minutes: its quantiles are to be learned again. */
  #thaw(): void {
    this.#frozen = null;
    this.#stableSeen = 0;
    this.#setLatency(this.#spec.stable.unit, null);
    this.#setLatency(this.#spec.canary.unit, null);
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
