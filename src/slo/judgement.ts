/**
 * One canary under watch: reads its evidence, keeps the score, remembers which exchanges failed.
 *
 * A judgement belongs to one generation of a rollout; when the operator changes the split or the canary, a new one starts
 * with no memory. A change of weight within a generation is a step: fresh copies of the e-processes start.
 */

import type { RolloutSpec } from '../model/rollout.ts';
import type { ArmCounts, Evidence, PairCounts, Verdict } from '../model/slo.ts';
import type { BadEvent } from './events.ts';
import type { Region } from './regions.ts';
import { UserWindow } from './users.ts';
import { MinRule } from './verdict/min-rule.ts';
import { logEToFail, verdictOf } from './verdict/verdict.ts';
import { CellWindow } from './window.ts';

/** Request ids of bad canary exchanges that a decision carries. */
const SAMPLES_MAX = 5;

export class Judgement {
  readonly #rule: MinRule;
  readonly #cells: { readonly canary: CellWindow; readonly stable: CellWindow };
  readonly #units: { readonly canary: UserWindow; readonly stable: UserWindow };
  /** Since the last look, and since the watch began. */
  readonly #news = emptyEvidence();
  readonly #totals = emptyEvidence();
  #weight: number;
  #stepAtMs: number;
  #firstBadAtMs: number | null = null;
  #samples: string[] = [];
  #hasLooked = false;

  /** Watches from now on. `weight`: the canary's dial. */
  constructor(
    spec: RolloutSpec,
    regions: readonly Region[],
    start: { readonly nowMs: number; readonly weight: number },
  ) {
    const { canary, stable } = spec;
    this.#rule = new MinRule(spec.toleratedRatio, start.nowMs);
    this.#cells = { canary: new CellWindow(canary.cell, regions), stable: new CellWindow(stable.cell, regions) };
    this.#units = { canary: new UserWindow(canary.unit, regions), stable: new UserWindow(stable.unit, regions) };
    this.#weight = start.weight;
    this.#stepAtMs = start.nowMs;
  }

  /** Looks at what happened since the last time. True when the verdict may have become worse. */
  look(regions: readonly Region[], nowMs: number): boolean {
    this.#hasLooked = true;
    const { requests, users } = this.#news;
    this.#cells.canary.read(regions, requests.canary);
    this.#cells.stable.read(regions, requests.stable);
    this.#units.canary.read(regions, users.canary);
    this.#units.stable.read(regions, users.stable);
    addTo(this.#totals.requests, requests);
    addTo(this.#totals.users, users);
    return this.#rule.observe(this.#news, nowMs);
  }

  /** Nobody looked for too long: lets the time in between pass unjudged. */
  skip(regions: readonly Region[], nowMs: number): void {
    this.#cells.canary.skip(regions);
    this.#cells.stable.skip(regions);
    this.#units.canary.skip(regions);
    this.#units.stable.skip(regions);
    this.#rule.skip(nowMs);
  }

  /** Notes the canary's weight; a new one is a step. */
  weigh(weight: number, nowMs: number): void {
    if (weight === this.#weight) return;
    this.#weight = weight;
    this.#stepAtMs = nowMs;
    this.#firstBadAtMs = null;
    this.#samples = [];
    this.#rule.step(nowMs);
  }

  /** Remembers a bad exchange of the canary. */
  note(event: BadEvent): void {
    if (event.atMs < this.#stepAtMs) return;
    this.#firstBadAtMs = Math.min(this.#firstBadAtMs ?? event.atMs, event.atMs);
    if (event.requestId === '') return;
    this.#samples.push(event.requestId);
    if (this.#samples.length > SAMPLES_MAX) this.#samples.shift();
  }

  /** Whether the evidence rolls the canary back. Cost: no allocation. */
  isConvicted(spec: RolloutSpec): boolean {
    return this.#totals.requests.canary.bad >= spec.badMin && this.#rule.reaches(logEToFail(spec.alpha));
  }

  /** null before the first look. */
  verdict(spec: RolloutSpec): Verdict | null {
    return this.#hasLooked ? verdictOf(this.#rule, this.#totals, spec) : null;
  }

  /** Time from the first bad canary exchange of the step to `nowMs`; -1 when none was noted. */
  detectedInMs(nowMs: number): number {
    return this.#firstBadAtMs === null ? -1 : Math.max(0, nowMs - this.#firstBadAtMs);
  }

  /** The newest bad canary exchanges of the step. */
  get sampleRequestIds(): readonly string[] {
    return [...this.#samples];
  }
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
