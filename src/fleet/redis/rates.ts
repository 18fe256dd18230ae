/**
 * Requests of a fleet counted in Redis: `sluice:<fleet>:{rates}:<limit>:<key>`, both as hashes, with a time to live.
 *
 * What is stored is the time at which the key has all of its burst again, by the server's clock: gateways' clocks have nothing in
 * common. All keys have one hash tag, so that one script may count them.
 *
 * A database with DATABASE_KEYS_MAX keys gets no more of them, and what is not stored is counted by each gateway alone: clients
 * that make up users fill no Redis, in which locks are kept as well.
 */

import type { Counted, RateStore } from '../rates/exchange.ts';
import type { Usage } from '../rates/usage.ts';
import { COUNT } from './scripts.ts';
import type { Commands } from './store.ts';

/** In bursts: so much may be owed at most, about one by each gateway of a large fleet. */
const OWED_MAX = 64;
/** About 90 MB, at 182 bytes a key (measured with Redis 7). */
const DATABASE_KEYS_MAX = 500_000;

export class RedisRates implements RateStore {
  readonly #commands: Pick<Commands, 'run'>;
  readonly #prefix: string;
  readonly #keysMax: number;

  constructor(commands: Pick<Commands, 'run'>, fleet: string, keysMax = DATABASE_KEYS_MAX) {
    this.#commands = commands;
    this.#keysMax = keysMax;
    this.#prefix = `sluice:${fleet}:{rates}:`;
  }

  async count(usages: readonly Usage[]): Promise<Counted> {
    const keys = usages.map(({ rate, tag }) => `${this.#prefix}${hex(rate.seed)}:${hex(tag)}`);
    const args = usages.flatMap(({ rate: { step, span, unitsPerMs }, count }) => [
      step / unitsPerMs,
      count,
      (OWED_MAX * span) / unitsPerMs,
    ]);
    const answer = (await this.#commands.run(COUNT, keys, [...args, this.#keysMax])) as readonly unknown[];
    if (answer.length !== usages.length + 1) {
      throw new Error(`Redis counted ${answer.length - 1} keys, not ${usages.length}`);
    }
    const numbers = answer.map(Number);
    if (!numbers.every(Number.isFinite)) throw new Error('Redis counted what is no number');
    return { aheadsMs: numbers.slice(0, -1).map((micros) => micros / 1000), refusedCount: numbers.at(-1) as number };
  }
}

function hex(hash: number): string {
  return (hash >>> 0).toString(16);
}
