/**
 * Derives from the rows of a tape what a policy makes of a canary: docs/verdicts.md in plain code.
 *
 * `Scene` is what every policy sees, `Judge` one policy's view of it.
 */

import { logSum } from './bets.ts';
import { Endpoints } from './endpoints.ts';
import { Errors, QUANTILES, Slowness } from './processes.ts';
import type { Four, Limits, LookRow, Name, RouteLook, ShadowTerms } from './rows.ts';
import { Soundly } from './soundly.ts';

const SPARE_MS = 10_000;
const SPARES_MAX = 3;
const STABLE_DOWN = 20;
const BROKEN_LOOKS = 50;
const GAPS = 3;
const GAPS_MS = 60_000;
const SAMPLES = 5;
const LATENCY_WEIGHT = 0.3;
/** Of all routes by themselves, where there are several. */
const ROUTES_WEIGHT = 0.1;

const NOTHING: RouteLook = { requests: [0, 0, 0, 0], users: [0, 0, 0, 0] };

/** One route of several, since the beginning. */
export interface RouteSums {
  readonly route: string;
  requests: Four;
  users: Four;
}

/** What is seen of a canary, whoever judges. */
export class Scene {
  readonly slowness: Slowness;
  limits: Limits | null = null;
  requests: Four = [0, 0, 0, 0];
  users: Four = [0, 0, 0, 0];
  /** Empty where there is one. */
  readonly routes: readonly RouteSums[];
  firstBadAtMs: number | null = null;
  samples: string[] = [];
  readonly endpoints: Endpoints;
  #stableDown = 0;
  #broken = 0;
  #gapsAtMs: number[] = [];
  #nowMs: number;
  #finishedBefore = 0;

  /** @param endpoints names of those that the canary lists @param routes names of several; empty: it has one */
  constructor(endpoints: readonly Name[], nowMs: number, routes: readonly string[] = []) {
    this.slowness = new Slowness(nowMs);
    this.routes = routes.map((route) => ({ route, ...NOTHING }));
    this.endpoints = new Endpoints(endpoints, nowMs);
    this.#nowMs = nowMs;
  }

  /** Canary requests since its weight changed. */
  get stepRequests(): number {
    return this.requests[0] - this.#finishedBefore;
  }

