/**
 * Endpoints of one version of which one fails for some seconds, until it is ejected or well again.
 *
 * Requests go to an endpoint at random. One that failed EJECT_AFTER requests in a row is out for EJECTED_MS, as outlier
 * detection does it. What each endpoint answered is counted in shared memory, where the judge reads it.
 *
 * While all are well and none is out, requests of different endpoints have nothing to do with each other: then each endpoint's
 * are drawn by counts. Edge: one that is ejected in such a tick is out from the next tick on.
 */

import type { Random } from '#src/lib/random.ts';
import type { ArmCounts } from '#src/model/slo.ts';
import { ENDPOINT, ENDPOINT_WORDS } from '#src/model/tallies.ts';
import type { Region } from '#src/slo/regions.ts';
import { type AliasTable, geometric, poissonTable } from '../draws.ts';
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
  /** Until when some endpoint is out. */
  #someOutUntilMs = 0;
  /** Failures in a row of each endpoint, the last one included. */
  readonly #inARow: Int32Array;
  /** By endpoint, in calm: whether something was good since its last failure, and good requests to come before the next. */
  readonly #hasBeenGood: Uint8Array;
  readonly #untilBad: Float64Array;
  /** Error ratio that `#untilBad` was drawn for. */
  #ratio = Number.NaN;
  #nowMs = 0;
  /** Of one endpoint in a tick. */
  #arrivals: AliasTable = poissonTable(0);
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
    this.#hasBeenGood = new Uint8Array(plan.endpoints);
    this.#untilBad = new Float64Array(plan.endpoints);
    const [min, max] = plan.lengthMs;
    this.#sick = random.nextUint32() % plan.endpoints;
    this.#fromMs = plan.withinMs * random.nextFloat();
    this.#untilMs = this.#fromMs + min + (max - min) * random.nextFloat();
  }

  /** From now on so many requests a tick on average. */
  set(mean: number): void {
    this.#arrivals = poissonTable(mean / this.#plan.endpoints);
  }

  /** Draws what the version answered in a tick into `out`; endpoints that are well fail with `errorRatio`. */
  draw(tick: number, errorRatio: number, out: ArmCounts): void {
    const arrivals = this.#arrivals;
    this.#nowMs = tick * TICK_MS;
    out.finished = 0;
    out.bad = 0;
    const isSick = this.#nowMs >= this.#fromMs && this.#nowMs < this.#untilMs;
    if (isSick || this.#nowMs < this.#someOutUntilMs) {
      for (let n = this.#plan.endpoints; n > 0; n--) out.finished += arrivals.draw(this.#random);
      out.bad = this.#serve(out.finished, errorRatio, isSick ? this.#sick : -1);
      return;
    }
    if (errorRatio !== this.#ratio) this.#redraw(errorRatio);
    for (let endpoint = 0; endpoint < this.#plan.endpoints; endpoint++) {
      const count = arrivals.draw(this.#random);
      const bad = count === 0 ? 0 : this.#serveCalm(endpoint, count);
      this.#count(endpoint, count, bad);
      out.finished += count;
      out.bad += bad;
    }
  }

  /** Gaps between failures have no memory. */
  #redraw(errorRatio: number): void {
    this.#ratio = errorRatio;
    for (let n = 0; n < this.#untilBad.length; n++) this.#untilBad[n] = geometric(this.#random, errorRatio);
  }

  /** Requests of an endpoint that is well. @returns how many failed */
  #serveCalm(endpoint: number, count: number): number {
    let bad = 0;
    let left = count;
    let untilBad = this.#untilBad[endpoint] as number;
    while (left >= untilBad) {
      left -= untilBad;
      bad += 1;
      if (untilBad > 1 || this.#hasBeenGood[endpoint] === 1) this.#inARow[endpoint] = 0;
      this.#hasBeenGood[endpoint] = 0;
      this.#fail(endpoint);
      untilBad = geometric(this.#random, this.#ratio);
    }
    this.#untilBad[endpoint] = untilBad - left;
    if (left > 0) this.#hasBeenGood[endpoint] = 1;
    return bad;
  }

  /** One after another. @param sick the endpoint that fails everything; -1 = none @returns how many failed */
  #serve(count: number, errorRatio: number, sick: number): number {
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
    this.#count(endpoint, 1, isBad ? 1 : 0);
    if (!isBad || this.#hasBeenGood[endpoint] === 1) this.#inARow[endpoint] = 0;
    this.#hasBeenGood[endpoint] = 0;
    if (isBad) this.#fail(endpoint);
  }

  #count(endpoint: number, finished: number, bad: number): void {
    const words = this.region.tallies.endpoints;
    const base = endpoint * ENDPOINT_WORDS;
    words[base + ENDPOINT.finished] = (words[base + ENDPOINT.finished] as number) + finished;
    words[base + ENDPOINT.bad] = (words[base + ENDPOINT.bad] as number) + bad;
  }

  #fail(endpoint: number): void {
    const inARow = (this.#inARow[endpoint] as number) + 1;
    this.#inARow[endpoint] = inARow;
    if (inARow < EJECT_AFTER) return;
    this.#outUntilMs[endpoint] = this.#nowMs + EJECTED_MS;
    this.#someOutUntilMs = this.#nowMs + EJECTED_MS;
    this.#inARow[endpoint] = 0;
  }
}
