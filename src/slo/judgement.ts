/**
 * One canary under watch: reads its evidence, keeps the score, remembers which exchanges failed.
 *
 * A judgement belongs to one generation of a rollout; when the operator changes the split or the canary, a new one starts
 * with no memory. A change of weight within a generation is a step: fresh copies of the e-processes start, thresholds are
 * frozen anew, and promotion begins again.
 *
 * When the failures that would convict are those of one endpoint of several, they are left out and the errors are judged
 * from nothing again: ejecting it is the business of `health/`. That goes on for SPARE_MS, SPARES_MAX times a step at most,
 * so that an endpoint that nobody ejects convicts its version in the end.
 */

import type { RolloutSpec } from '../model/rollout.ts';
import type { ArmCounts, Evidence, PairCounts, Verdict } from '../model/slo.ts';
import type { BadEvent } from './events.ts';
import { LatencyWatch, type SetLatency } from './latency/watch.ts';
import type { Region } from './regions.ts';
import { UserWindow } from './users.ts';
import { MinRule } from './verdict/min-rule.ts';
import { PromotionProcess } from './verdict/promotion.ts';
import { promotionSentence } from './verdict/sentence.ts';
import { SickEndpoint } from './verdict/sick-endpoint.ts';
import { Soundness } from './verdict/soundness.ts';
import { isLatencyEnough, logEToFail, totalLogE, verdictOf } from './verdict/verdict.ts';
import { CellWindow } from './window.ts';

/** Request ids of bad canary exchanges that a decision carries. */
const SAMPLES_MAX = 5;
const SPARES_MAX = 3;
/** How long an endpoint's failures are left out: time enough to eject it. */
const SPARE_MS = 10_000;

/** Where a judgement begins. */
export interface WatchStart {
  readonly nowMs: number;
  /** The canary's dial. */
  readonly weight: number;
  /** Stores latency thresholds for the workers. */
  readonly setLatency: SetLatency;
}

export class Judgement {
  #errors: MinRule;
  readonly #latency: LatencyWatch;
  readonly #promotion: PromotionProcess;
  readonly #soundness = new Soundness();
  readonly #sick: SickEndpoint;
  readonly #cells: { readonly canary: CellWindow; readonly stable: CellWindow };
  readonly #units: { readonly canary: UserWindow; readonly stable: UserWindow };
  /** Since the last look, and since the watch began. */
  readonly #news = emptyEvidence();
  readonly #totals = emptyEvidence();
  #weight: number;
  /** Canary requests finished when the present weight began. */
  #finishedBefore = 0;
  #stepAtMs: number;
  #firstBadAtMs: number | null = null;
  #samples: string[] = [];
  /** Endpoints whose failures were left out in this step. */
  #spared: number[] = [];
  #sparedAtMs = 0;
  /** As of the last look; empty before it. */
  #regions: readonly Region[] | null = null;

