/**
 * Counts requests together with the other gateways of a fleet: says what was let through here, and puts off what all of them
 * let through.
 *
 * ```
 * every turn (100 ms), unless an exchange is under way:
 *   usage of the busiest KEYS_MAX keys ─▶ store, in one piece ─▶ when each has all of its burst again, for the whole fleet
 *                                                            └─▶ put off in the table that the workers count in
 * ```
 * No request waits for any of this. Without an answer for LOCAL_MS every gateway counts by itself (`local`); what was let through
 * in an exchange that failed is not told again, as nobody knows whether it was heard.
 *
 * Bound, while every exchange is answered: with G gateways, and at most T from one exchange's beginning to the next one's
 * end, a key gets at most G x burst + rate x (t + G x T) requests in any time t, with a longer T for keys that have to wait: a
 * gateway lets through no more than its own limit does until it hears of the others, and what was too much is owed by all.
 * Source: docs/FLEET.md "Rate limits".
 */

import type { FleetRatesStatus } from '../../model/threads/fleet.ts';
import type { FleetUsage, Usage } from './usage.ts';

/** Of one exchange; those with fewer requests wait. */
export const KEYS_MAX = 500;
/** After so long without an answer each gateway counts by itself, and says so. */
const LOCAL_MS = 2000;

/** Where the fleet's counts are. */
export interface RateStore {
  /** Rejects when there is no answer in time. */
  count(usages: readonly Usage[]): Promise<Counted>;
}

/** What the fleet says. */
export interface Counted {
  /** When each key has all of its burst again, in ms from now. */
  readonly aheadsMs: readonly number[];
  /** Keys that the store had no room for. */
  readonly refusedCount: number;
}

export interface RateExchangeDeps {
  readonly usage: FleetUsage;
  readonly store: RateStore;
  readonly nowMs: () => number;
  /** It counts with the fleet from now on, or by itself. */
  readonly changed: (mode: FleetRatesStatus['mode'], because: string) => void;
}

export class RateExchange {
  readonly #deps: RateExchangeDeps;
  #mode: FleetRatesStatus['mode'] = 'shared';
  #because = '';
  #isBusy = false;
  /** Since when there is no answer. */
  #failingSinceMs: number | null = null;
  #done = 0;
  #failed = 0;
  #keys = 0;
  #leftCount = 0;
  #refusedCount = 0;

  constructor(deps: RateExchangeDeps) {
    this.#deps = deps;
  }

  get status(): Omit<FleetRatesStatus, 'limits'> {
    const exchanges = { done: this.#done, failed: this.#failed };
    const [mode, because] = [this.#mode, this.#because];
    return { mode, because, exchanges, keys: this.#keys, keysLeft: this.#leftCount, keysRefused: this.#refusedCount };
  }

  /** Begins an exchange, unless one is under way, or there is nothing to tell and the fleet is heard. Never rejects. */
  async turn(): Promise<void> {
    if (this.#isBusy) return;
    const { usage, store, nowMs } = this.#deps;
    const askedAtMs = nowMs();
    const { usages, leftCount } = usage.take(KEYS_MAX, askedAtMs);
    this.#keys = usages.length;
    this.#leftCount = leftCount;
    // Without an answer it asks on, though there is nothing to tell: else nobody would hear that the fleet is back.
    if (usages.length === 0 && this.#mode === 'shared') return;
    this.#isBusy = true;
    try {
      const { aheadsMs, refusedCount } = await store.count(usages);
      const heardAtMs = nowMs();
      for (const [n, one] of usages.entries()) usage.putOff(one, aheadsMs[n] as number, heardAtMs);
      this.#refusedCount += refusedCount;
      this.#answered();
    } catch (error) {
      this.#missed(error, askedAtMs);
    }
    this.#isBusy = false;
  }

  #answered(): void {
    this.#done += 1;
    this.#failingSinceMs = null;
    if (this.#mode === 'shared') return;
    this.#mode = 'shared';
    this.#because = '';
    this.#deps.changed('shared', '');
  }

  #missed(error: unknown, askedAtMs: number): void {
    this.#failed += 1;
    this.#failingSinceMs ??= askedAtMs;
    if (this.#mode === 'local' || this.#deps.nowMs() - this.#failingSinceMs < LOCAL_MS) return;
    this.#mode = 'local';
    this.#because = error instanceof Error ? error.message : String(error);
    this.#deps.changed('local', this.#because);
  }
}
