/**
 * Endpoints of one version of which one fails for some seconds, until it is ejected or well again.
 *
 * Requests go to an endpoint at random. One that failed EJECT_AFTER requests in a row is out for EJECTED_MS, as outlier
 * detection does it. What each endpoint answered is counted in shared memory, where the judge reads it.
 */

import type { Random } from '#src/lib/random.ts';
import { ENDPOINT, ENDPOINT_WORDS } from '#src/model/tallies.ts';
import type { Region } from '#src/slo/regions.ts';
import { TICK_MS } from '../traffic.ts';
import { smallTallies } from '../worker.ts';

const EJECT_AFTER = 5;
const EJECTED_MS = 30_000;

export interface HiccupPlan {
  readonly arm: 'canary' | 'stable';
  readonly endpoints: number;
  /** It begins somewhere in this time, and lasts so long. */
  readonly withinMs: number;
  readonly lengthMs: readonly [min: number, max: number];
}

export class Hiccups {
  readonly arm: 'canary' | 'stable';
  /** Ids of the endpoints, and the memory that counts what they did. */
  readonly endpoints: readonly number[];
  readonly region: Region = { id: 1, tallies: smallTallies() };
  readonly #plan: HiccupPlan;
  readonly #random: Random;
  readonly #outUntilMs: Float64Array;
  readonly #inARow: Int32Array;
  #nowMs = 0;
  /** The endpoint that is sick within this time. */
  readonly #sick: number;
  readonly #fromMs: number;
  readonly #untilMs: number;

  constructor(plan: HiccupPlan, random: Random) {
    this.arm = plan.arm;
    this.#plan = plan;
    this.#random = random;
    this.endpoints = Array.from({ length: plan.endpoints }, (_, n) => n);
    this.#outUntilMs = new Float64Array(plan.endpoints);
    this.#inARow = new Int32Array(plan.endpoints);
    const [min, max] = plan.lengthMs;
    this.#sick = random.nextUint32() % plan.endpoints;
    this.#fromMs = plan.withinMs * random.nextFloat();
    this.#untilMs = this.#fromMs + min + (max - min) * random.nextFloat();
  }

  /** A tick begins. */
  turn(tick: number): void {
    this.#nowMs = tick * TICK_MS;
  }

  /** Serves requests of the version; those on endpoints that are well fail with `errorRatio`. @returns how many failed */
  serve(count: number, errorRatio: number): number {
    const sick = this.#nowMs >= this.#fromMs && this.#nowMs < this.#untilMs ? this.#sick : -1;
    let bad = 0;
    for (let left = count; left > 0; left--) {
      const endpoint = this.#pick();
      const isBad = endpoint === sick || this.#random.nextFloat() < errorRatio;
      this.#note(endpoint, isBad);
      if (isBad) bad += 1;
    }
    return bad;
  }

  #pick(): number {
    const { endpoints } = this.#plan;
    const first = this.#random.nextUint32() % endpoints;
    for (let n = 0; n < endpoints; n++) {
      const endpoint = (first + n) % endpoints;
      if ((this.#outUntilMs[endpoint] as number) <= this.#nowMs) return endpoint;
    }
    return first;
  }

  #note(endpoint: number, isBad: boolean): void {
    const words = this.region.tallies.endpoints;
    const base = endpoint * ENDPOINT_WORDS;
    words[base + ENDPOINT.finished] = (words[base + ENDPOINT.finished] as number) + 1;
    if (isBad) words[base + ENDPOINT.bad] = (words[base + ENDPOINT.bad] as number) + 1;
    const inARow = isBad ? (this.#inARow[endpoint] as number) + 1 : 0;
    this.#inARow[endpoint] = inARow;
    if (inARow < EJECT_AFTER) return;
    this.#outUntilMs[endpoint] = this.#nowMs + EJECTED_MS;
    this.#inARow[endpoint] = 0;
  }
}
