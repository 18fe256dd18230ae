/**
 * Gateways of a fleet that count against one rate limit, on virtual time: the workers' table and the exchange are the real ones,
 * Redis is a model of its script, a round trip away.
 */

import { type Counted, RateExchange, type RateStore } from '#src/fleet/rates/exchange.ts';
import { FleetUsage, type Usage } from '#src/fleet/rates/usage.ts';
import { reserveRates } from '#src/model/overload.ts';
import { Rates, rateOf } from '#src/proxy/decide/rate/rates.ts';
import type { VirtualTime } from '../virtual.ts';

const OWED_MAX = 64;
export const TURN_MS = 100;

/** What the script does (src/fleet/redis/scripts.ts, COUNT), to the µs. */
export class ModelRates {
  readonly #time: Pick<VirtualTime, 'nowMs'>;
  readonly #fullAtMs = new Map<string, number>();

  constructor(time: Pick<VirtualTime, 'nowMs'>) {
    this.#time = time;
  }

  count(usages: readonly Usage[]): Counted {
    const { nowMs } = this.#time;
    const aheadsMs = usages.map(({ rate, tag, count }) => {
      const key = `${rate.seed}:${tag}`;
      let full = Math.max(this.#fullAtMs.get(key) ?? 0, nowMs);
      if (count !== 0) {
        full = Math.max(full + (rate.step / rate.unitsPerMs) * count, nowMs);
        full = Math.min(full, nowMs + (OWED_MAX * rate.span) / rate.unitsPerMs);
        this.#fullAtMs.set(key, full);
      }
      return Math.ceil((full - nowMs) * 1000) / 1000;
    });
    return { aheadsMs, refusedCount: 0 };
  }

  /** Redis has lost its data. */
  clear(): void {
    this.#fullAtMs.clear();
  }
}

export interface LimitSketch {
  readonly requests: number;
  readonly perMs: number;
  readonly burst: number;
}

/** One gateway: it asks, and exchanges every 100 ms. */
export class RateGateway {
  readonly exchange: RateExchange;
  /** What it is told of itself. */
  readonly modes: string[] = [];
  readonly #time: VirtualTime;
  readonly #rates: Rates;
  readonly #rate: ReturnType<typeof rateOf>;
  /** Redis neither answers nor refuses; a question ends without an answer after `timeoutMs`. */
  isCut = false;

  /** @param roundTripMs to Redis and back */
  constructor(time: VirtualTime, store: ModelRates, limit: LimitSketch, roundTripMs = 4) {
    this.#time = time;
    const memory = reserveRates();
    this.#rates = new Rates(memory);
    this.#rate = rateOf(1, { ...limit, scope: 'fleet' });
    const usage = new FleetUsage(memory);
    usage.follow([this.#rate]);
    const link: RateStore = {
      count: async (usages) => {
        await time.wait(roundTripMs / 2);
        if (this.isCut) {
          await time.wait(500);
          throw new Error('no answer');
        }
        const counted = store.count(usages);
        await time.wait(roundTripMs / 2);
        return counted;
      },
    };
    this.exchange = new RateExchange({
      usage,
      store: link,
      nowMs: () => time.nowMs,
      changed: (mode) => void this.modes.push(mode),
    });
  }

  /** Exchanges from now on, first after `afterMs`. */
  begin(afterMs: number): void {
    this.#time.set(() => {
      void this.exchange.turn();
      this.begin(TURN_MS);
    }, afterMs);
  }

  /** Whether a request is let through. */
  ask(key = 1): boolean {
    return this.#rates.take(this.#rate, key, this.#time.nowMs) === 0;
  }
}