  /** Watches from now on. */
  constructor(spec: RolloutSpec, regions: readonly Region[], start: WatchStart) {
    const { canary, stable } = spec;
    const { nowMs } = start;
    this.#errors = new MinRule(spec.toleratedRatio, nowMs, spec.absoluteFloor);
    this.#latency = new LatencyWatch(spec, regions, nowMs, start.setLatency);
    this.#promotion = new PromotionProcess(spec.promotion);
    this.#sick = new SickEndpoint(canary.endpoints, regions, nowMs);
    this.#cells = { canary: new CellWindow(canary.cell, regions), stable: new CellWindow(stable.cell, regions) };
    this.#units = {
      canary: new UserWindow(canary.unit, regions, canary.cell),
      stable: new UserWindow(stable.unit, regions, stable.cell),
    };
    this.#weight = start.weight;
    this.#stepAtMs = nowMs;
  }

  /** Looks at what happened since the last time. True when the verdict may have become worse. */
  look(spec: RolloutSpec, regions: readonly Region[], nowMs: number): boolean {
    this.#regions = regions;
    const { requests, users } = this.#news;
    this.#cells.canary.read(regions, requests.canary);
    this.#cells.stable.read(regions, requests.stable);
    this.#units.canary.read(regions, users.canary);
    this.#units.stable.read(regions, users.stable);
    addTo(this.#totals.requests, requests);
    addTo(this.#totals.users, users);
    this.#soundness.look(requests, this.#cells.canary.isConsistent && this.#cells.stable.isConsistent, nowMs);
    const { canary, stable } = requests;
    this.#promotion.update(canary.finished, stable.finished, canary.bad, stable.bad);
    this.#sick.turn(regions, nowMs);
    const byErrors = this.#errors.observe(this.#news, nowMs);
    if (byErrors) this.#spare(spec, regions, nowMs);
    return this.#latency.look(regions, requests, nowMs) || byErrors;
  }

  /** Nobody looked for too long: lets the time in between pass unjudged. */
  skip(regions: readonly Region[], nowMs: number): void {
    this.#cells.canary.skip(regions);
    this.#cells.stable.skip(regions);
    this.#units.canary.skip(regions);
    this.#units.stable.skip(regions);
    this.#errors.skip(nowMs);
    this.#latency.skip(regions, nowMs);
    this.#soundness.gap(nowMs);
  }

  /** Notes the canary's weight; a new one is a step. */
  weigh(weight: number, regions: readonly Region[], nowMs: number): void {
    if (weight === this.#weight) return;
    this.#weight = weight;
    this.#finishedBefore = this.#totals.requests.canary.finished;
    this.#stepAtMs = nowMs;
    this.#firstBadAtMs = null;
    this.#samples = [];
    this.#spared = [];
    this.#errors.step(nowMs);
    this.#latency.step(regions, nowMs);
    this.#promotion.restart();
    this.#units.canary.forgive();
    this.#units.stable.forgive();
  }

  /** Remembers a bad exchange of the canary. */
  note(event: BadEvent): void {
    if (event.atMs < this.#stepAtMs) return;
    this.#firstBadAtMs = Math.min(this.#firstBadAtMs ?? event.atMs, event.atMs);
    if (event.requestId === '') return;
    this.#samples.push(event.requestId);
    if (this.#samples.length > SAMPLES_MAX) this.#samples.shift();
  }

  /** Whether the evidence rolls the canary back. Cost: no allocation while it does not. */
  isConvicted(spec: RolloutSpec): boolean {
    const level = logEToFail(spec.alpha);
    // The composed e-value never exceeds its largest part.
    if (!this.#errors.reaches(level) && !this.#latency.reaches(level)) return false;
    if (this.#soundness.fault !== null) return false;
    const latency = this.#latency.logE;
    if (this.#totals.requests.canary.bad < spec.badMin && !isLatencyEnough(latency, level)) return false;
    return totalLogE(this.#errors.logE, latency) >= level;
  }

  /** Whether the canary is proven not to be worse, in this step, and nothing speaks against it now. */
  isPromotable(spec: RolloutSpec): boolean {
    return this.#promotion.isPassed && this.#soundness.fault === null && !this.isConvicted(spec);
  }

  /** null before the first look. */
  verdict(spec: RolloutSpec): Verdict | null {
    return this.#regions === null ? null : this.verdictNow(spec);
  }

  /** The same, with nothing counted before the first look. */
  verdictNow(spec: RolloutSpec): Verdict {
    const { logE, logERequests, logEUsers, logEAbsolute, dispersion } = this.#errors;
    const { isPassed, logERelative, logEAbsolute: logEBelow, logEToPass, goodNeeded } = this.#promotion;
    const parts = {
      errors: {
        logE,
        logERequests,
        logEUsers,
        logEAbsolute: Number.isFinite(logEAbsolute) ? logEAbsolute : null,
        dispersion,
        spared: [...this.#spared],
      },
      latency: this.#latency.part(this.#regions ?? []),
      promotion: {
        isPassed,
        logERelative,
        logEAbsolute: logEBelow,
        logEToPass,
        goodNeeded: Number.isFinite(goodNeeded) ? goodNeeded : null,
      },
      fault: this.#soundness.fault,
    };
    return verdictOf(parts, this.#totals, spec);
  }

  /** Requests of both versions since the watch began; live. */
  get requests(): PairCounts {
    return this.#totals.requests;
  }

  /** Canary requests finished at its present weight. */
  get stepRequests(): number {
    return this.#totals.requests.canary.finished - this.#finishedBefore;
  }

  /** How far the proof is that the canary is not worse, for the gate of a step. */
  promotion(spec: RolloutSpec): { readonly isPromotable: boolean; readonly sentence: string } {
    const isPromotable = this.isPromotable(spec);
    const { fault } = this.#soundness;
    return { isPromotable, sentence: promotionSentence(isPromotable, this.#promotion.goodNeeded, fault) };
  }

  /** Time from the first bad canary exchange of the step to `nowMs`; -1 when none was noted. */
  detectedInMs(nowMs: number): number {
    return this.#firstBadAtMs === null ? -1 : Math.max(0, nowMs - this.#firstBadAtMs);
  }

  /** The newest bad canary exchanges of the step. */
  get sampleRequestIds(): readonly string[] {
    return [...this.#samples];
  }

  /** Leaves the failures out that would convict when they are one endpoint's. */
  #spare(spec: RolloutSpec, regions: readonly Region[], nowMs: number): void {
    if (!this.#errors.reaches(logEToFail(spec.alpha))) return;
    const { stable } = this.#totals.requests;
    const endpoint = this.#sick.find(regions, stable.finished === 0 ? 0 : stable.bad / stable.finished);
    if (endpoint === null) return;
    if (endpoint !== this.#spared.at(-1) || nowMs - this.#sparedAtMs >= SPARE_MS) {
      if (this.#spared.length >= SPARES_MAX) return;
      this.#spared.push(endpoint);
      this.#sparedAtMs = nowMs;
    }
    this.#errors = new MinRule(spec.toleratedRatio, nowMs, spec.absoluteFloor);
  }
}

/** Whether evidence gathered under one spec counts under the other: same cells, units and null hypothesis. */
export function isComparable(a: RolloutSpec, b: RolloutSpec): boolean {
  if (!hasSameHypotheses(a, b)) return false;
  if (a.canary.cell !== b.canary.cell || a.stable.cell !== b.stable.cell) return false;
  return a.canary.unit === b.canary.unit && a.stable.unit === b.stable.unit;
}

/** Whether both are judged by the same numbers; alpha and badMin only say how sure one must be. */
function hasSameHypotheses(a: RolloutSpec, b: RolloutSpec): boolean {
  return (
    a.toleratedRatio === b.toleratedRatio &&
    a.absoluteFloor === b.absoluteFloor &&
    a.latencyTolerance === b.latencyTolerance &&
    a.latencyFloorMs === b.latencyFloorMs &&
    a.promotion.beta === b.promotion.beta &&
    a.promotion.ratioMax === b.promotion.ratioMax &&
    a.promotion.errorRatioMax === b.promotion.errorRatioMax &&
    a.canary.endpoints.length === b.canary.endpoints.length &&
    a.canary.endpoints.every((endpoint, n) => endpoint === b.canary.endpoints[n])
  );
}

function emptyPair(): PairCounts {
  const arm = (): ArmCounts => ({ finished: 0, bad: 0 });
  return { canary: arm(), stable: arm() };
}

function emptyEvidence(): Evidence {
  return { requests: emptyPair(), users: emptyPair() };
}

function addTo(sum: PairCounts, news: PairCounts): void {
  sum.canary.finished += news.canary.finished;
  sum.canary.bad += news.canary.bad;
  sum.stable.finished += news.stable.finished;
  sum.stable.bad += news.stable.bad;
}
