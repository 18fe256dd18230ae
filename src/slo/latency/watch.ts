/**
 * Watches one rollout's latency: freezes thresholds, reads exceedances, and hands them to the score (`score.ts`).
 *
 * ```
 *             stable and canary are known               the canary's weight moved
 *   warming ─────────────────────────────▶ frozen ──────────────────────────────▶ frozen anew (or warming, with too few)
 * ```
 * Thresholds are stable's quantiles of the last minutes, taken before anything is compared by them; the canary may take
 * `tolerance` more, and at least `floorMs`. New endpoints are cold: nothing is compared before the canary finished WARM_REQUESTS
 * or WARM_MS passed since its first. (Failures count from the first request on; being cold is no reason to fail.)
 * A rollout of several routes has thresholds for all of them together.
 * Source: docs/verdicts.md "Latency". Cost: about 3 us per tick once frozen, with the score.
 */

import type { LatencyDial } from '../../model/latency.ts';
import { type RolloutRoute, type RolloutSpec, routesOf } from '../../model/rollout.ts';
import type { ArmCounts, PairCounts } from '../../model/slo.ts';
import type { Region } from '../regions.ts';
import { QUANTILES } from '../verdict/dominance.ts';
import { LatencyHistory } from './history.ts';
import { LatencyScore, type SeenLatency } from './score.ts';
import { TrialWindow } from './trials.ts';

/** Canary requests after which it counts as warm, and the time after its first request from which it does anyway. */
export const WARM_REQUESTS = 200;
export const WARM_MS = 30_000;
/** Fewest latencies of stable that thresholds are taken from. */
export const SAMPLES_MIN = 200;

/** Stores thresholds where the workers read them; null: nothing counts. */
export type SetLatency = (unit: number, dial: LatencyDial | null) => void;

export class LatencyWatch {
  readonly #spec: RolloutSpec;
  readonly #routes: readonly RolloutRoute[];
  readonly #setLatency: SetLatency;
  readonly score: LatencyScore;
  readonly #history: { readonly canary: LatencyHistory; readonly stable: LatencyHistory };
  readonly #trials: { readonly canary: TrialWindow; readonly stable: TrialWindow };
  /** Per threshold, since the last look. */
  readonly #news = QUANTILES.map(emptyPair);
  readonly #outCanary: readonly ArmCounts[] = this.#news.map(({ canary }) => canary);
  readonly #outStable: readonly ArmCounts[] = this.#news.map(({ stable }) => stable);
  #canarySeen = 0;
  #stableSeen = 0;
  #canarySinceMs: number | null = null;

  constructor(spec: RolloutSpec, regions: readonly Region[], nowMs: number, setLatency: SetLatency) {
    const routes = routesOf(spec);
    const [canaries, stables] = [routes.map(({ canary }) => canary.cell), routes.map(({ stable }) => stable.cell)];
    this.#spec = spec;
    this.#routes = routes;
    this.#setLatency = setLatency;
    const historyOf = (cells: readonly number[]): LatencyHistory => new LatencyHistory(cells, regions, nowMs);
    this.#history = { canary: historyOf(canaries), stable: historyOf(stables) };
    this.#trials = { canary: new TrialWindow(canaries, regions), stable: new TrialWindow(stables, regions) };
    this.score = new LatencyScore(nowMs);
    forgetLatency(spec, setLatency);
  }

  /** What the last look read, one pair per threshold; the watch's own, valid until the next one. */
  get trials(): readonly PairCounts[] {
    return this.#news;
  }

  /** Looks at what happened since the last time; `requests` finished in it. True when the e-value may have risen. */
  look(regions: readonly Region[], requests: PairCounts, nowMs: number): boolean {
    this.#history.canary.turn(regions, nowMs);
    this.#history.stable.turn(regions, nowMs);
    if (this.score.limits === null) {
      this.#warm(regions, requests, nowMs);
      return false;
    }
    this.#trials.canary.read(regions, this.#outCanary);
    this.#trials.stable.read(regions, this.#outStable);
    return this.score.judge(this.#news, nowMs);
  }

  /** Nobody looked for too long: lets the time in between pass unjudged. */
  skip(regions: readonly Region[], nowMs: number): void {
    this.#trials.canary.skip(regions);
    this.#trials.stable.skip(regions);
    this.score.skip(nowMs);
  }

  /** A step of the rollout: thresholds are frozen anew, what is under way no longer counts. */
  step(regions: readonly Region[], nowMs: number): void {
    this.#trials.canary.skip(regions);
    this.#trials.stable.skip(regions);
    this.score.step(nowMs);
    if (this.score.limits !== null) this.#freeze(regions, nowMs);
  }

  /** A quantile of both arms since the thresholds were frozen. */
  seenAt(quantile: number, regions: readonly Region[]): SeenLatency {
    const { canary, stable } = this.#history;
    canary.take(regions);
    stable.take(regions);
    return { canaryMs: canary.sinceMark(quantile), stableMs: stable.sinceMark(quantile) };
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
      this.#thaw(nowMs);
      return;
    }
    const { latencyTolerance, latencyFloorMs } = this.#spec;
    const canaryMs = stableMs.map((ms) => Math.max(ms * (1 + latencyTolerance), ms + latencyFloorMs));
    canary.mark();
    stable.mark();
    this.#trials.canary.skip(regions);
    this.#trials.stable.skip(regions);
    this.score.freeze({ stableMs, canaryMs }, nowMs);
    for (const route of this.#routes) {
      this.#setLatency(route.stable.unit, { sinceMs: nowMs, atEndMs: stableMs, inFlightMs: canaryMs });
      this.#setLatency(route.canary.unit, { sinceMs: nowMs, atEndMs: canaryMs, inFlightMs: canaryMs });
    }
  }

  /** Stable was hardly asked for minutes: its quantiles are to be learned again. */
  #thaw(nowMs: number): void {
    this.score.freeze(null, nowMs);
    this.#stableSeen = 0;
    forgetLatency(this.#spec, this.#setLatency);
  }
}

/** Nothing is counted at thresholds any more. */
export function forgetLatency(spec: RolloutSpec, setLatency: SetLatency): void {
  for (const { canary, stable } of routesOf(spec)) {
    setLatency(canary.unit, null);
    setLatency(stable.unit, null);
  }
}

function emptyPair(): PairCounts {
  return { canary: { finished: 0, bad: 0 }, stable: { finished: 0, bad: 0 } };
}
