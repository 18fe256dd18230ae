/**
 * Totals of endpoints since the start, over all workers that ever were: what status and metrics show.
 *
 * As in `totals.ts`, 32-bit counters that wrap and go with their worker become sums of differences. The gauges (in
 * flight, open connections) are those of the workers that are alive.
 */

import { deltaOf, ENDPOINT, ENDPOINT_WORDS } from '../../model/tallies.ts';
import { type Region, RegionRoll } from '../regions.ts';

export interface EndpointTotals {
  readonly inFlight: number;
  /** Open connections. */
  readonly connections: number;
  /** Attempts that are over. */
  readonly requests: number;
  readonly bad: number;
  readonly connectFailures: number;
  readonly panics: number;
}

/** What an endpoint took to its response heads since the start. */
export interface EndpointWaits {
  readonly answered: number;
  /** Sum, in ms. */
  readonly waitedMs: number;
}

const COUNTERS = [
  ENDPOINT.finished,
  ENDPOINT.bad,
  ENDPOINT.connectFailures,
  ENDPOINT.panics,
  ENDPOINT.answered,
] as const;

interface Account {
  readonly sums: Float64Array;
  readonly last: Map<number, Last>;
  waitedMs: number;
}

/** What one region had counted at the last reading. */
interface Last {
  readonly words: Int32Array;
  waitedMs: number;
}

export class EndpointTotalsReader {
  readonly #roll = new RegionRoll();
  readonly #accounts = new Map<number, Account>();
  #regions: readonly Region[] = [];

  /** Takes in which workers are alive; what a worker that left had counted stays. Call it each tick. */
  follow(regions: readonly Region[]): void {
    for (const region of this.#roll.departed(regions)) {
      for (const [endpoint, account] of this.#accounts) {
        take(account, region, endpoint);
        account.last.delete(region.id);
      }
    }
    this.#roll.turn(regions);
    this.#regions = regions;
  }

  /** Totals of one endpoint slot, now. */
  of(endpoint: number): EndpointTotals {
    const account = this.#accountOf(endpoint);
    let inFlight = 0;
    let connections = 0;
    for (const region of this.#regions) {
      const words = region.tallies.endpoints;
      inFlight += Atomics.load(words, endpoint * ENDPOINT_WORDS + ENDPOINT.inFlight);
      connections += Atomics.load(words, endpoint * ENDPOINT_WORDS + ENDPOINT.open);
      take(account, region, endpoint);
    }
    const [requests = 0, bad = 0, connectFailures = 0, panics = 0] = account.sums;
    return { inFlight, connections, requests, bad, connectFailures, panics };
  }

  /** Its times to the response head, as of the last `of`. */
  waitsOf(endpoint: number): EndpointWaits {
    const { sums, waitedMs } = this.#accountOf(endpoint);
    return { answered: sums[COUNTERS.indexOf(ENDPOINT.answered)] as number, waitedMs };
  }

  #accountOf(endpoint: number): Account {
    let account = this.#accounts.get(endpoint);
    if (account === undefined) {
      account = { sums: new Float64Array(COUNTERS.length), last: new Map(), waitedMs: 0 };
      this.#accounts.set(endpoint, account);
    }
    return account;
  }
}

function take(account: Account, { id, tallies }: Region, endpoint: number): void {
  let known = account.last.get(id);
  if (known === undefined) {
    known = { words: new Int32Array(COUNTERS.length), waitedMs: 0 };
    account.last.set(id, known);
  }
  const waitedMs = tallies.endpointFloats[(endpoint * ENDPOINT_WORDS + ENDPOINT.waitedMs) >> 1] as number;
  account.waitedMs += waitedMs - known.waitedMs;
  known.waitedMs = waitedMs;
  const last = known.words;
  for (let i = 0; i < COUNTERS.length; i++) {
    const now = Atomics.load(tallies.endpoints, endpoint * ENDPOINT_WORDS + (COUNTERS[i] as number));
    account.sums[i] = (account.sums[i] as number) + deltaOf(now, last[i] as number);
    last[i] = now;
  }
}
