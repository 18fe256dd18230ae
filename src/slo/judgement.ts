/**
 * One canary under watch: reads its evidence, keeps the account and the score, writes both down.
 *
 * A judgement belongs to one generation of a rollout; when the operator changes the split or the canary, a new one starts
 * with no memory. A change of weight within a generation is a step: fresh copies of the e-processes start, thresholds are
 * frozen anew, and promotion begins again. Endpoints come and go within one, and with them nothing of the evidence.
 */

import { type RolloutRoute, type RolloutSpec, routesOf, type ShadowPolicy } from '../model/rollout.ts';
import type { EndpointName, PairCounts, Verdict } from '../model/slo.ts';
import { EvidenceWindow } from './evidence.ts';
import type { LatencyLimits, SeenLatency } from './latency/score.ts';
import { LatencyWatch, type SetLatency } from './latency/watch.ts';
import type { Region } from './regions.ts';
import type { Tape } from './replay/tape.ts';
import { AttemptWindow, type Elsewhere, NOWHERE } from './verdict/endpoints/attempts.ts';
import { followedOf } from './verdict/endpoints/sick-endpoint.ts';
import { Account, emptyEvidence, type Look, type Noted } from './verdict/score/account.ts';
import { Score } from './verdict/score/score.ts';
import { hasSameHypotheses, Shadows, type ShadowView } from './verdict/score/shadows.ts';

/** Where a judgement begins. */
export interface WatchStart {
  readonly nowMs: number;
  /** The canary's dial. */
  readonly weight: number;
  /** Stores latency thresholds for the workers. */
  readonly setLatency: SetLatency;
  /** What other gateways told of the canary's endpoints so far: the past. */
  readonly elsewhere?: Elsewhere | undefined;
  /** Takes down what is seen; default: nobody does. */
  readonly tape?: Tape | null;
}

const NO_LATENCY: SeenLatency = { canaryMs: null, stableMs: null };

export class Judgement {
  /** Of the canary, one for each route: bad exchanges there are to be noted. */
  readonly cells: readonly number[];
  readonly #account: Account;
  readonly #score: Score;
  readonly #shadows: Shadows;
  readonly #latency: LatencyWatch;
  readonly #attempts: AttemptWindow;
  readonly #evidence: EvidenceWindow;
  readonly #tape: Tape | null;
  /** Since the last look. */
  readonly #look: { -readonly [K in keyof Look]: Look[K] } = { ...emptyEvidence(), isConsistent: true, attempts: null };
  #noted: Noted[] = [];
  /** Endpoints of the canary that are known here, and those that only other gateways know. */
  #own: ReadonlySet<EndpointName>;
  #strangers: readonly EndpointName[] = [];
  /** As of the last look; null before it. */
  #regions: readonly Region[] | null = null;

  /** Watches from now on. */
  constructor(spec: RolloutSpec, regions: readonly Region[], start: WatchStart) {
    const { nowMs } = start;
    const routes = routesOf(spec);
    this.cells = routes.map(({ canary }) => canary.cell);
    this.#latency = new LatencyWatch(spec, regions, nowMs, start.setLatency);
    this.#account = new Account(spec, start, this.#latency.score);
    this.#score = new Score(spec, nowMs, routes.length);
    this.#shadows = new Shadows(spec.shadows, nowMs, routes.length);
    this.#attempts = new AttemptWindow(this.#account.sick.followed, regions, start.elsewhere);
    this.#own = namesOf(spec);
    this.#evidence = new EvidenceWindow(spec, regions);
    this.#tape = start.tape ?? null;
  }

  /**
   * Looks at what happened since the last time. True when the verdict may have become worse.
   * @param elsewhere what other gateways told of the canary's endpoints
   */
  look(spec: RolloutSpec, regions: readonly Region[], nowMs: number, elsewhere: Elsewhere = NOWHERE): boolean {
    this.#meet(elsewhere, nowMs);
    this.#read(regions, nowMs, elsewhere);
    const look = this.#look;
    this.#account.take(look, nowMs);
    const byErrors = this.#score.look(spec, look, this.#account, nowMs);
    this.#shadows.look(look, this.#account, nowMs);
    const before = this.limits;
    const byLatency = this.#latency.look(regions, look.requests, nowMs);
    this.#tape?.look(look, before === null ? null : this.#latency.trials, nowMs);
    this.#tellLimits(before);
    return byLatency || byErrors;
  }

  /** Nobody looked for too long: lets the time in between pass unjudged. */
  skip(regions: readonly Region[], nowMs: number, gapMs = 0): void {
    this.#evidence.skip(regions);
    this.#score.skip(nowMs);
    this.#shadows.skip(nowMs);
    this.#latency.skip(regions, nowMs);
    this.#account.gap(nowMs);
    this.#tellNoted();
    this.#tape?.skip(nowMs, gapMs);
  }

