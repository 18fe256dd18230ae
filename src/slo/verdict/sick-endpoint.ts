/**
 * Finds the one endpoint of a canary that is sick while its version is sound: then the endpoint goes, not the version.
 *
 * Excess of an endpoint: its bad attempts beyond stable's error ratio. One endpoint of ENDPOINTS_MIN or more is sick when
 * more than SHARE of the positive excess is its own, and the others answered at least as many attempts as it failed, so
 * that they had the chance to fail as well. Attempts of the last one or two WINDOW_MS count: what failed hours ago
 * hides nothing. Endpoints are counted over all routes that use them.
 * Source: docs/verdicts.md "One sick endpoint". Cost: a few words per endpoint, when the evidence would convict, and a
 * reading every WINDOW_MS.
 */

import { deltaOf, ENDPOINT, ENDPOINT_WORDS } from '../../model/tallies.ts';
import type { Region } from '../regions.ts';

const ENDPOINTS_MIN = 3;
const SHARE = 0.8;
const WINDOW_MS = 30_000;

/** Attempts of one endpoint that are over. */
interface Attempts {
  finished: number;
  bad: number;
}

export class SickEndpoint {
  readonly #endpoints: readonly number[];
  readonly #last = new Map<number, Int32Array>();
  #before: readonly Attempts[];
  #now: Attempts[];
  #turnedAtMs: number;

  /** Starts now. */
  constructor(endpoints: readonly number[], regions: readonly Region[], nowMs: number) {
    this.#endpoints = endpoints;
    this.#before = this.#empty();
    this.#now = this.#empty();
    this.#turnedAtMs = nowMs;
    this.#take(regions);
    this.#now = this.#empty();
  }

  /** Lets go of what is too old: call it each tick. */
  turn(regions: readonly Region[], nowMs: number): void {
    if (this.#endpoints.length < ENDPOINTS_MIN || nowMs - this.#turnedAtMs < WINDOW_MS) return;
    this.#take(regions);
    this.#before = this.#now;
    this.#now = this.#empty();
    this.#turnedAtMs = nowMs;
  }

  /** Id of the endpoint that is to blame, or null. @param stableRatio error ratio that is to be expected */
  find(regions: readonly Region[], stableRatio: number): number | null {
    if (this.#endpoints.length < ENDPOINTS_MIN) return null;
    this.#take(regions);
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

  #attemptsOf(n: number): Attempts {
    const [before, now] = [this.#before[n] as Attempts, this.#now[n] as Attempts];
    return { finished: before.finished + now.finished, bad: before.bad + now.bad };
  }

  #take(regions: readonly Region[]): void {
    if (this.#endpoints.length < ENDPOINTS_MIN) return;
    for (const { id, tallies } of regions) {
      let last = this.#last.get(id);
      if (last === undefined) {
        last = new Int32Array(2 * this.#endpoints.length);
        this.#last.set(id, last);
      }
      for (let n = 0; n < this.#endpoints.length; n++) {
        const base = (this.#endpoints[n] as number) * ENDPOINT_WORDS;
        const bad = Atomics.load(tallies.endpoints, base + ENDPOINT.bad);
        const finished = Atomics.load(tallies.endpoints, base + ENDPOINT.finished);
        const attempts = this.#now[n] as Attempts;
        attempts.bad += deltaOf(bad, last[2 * n] as number);
        attempts.finished += deltaOf(finished, last[2 * n + 1] as number);
        last[2 * n] = bad;
        last[2 * n + 1] = finished;
      }
    }
  }

  #empty(): Attempts[] {
    return this.#endpoints.map(() => ({ finished: 0, bad: 0 }));
  }
}
