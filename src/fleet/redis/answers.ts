/**
 * Answers to requests with idempotency keys in Redis: `sluice:<fleet>:answer:<digest>`, a hash with a time to live.
 *
 * While a request is executed it holds who executes it, and ends soon unless that is said again; then the answer, which ends
 * when its time is over. Bodies are stored in base64: what the package reads is text. A database with DATABASE_KEYS_MAX keys gets no
 * new ones, as with rate limits; how much memory it has is Redis's own setting (`maxmemory`, with `noeviction`).
 */

import type { StoredAnswer } from '../../model/threads/answers/idempotency.ts';
import type { SharedAnswers, SharedKey, SharedTaken } from '../answers/broker.ts';
import { SETTLE_ANSWER, TAKE_ANSWER } from './scripts.ts';
import type { Commands } from './store.ts';

const DATABASE_KEYS_MAX = 500_000;

export class RedisAnswers implements SharedAnswers {
  readonly #commands: Pick<Commands, 'run'>;
  readonly #prefix: string;
  readonly #owner: string;
  readonly #keysMax: number;

  /** @param owner of this broker's life alone */
  constructor(commands: Pick<Commands, 'run'>, fleet: string, owner: string, keysMax = DATABASE_KEYS_MAX) {
    this.#commands = commands;
    this.#prefix = `sluice:${fleet}:answer:`;
    this.#owner = owner;
    this.#keysMax = keysMax;
  }

  async take({ key, print, turn }: SharedKey, lockMs: number): Promise<SharedTaken> {
    const args = [print, this.#owner, turn, lockMs, this.#keysMax];
    const told = (await this.#commands.run(TAKE_ANSWER, [this.#prefix + key], args)) as readonly (string | number)[];
    const [kind, status, lines, body, leftMs] = told;
    switch (kind) {
      case 'taken':
      case 'busy':
      case 'mismatch':
      case 'full':
        return { kind };
      case 'answer': {
        // In memory of its own: what is shared with others would be held, and copied for every worker, as a whole.
        const bytes = new Uint8Array(Buffer.from(String(body), 'base64'));
        const answer = { status: Number(status), lines: String(lines), body: bytes };
        return { kind, answer, leftMs: Math.max(0, Number(leftMs)) };
      }
      default:
        throw new Error(`Redis told ${String(kind)} of a key`);
    }
  }

  async keep(key: SharedKey, { status, lines, body }: StoredAnswer, ttlMs: number): Promise<void> {
    const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('base64');
    await this.#settle(key, ['keep', Math.ceil(ttlMs), key.print, status, lines, text]);
  }

  async release(key: SharedKey): Promise<void> {
    await this.#settle(key, ['release']);
  }

  async renew(key: SharedKey, lockMs: number): Promise<void> {
    await this.#settle(key, ['renew', lockMs, key.print]);
  }

  async #settle({ key, turn }: SharedKey, args: readonly (string | number)[]): Promise<void> {
    await this.#commands.run(SETTLE_ANSWER, [this.#prefix + key], [`${this.#owner} ${turn}`, ...args]);
  }
}