  /** Notes the canary's weight; a new one is a step. */
  weigh(weight: number, regions: readonly Region[], nowMs: number): void {
    if (!this.#account.weigh(weight, nowMs)) return;
    const before = this.limits;
    this.#score.step(nowMs);
    this.#shadows.step(nowMs);
    this.#latency.step(regions, nowMs);
    this.#evidence.forgive();
    this.#tape?.weigh(weight, nowMs);
    this.#tellLimits(before);
  }

  /** Another configuration, or other endpoints, under which the evidence goes on. */
  follow(spec: RolloutSpec, nowMs: number): void {
    this.#shadows.follow(spec.shadows, nowMs);
    this.#own = namesOf(spec);
    this.#account.sick.follow(followedOf(spec.canary), nowMs);
  }

  /** The shadow policies that would roll back now and have not before. */
  decideShadows(): readonly ShadowPolicy[] {
    return this.#shadows.decide(this.#account);
  }

  /** What every shadow policy makes of the canary. */
  shadows(): ShadowView[] {
    return this.#shadows.views(this.#account, this.#seenAt);
  }

  /** Remembers a bad exchange of the canary. */
  note(noted: Noted): void {
    if (this.#account.note(noted) && this.#tape !== null) this.#noted.push(noted);
  }

  /** Whether the evidence rolls the canary back. Cost: no allocation while it does not. */
  isConvicted(spec: RolloutSpec): boolean {
    return this.#score.isConvicted(spec, this.#account);
  }

  /** Whether the canary is proven not to be worse, in this step, and nothing speaks against it now. */
  isPromotable(spec: RolloutSpec): boolean {
    return this.#score.isPromotable(spec, this.#account);
  }

  /** null before the first look. */
  verdict(spec: RolloutSpec): Verdict | null {
    return this.#regions === null ? null : this.verdictNow(spec);
  }

  /** The same, with nothing counted before the first look. */
  verdictNow(spec: RolloutSpec): Verdict {
    return this.#score.verdict(spec, this.#account, this.#seenAt);
  }

  /** Requests of both versions since the watch began; live. */
  get requests(): PairCounts {
    return this.#account.requests;
  }

  /** Canary requests finished at its present weight. */
  get stepRequests(): number {
    return this.#account.stepRequests;
  }

  /** Latency thresholds in force; null while none are frozen. */
  get limits(): LatencyLimits | null {
    return this.#account.latency.limits;
  }

  /** How far the proof is that the canary is not worse, for the gate of a step. */
  promotion(spec: RolloutSpec): { readonly isPromotable: boolean; readonly sentence: string } {
    return this.#score.promotion(spec, this.#account);
  }

  /** Time from the first bad canary exchange of the step to `nowMs`; -1 when none was noted. */
  detectedInMs(nowMs: number): number {
    return this.#account.detectedInMs(nowMs);
  }

  /** The newest bad canary exchanges of the step. */
  get sampleRequestIds(): readonly string[] {
    return this.#account.sampleRequestIds;
  }

  readonly #seenAt = (quantile: number): SeenLatency =>
    this.#regions === null ? NO_LATENCY : this.#latency.seenAt(quantile, this.#regions);

  /** Takes in which endpoints only other gateways know. */
  #meet(elsewhere: Elsewhere, nowMs: number): void {
    if (elsewhere.size === 0 && this.#strangers.length === 0) return;
    const strangers = [...elsewhere.keys()].filter((name) => !this.#own.has(name));
    const before = this.#strangers;
    if (strangers.length === before.length && strangers.every((name, n) => name === before[n])) return;
    this.#strangers = strangers;
    this.#account.sick.meet(strangers, nowMs);
    this.#tape?.meet(strangers, nowMs);
  }

  #read(regions: readonly Region[], nowMs: number, elsewhere: Elsewhere): void {
    this.#tellNoted();
    this.#regions = regions;
    const look = this.#look;
    const { requests, users } = look;
    this.#evidence.read(regions, look);
    const { sick } = this.#account;
    this.#attempts.follow(sick.followed, regions, elsewhere);
    const mayBlame = sick.isAble && requests.canary.bad + users.canary.bad > 0;
    look.attempts = mayBlame || sick.isDue(nowMs) ? this.#attempts.read(regions, elsewhere) : null;
  }

  #tellNoted(): void {
    if (this.#noted.length === 0) return;
    this.#tape?.note(this.#noted);
    this.#noted = [];
  }

  #tellLimits(before: LatencyLimits | null): void {
    const { limits } = this;
    if (limits !== before) this.#tape?.freeze(limits);
  }
}

function namesOf({ canary }: RolloutSpec): ReadonlySet<EndpointName> {
  return new Set(followedOf(canary).map(({ name }) => name));
}

/** Whether evidence gathered under one spec counts under the other: same cells, units and null hypothesis. */
export function isComparable(a: RolloutSpec, b: RolloutSpec): boolean {
  if (!hasSameTerms(a, b)) return false;
  const [routes, others] = [routesOf(a), routesOf(b)];
  return routes.length === others.length && routes.every((route, n) => isSamePlace(route, others[n] as RolloutRoute));
}

function isSamePlace(a: RolloutRoute, b: RolloutRoute): boolean {
  if (a.route !== b.route || a.canary.cell !== b.canary.cell || a.stable.cell !== b.stable.cell) return false;
  return a.canary.unit === b.canary.unit && a.stable.unit === b.stable.unit;
}

/** Whether both are judged by the same numbers; alpha and badMin only say how sure one must be. */
function hasSameTerms(a: RolloutSpec, b: RolloutSpec): boolean {
  const isSameLatency = a.latencyTolerance === b.latencyTolerance && a.latencyFloorMs === b.latencyFloorMs;
  return hasSameHypotheses(a, b) && isSameLatency;
}
