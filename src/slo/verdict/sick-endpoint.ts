/**
 * Finds the one endpoint of a canary that is sick while its version is sound: then the endpoint goes, not the version.
 *
 * Excess of an endpoint: its bad attempts beyond stable's error ratio. One endpoint of ENDPOINTS_MIN or more is sick when
 * more than SHARE of the positive excess is its own, and the others answered at least as many attempts as it failed, so
 * that they had the chance to fail as well. Attempts of the last one or two WINDOW_MS count: what failed hours ago
 * hides nothing. Endpoints are counted over all routes that use them.
 * Source: docs/verdicts.md "One sick endpoint". Cost: a few words per endpoint, when the canary failed and every WINDOW_MS.
 */

import type { ArmCounts } from '../../model/slo.ts';
import { deltaOf, ENDPOINT, ENDPOINT_WORDS } from '../../model/tallies.ts';
import type { Region } from '../regions.ts';

const ENDPOINTS_MIN = 3;
const SHARE = 0.8;
const WINDOW_MS = 30_000;

/** Keeps the attempts of the last minute or so, per endpoint. */
export class SickEndpoint {
  readonly #endpoints: readonly number[];
  #before: readonly ArmCounts[];
  #now: ArmCounts[];
  #turnedAtMs: number;

  /** Starts now. @param endpoints their ids */
  constructor(endpoints: readonly number[], nowMs: number) {
    this.#endpoints = endpoints;
    this.#before = this.#empty();
    this.#now = this.#empty();
    this.#turnedAtMs = nowMs;
  }

  /** Whether it can tell an endpoint from its version at all. */
  get isAble(): boolean {
    return this.#endpoints.length >= ENDPOINTS_MIN;
  }

  /** Whether attempts are to be taken now, so that what is too old can go. */
  isDue(nowMs: number): boolean {
    return this.isAble && nowMs - this.#turnedAtMs >= WINDOW_MS;
  }

  /** Takes in the attempts since the last call, in the order of the endpoints; lets go of what is too old. */
  take(attempts: readonly ArmCounts[], nowMs: number): void {
    for (let n = 0; n < this.#now.length; n++) {
      const [sum, news] = [this.#now[n] as ArmCounts, attempts[n] as ArmCounts];
      sum.finished += news.finished;
      sum.bad += news.bad;
    }
    if (!this.isDue(nowMs)) return;
    this.#before = this.#now;
    this.#now = this.#empty();
    this.#turnedAtMs = nowMs;
  }

  /** Id of the endpoint that is to blame, or null. @param stableRatio error ratio that is to be expected */
  find(stableRatio: number): number | null {
    if (!this.isAble) return null;
    let total = 0;
    let answered = 0;
    let worst = 0;
    let most = 0;
    for (let n = 0; n < this.#endpoints.length; n++) {
      const { finished, bad } = this.#attemptsOf(n);
      const excess = Math.max(0, bad - stableRatio * finished);
      total += excess;
      answered += finished;
      if (excess <= most) continue;
      most = excess;
      worst = n;
    }
    const own = this.#attemptsOf(worst);
    if (most === 0 || most <= SHARE * total || answered - own.finished < own.bad) return null;
    return this.#endpoints[worst] as number;
  }

  #attemptsOf(n: number): ArmCounts {
    const [before, now] = [this.#before[n] as ArmCounts, this.#now[n] as ArmCounts];
    return { finished: before.finished + now.finished, bad: before.bad + now.bad };
  }

  #empty(): ArmCounts[] {
    return this.#endpoints.map(() => ({ finished: 0, bad: 0 }));
  }
}

/** Reads the attempts of endpoints that are over, as increases since the last reading. */
export class AttemptWindow {
  readonly #endpoints: readonly number[];
  readonly #last = new Map<number, Int32Array>();
  readonly #news: readonly ArmCounts[];

  /** Starts now: what the regions counted so far is the past. */
  constructor(endpoints: readonly number[], regions: readonly Region[]) {
    this.#endpoints = endpoints;
    this.#news = endpoints.map(() => ({ finished: 0, bad: 0 }));
    this.read(regions);
  }

  /** In the order of the endpoints; the window's own, valid until the next reading. */
  read(regions: readonly Region[]): readonly ArmCounts[] {
    for (const counts of this.#news) {
      counts.finished = 0;
      counts.bad = 0;
    }
    for (const region of regions) this.#take(region);
    return this.#news;
  }

  #take({ id, tallies }: Region): void {
    let last = this.#last.get(id);
    if (last === undefined) {
      last = new Int32Array(2 * this.#endpoints.length);
      this.#last.set(id, last);
    }
    for (let n = 0; n < this.#endpoints.length; n++) {
      const base = (this.#endpoints[n] as number) * ENDPOINT_WORDS;
      const bad = Atomics.load(tallies.endpoints, base + ENDPOINT.bad);
      const finished = Atomics.load(tallies.endpoints, base + ENDPOINT.finished);
      const counts = this.#news[n] as ArmCounts;
      counts.bad += deltaOf(bad, last[2 * n] as number);
      counts.finished += deltaOf(finished, last[2 * n + 1] as number);
      last[2 * n] = bad;
      last[2 * n + 1] = finished;
    }
  }
}
