/**
 * What is known of one canary whatever the policy: sums, soundness, latency, endpoints, the exchanges that failed.
 *
 * One account serves the policy in force and every shadow beside it (`score.ts`). It reads nothing itself: what it is handed,
 * and in which order, decides alone, so that a tape of it (`replay/`) leads to the same again.
 */

import { type RolloutSpec, routesOf } from '../../../model/rollout.ts';
import type { ArmCounts, Evidence, PairCounts } from '../../../model/slo.ts';
import { LatencyScore } from '../../latency/score.ts';
import { followedOf, SickEndpoint } from '../endpoints/sick-endpoint.ts';
import { Soundness } from '../soundness.ts';

/** Request ids of bad canary exchanges that a decision carries. */
export const SAMPLES_MAX = 5;

/** What was seen of a rollout since the last look. */
export interface Look extends Evidence {
  /** Whether the counters add up. */
  readonly isConsistent: boolean;
  /** Attempts per endpoint (`SickEndpoint.followed`) since they were last taken; null when they are not taken now. */
  readonly attempts: readonly ArmCounts[] | null;
  /** Each route by itself, in the order of `routesOf`; absent where there is one, or where nothing was seen. */
  readonly routes?: readonly Evidence[];
}

/** One route of several, since the watch began; live. */
export interface RouteTotals extends Evidence {
  readonly route: string;
}

/** A bad exchange of the canary. */
export interface Noted {
  readonly atMs: number;
  /** Empty when it is not known. */
  readonly requestId: string;
}

export class Account {
  readonly latency: LatencyScore;
  readonly sick: SickEndpoint;
  readonly soundness = new Soundness();
  /** Since the watch began; live. */
  readonly totals = emptyEvidence();
  /** Each route by itself; empty where there is one. */
  readonly routes: readonly RouteTotals[];
  #weight: number;
  /** Canary requests finished when the present weight began. */
  #finishedBefore = 0;
  #stepAtMs: number;
  #firstBadAtMs: number | null = null;
  #samples: string[] = [];

  /** @param weight the canary's dial */
  constructor(
    spec: Pick<RolloutSpec, 'route' | 'canary' | 'stable' | 'companions'>,
    { nowMs, weight }: { readonly nowMs: number; readonly weight: number },
    latency = new LatencyScore(nowMs),
  ) {
    this.latency = latency;
    this.sick = new SickEndpoint(followedOf(spec.canary), nowMs);
    const routes = routesOf(spec);
    this.routes = routes.length === 1 ? [] : routes.map(({ route }) => ({ route, ...emptyEvidence() }));
    this.#weight = weight;
    this.#stepAtMs = nowMs;
  }

  /** Requests of both versions since the watch began; live. */
  get requests(): PairCounts {
    return this.totals.requests;
  }

  /** Canary requests finished at its present weight. */
  get stepRequests(): number {
    return this.totals.requests.canary.finished - this.#finishedBefore;
  }

  /** Stable's share of bad requests; 0 before the first. */
  get stableRatio(): number {
    const { stable } = this.totals.requests;
    return stable.finished === 0 ? 0 : stable.bad / stable.finished;
  }

  /** The newest bad canary exchanges of the step. */
  get sampleRequestIds(): readonly string[] {
    return [...this.#samples];
  }

  /** Time from the first bad canary exchange of the step to `nowMs`; -1 when none was noted. */
  detectedInMs(nowMs: number): number {
    return this.#firstBadAtMs === null ? -1 : Math.max(0, nowMs - this.#firstBadAtMs);
  }

  /** Takes in a look; the policies' scores come after it. */
  take({ requests, users, isConsistent, attempts, routes }: Look, nowMs: number): void {
    addTo(this.totals.requests, requests);
    addTo(this.totals.users, users);
    if (routes !== undefined) for (let n = 0; n < routes.length; n++) this.#takeRoute(n, routes[n] as Evidence);
    this.soundness.look(requests, isConsistent, nowMs);
    if (attempts !== null) this.sick.take(attempts, nowMs);
  }

  #takeRoute(n: number, { requests, users }: Evidence): void {
    const totals = this.routes[n] as RouteTotals;
    addTo(totals.requests, requests);
    addTo(totals.users, users);
  }

  /** Nobody looked for too long. Latency is skipped by who reads it. */
  gap(nowMs: number): void {
    this.soundness.gap(nowMs);
  }

  /** Notes the canary's weight. True when it is a new one: a step. Latency is stepped by who reads it. */
  weigh(weight: number, nowMs: number): boolean {
    if (weight === this.#weight) return false;
    this.#weight = weight;
    this.#finishedBefore = this.totals.requests.canary.finished;
    this.#stepAtMs = nowMs;
    this.#firstBadAtMs = null;
    this.#samples = [];
    return true;
  }

  /** Remembers a bad exchange of the canary. True when it is one of this step. */
  note({ atMs, requestId }: Noted): boolean {
    if (atMs < this.#stepAtMs) return false;
    this.#firstBadAtMs = Math.min(this.#firstBadAtMs ?? atMs, atMs);
    if (requestId === '') return true;
    this.#samples.push(requestId);
    if (this.#samples.length > SAMPLES_MAX) this.#samples.shift();
    return true;
  }
}

/** Evidence with nothing in it. */
export function emptyEvidence(): Evidence {
  return { requests: emptyPair(), users: emptyPair() };
}

/** Counts of nothing. */
export function emptyPair(): PairCounts {
  const arm = (): ArmCounts => ({ finished: 0, bad: 0 });
  return { canary: arm(), stable: arm() };
}

function addTo(sum: PairCounts, news: PairCounts): void {
  sum.canary.finished += news.canary.finished;
  sum.canary.bad += news.canary.bad;
  sum.stable.finished += news.stable.finished;
  sum.stable.bad += news.stable.bad;
}
