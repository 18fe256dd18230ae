/**
 * Reads the attempts of a canary's endpoints that are over, as increases since the last reading: what the workers here counted
 * in an endpoint's slot, and what other gateways told of its address.
 *
 * Endpoints may be others from one reading to the next. One that is new begins with what its slot has then, and with what others
 * have told of it by then: that is of whoever had it before, or of a time when nobody asked.
 */

import type { ArmCounts, EndpointName } from '../../../model/slo.ts';
import { deltaOf, ENDPOINT, ENDPOINT_WORDS, type Tallies } from '../../../model/tallies.ts';
import type { Region } from '../../regions.ts';
import type { Followed } from './sick-endpoint.ts';

/** Sums of what other gateways told of the canary's endpoints, by address; an address that is not there any more may begin anew. */
export type Elsewhere = ReadonlyMap<EndpointName, Readonly<ArmCounts>>;

/** No other gateway, or none that told anything. */
export const NOWHERE: Elsewhere = new Map();

export class AttemptWindow {
  #endpoints: readonly Followed[] = [];
  /** By region: bad and finished of each endpoint at the last reading. */
  #last = new Map<number, Int32Array>();
  /** Sums of those followed at the last reading, as far as others had told of them. */
  #told = new Map<EndpointName, ArmCounts>();
  #news: ArmCounts[] = [];

  /** Starts now: what was counted so far is the past. */
  constructor(endpoints: readonly Followed[], regions: readonly Region[], elsewhere: Elsewhere = NOWHERE) {
    this.follow(endpoints, regions, elsewhere);
  }

  /** Reads these from now on. */
  follow(endpoints: readonly Followed[], regions: readonly Region[], elsewhere: Elsewhere = NOWHERE): void {
    if (endpoints === this.#endpoints) return;
    this.#followTold(endpoints, elsewhere);
    const places = new Map(this.#endpoints.map((endpoint, n) => [keyOf(endpoint), n]));
    const last = new Map<number, Int32Array>();
    for (const { id, tallies } of regions) {
      const words = new Int32Array(2 * endpoints.length);
      const known = this.#last.get(id);
      endpoints.forEach((endpoint, n) => {
        const place = places.get(keyOf(endpoint));
        if (place === undefined) readWords(tallies, endpoint, words, n);
        else if (known !== undefined) words.set(known.subarray(2 * place, 2 * place + 2), 2 * n);
      });
      last.set(id, words);
    }
    this.#endpoints = endpoints;
    this.#last = last;
    this.#news = endpoints.map(() => ({ finished: 0, bad: 0 }));
  }

  /** In the order of the endpoints; the window's own, valid until the next reading. */
  read(regions: readonly Region[], elsewhere: Elsewhere = NOWHERE): readonly ArmCounts[] {
    for (const counts of this.#news) {
      counts.finished = 0;
      counts.bad = 0;
    }
    for (const region of regions) this.#take(region);
    this.#takeTold(elsewhere);
    return this.#news;
  }

  #take({ id, tallies }: Region): void {
    let last = this.#last.get(id);
    if (last === undefined) {
      last = new Int32Array(2 * this.#endpoints.length);
      this.#last.set(id, last);
    }
    for (let n = 0; n < this.#endpoints.length; n++) {
      const [bad, finished] = [last[2 * n] as number, last[2 * n + 1] as number];
      readWords(tallies, this.#endpoints[n] as Followed, last, n);
      const counts = this.#news[n] as ArmCounts;
      counts.bad += deltaOf(last[2 * n] as number, bad);
      counts.finished += deltaOf(last[2 * n + 1] as number, finished);
    }
  }

  #followTold(endpoints: readonly Followed[], elsewhere: Elsewhere): void {
    const followed = new Set(this.#endpoints.map(({ name }) => name));
    const told = new Map<EndpointName, ArmCounts>();
    for (const { name } of endpoints) {
      const sums = (followed.has(name) ? this.#told : elsewhere).get(name);
      if (sums !== undefined) told.set(name, { finished: sums.finished, bad: sums.bad });
    }
    this.#told = told;
  }

  /** Sums that are less than the last ones have begun anew since. */
  #takeTold(elsewhere: Elsewhere): void {
    for (const name of this.#told.keys()) if (!elsewhere.has(name)) this.#told.delete(name);
    for (let n = 0; elsewhere.size > 0 && n < this.#endpoints.length; n++) {
      const { name } = this.#endpoints[n] as Followed;
      const sums = elsewhere.get(name);
      if (sums === undefined) continue;
      const { finished, bad } = sums;
      const last = this.#told.get(name);
      const isNew = last === undefined || finished < last.finished || bad < last.bad;
      const counts = this.#news[n] as ArmCounts;
      counts.finished += isNew ? finished : finished - last.finished;
      counts.bad += isNew ? bad : bad - last.bad;
      this.#told.set(name, { finished, bad });
    }
  }
}

/** Bad attempts first: the layout asks for it (`model/tallies.ts`). An endpoint without a slot has none. */
function readWords({ endpoints }: Tallies, { slot }: Followed, out: Int32Array, n: number): void {
  if (slot === null) return;
  out[2 * n] = Atomics.load(endpoints, slot * ENDPOINT_WORDS + ENDPOINT.bad);
  out[2 * n + 1] = Atomics.load(endpoints, slot * ENDPOINT_WORDS + ENDPOINT.finished);
}

function keyOf({ name, slot }: Followed): string {
  return `${slot} ${name}`;
}
