/**
 * Composition of the rate limits of a fleet: limits of the snapshot, the table of the workers, Redis, log and status.
 */

import { RateExchange } from '../../fleet/rates/exchange.ts';
import { type FleetRate, FleetUsage } from '../../fleet/rates/usage.ts';
import { RedisRates } from '../../fleet/redis/rates.ts';
import type { Commands } from '../../fleet/redis/store.ts';
import type { Log } from '../../lib/log.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import type { FleetRatesStatus } from '../../model/threads/fleet.ts';
import { rateSeed } from '../../proxy/decide/rate/limits.ts';
import { rateOf } from '../../proxy/decide/rate/rates.ts';

export interface FleetRatesDeps {
  readonly log: Log;
  /** What the workers count in; null: there are none yet. */
  readonly memory: () => SharedArrayBuffer | null;
  readonly nowMs: () => number;
}

const IDLE: RateExchange['status'] = {
  mode: 'shared',
  because: '',
  exchanges: { done: 0, failed: 0 },
  keys: 0,
  keysLeft: 0,
  keysRefused: 0,
};

/** While there is a fleet and there are workers. */
interface Open {
  readonly usage: FleetUsage;
  readonly exchange: RateExchange;
}

export class FleetRates {
  readonly #deps: FleetRatesDeps;
  #limits: readonly FleetRate[] = [];
  #link: { readonly commands: Pick<Commands, 'run'>; readonly fleet: string } | null = null;
  #open: Open | null = null;

  constructor(deps: FleetRatesDeps) {
    this.#deps = deps;
  }

  /** Takes in a configuration that is in force. */
  follow({ routes }: Pick<Snapshot, 'routes'>): void {
    const limits: FleetRate[] = [];
    for (const { name, rateLimits } of routes) {
      for (const limit of rateLimits) if (limit.scope === 'fleet') limits.push(rateOf(rateSeed(name, limit), limit));
    }
    this.#limits = limits;
    this.#open?.usage.follow(this.#limits);
  }

  /** From now on there is a fleet. */
  open(commands: Pick<Commands, 'run'>, fleet: string): void {
    this.#link = { commands, fleet };
  }

  /** One turn of the loop. Resolves with the end of the exchange that it begins, which nobody waits for; never rejects. */
  async turn(): Promise<void> {
    if (this.#limits.length > 0) await this.#begun?.exchange.turn();
  }

  get status(): FleetRatesStatus {
    return { limits: this.#limits.length, ...(this.#open?.exchange.status ?? IDLE) };
  }

  /** Nothing is said or heard any more. */
  close(): void {
    this.#link = null;
    this.#open = null;
  }

  get #begun(): Open | null {
    const memory = this.#deps.memory();
    if (this.#open !== null || this.#link === null || memory === null) return this.#open;
    const { commands, fleet } = this.#link;
    const usage = new FleetUsage(memory);
    usage.follow(this.#limits);
    const { log, nowMs } = this.#deps;
    const store = new RedisRates(commands, fleet);
    const changed = (mode: FleetRatesStatus['mode'], because: string): void => {
      if (mode === 'shared') log.info('fleet_rates_shared', { fleet });
      else log.warn('fleet_rates_local', { fleet, because });
    };
    this.#open = { usage, exchange: new RateExchange({ usage, store, nowMs, changed }) };
    return this.#open;
  }
}