  /** Why nothing of it can be believed; null when it can. */
  get fault(): string | null {
    if (this.#stableDown >= STABLE_DOWN) return 'stable-down';
    if (this.#broken >= BROKEN_LOOKS) return 'counters';
    const [first] = this.#gapsAtMs;
    if (first === undefined || this.#gapsAtMs.length < GAPS) return null;
    return Math.abs(this.#nowMs - first) < GAPS_MS ? 'clock' : null;
  }

  look({ requests, users, isConsistent, attempts, routes, nowMs }: LookRow): void {
    this.#nowMs = nowMs;
    this.requests = sumOf(this.requests, requests);
    this.users = sumOf(this.users, users);
    for (const [n, sums] of this.routes.entries()) {
      const { requests: more, users: moreUsers } = routes?.[n] ?? NOTHING;
      sums.requests = sumOf(sums.requests, more);
      sums.users = sumOf(sums.users, moreUsers);
    }
    const [, , finished, bad] = requests;
    this.#stableDown = finished > bad ? 0 : this.#stableDown + bad;
    this.#broken = isConsistent ? 0 : this.#broken + 1;
    if (attempts !== null) this.endpoints.attempt(attempts, nowMs);
  }

  gap(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#gapsAtMs = [...this.#gapsAtMs, nowMs].slice(-GAPS);
    this.slowness.interrupt(nowMs);
  }

  step(nowMs: number): void {
    this.#finishedBefore = this.requests[0];
    this.firstBadAtMs = null;
    this.samples = [];
    this.slowness.step(nowMs);
  }

  freeze(limits: Limits | null, nowMs: number): void {
    this.limits = limits;
    if (limits !== null) this.slowness.freeze(nowMs);
  }

  note(firstAtMs: number, ids: readonly string[]): void {
    this.firstBadAtMs = Math.min(this.firstBadAtMs ?? firstAtMs, firstAtMs);
    this.samples = [...this.samples, ...ids].slice(-SAMPLES);
  }

  /** The endpoint that has nearly all of the canary's failures beyond stable's share; null when none has. */
  sickEndpoint(): ReturnType<Endpoints['culprit']> {
    const [, , finished, bad] = this.requests;
    return this.endpoints.culprit(finished === 0 ? 0 : bad / finished);
  }
}

/** The numbers of a policy. */
export type Policy = Omit<ShadowTerms, 'name'>;

/** What one policy makes of a scene. */
export class Judge {
  policy: Policy;
  errors: Errors;
  /** Each route by itself; empty where there is one. */
  routes: readonly Errors[];
  readonly soundly: Soundly;
  spared: Name[] = [];
  #sparedAtMs = 0;

  /** @param routeCount of several; 0: it has one */
  constructor(policy: Policy, nowMs: number, routeCount = 0) {
    this.policy = policy;
    this.errors = this.#fresh(nowMs);
    this.routes = Array.from({ length: routeCount }, () => this.#fresh(nowMs));
    this.soundly = new Soundly(policy.promotion);
  }

  /** Evidence that is needed, in nats. */
  get needed(): number {
    return Math.log(1 / this.policy.alpha);
  }

  /** After the scene. Whether failures were judged. */
  look({ requests, users, routes, nowMs }: LookRow, scene: Scene): boolean {
    this.soundly.look(requests);
    const judged = [this.errors.look(requests, users, nowMs)];
    for (const [n, one] of this.routes.entries()) {
      const seen = routes?.[n] ?? NOTHING;
      judged.push(one.look(seen.requests, seen.users, nowMs));
    }
    if (!judged.includes(true)) return false;
    if (this.mayConvict) this.#spare(scene, nowMs);
    return true;
  }

  /** Whether failures, of all routes or of one, are evidence enough by themselves. */
  get mayConvict(): boolean {
    return [this.errors, ...this.routes].some(({ logE }) => logE >= this.needed);
  }

  interrupt(nowMs: number): void {
    for (const errors of [this.errors, ...this.routes]) errors.interrupt(nowMs);
  }

  step(nowMs: number): void {
    this.spared = [];
    for (const errors of [this.errors, ...this.routes]) errors.step(nowMs);
    this.soundly.restart();
  }

  /** Evidence of failures and slowness together: 0.7 and 0.3, or with several routes 0.6, 0.3 and the mean of theirs 0.1. */
  total({ slowness }: Scene): number {
    const { length } = this.routes;
    const ofErrors = 1 - LATENCY_WEIGHT - (length === 0 ? 0 : ROUTES_WEIGHT);
    const routes = this.routes.map(({ logE }) => logE + Math.log(ROUTES_WEIGHT / length));
    return logSum([this.errors.logE + Math.log(ofErrors), slowness.logE + Math.log(LATENCY_WEIGHT), ...routes]);
  }

  /** Whether slowness convicts without any failure. */
  isSlowEnough({ slowness }: Scene): boolean {
    return slowness.logE + Math.log(LATENCY_WEIGHT) >= this.needed;
  }

  isConvicting(scene: Scene): boolean {
    if (scene.fault !== null || this.total(scene) < this.needed) return false;
    return scene.requests[1] >= this.policy.badMin || this.isSlowEnough(scene);
  }

  #spare(scene: Scene, nowMs: number): void {
    const culprit = scene.sickEndpoint();
    if (culprit === null) return;
    if (culprit.name !== this.spared.at(-1) || nowMs - this.#sparedAtMs >= SPARE_MS) {
      if (!culprit.canGo || this.spared.length >= SPARES_MAX) return;
      this.spared.push(culprit.name);
      this.#sparedAtMs = nowMs;
    }
    this.errors = this.#fresh(nowMs);
    this.routes = this.routes.map(() => this.#fresh(nowMs));
  }

  #fresh(nowMs: number): Errors {
    return new Errors(this.policy.toleratedRatio, this.policy.absoluteFloor, nowMs);
  }
}

/** The numbers of a policy, and nothing else. */
export function policyOf({ alpha, toleratedRatio, badMin, absoluteFloor, promotion }: Policy): Policy {
  return { alpha, toleratedRatio, badMin, absoluteFloor, promotion };
}

/** The state that a verdict has. */
export function stateOf(judge: Judge, scene: Scene): string {
  if (scene.fault !== null) return 'sli-broken';
  if (judge.isConvicting(scene)) return 'fail';
  const [finished, , stable] = scene.requests;
  if (finished === 0 || stable === 0) return 'no-traffic';
  if (shortfallOf(judge, scene) !== null) return 'insufficient';
  return judge.soundly.isPassed ? 'pass' : 'inconclusive';
}

/** What is missing, as `of needed seen`; null when nothing is. */
export function shortfallOf(judge: Judge, scene: Scene): { of: string; needed: number; seen: number } | null {
  const [finished, bad] = scene.requests;
  const { badMin } = judge.policy;
  const isProven = judge.total(scene) >= judge.needed;
  if (isProven && bad < badMin && !judge.isSlowEnough(scene)) {
    return { of: 'bad canary requests', needed: badMin, seen: bad };
  }
  return finished < badMin ? { of: 'canary requests', needed: badMin, seen: finished } : null;
}

/** Quantile by number of its threshold. */
export function thresholdOf(quantile: number): number {
  return QUANTILES.indexOf(quantile);
}

function sumOf([a, b, c, d]: Four, [e, f, g, h]: Four): Four {
  return [a + e, b + f, c + g, d + h];
}
