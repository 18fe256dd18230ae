/**
 * A store of answers that does what Redis does, on virtual time, slowly: every question is answered when the test says so.
 */

import type { SharedAnswers, SharedKey, SharedTaken } from '#src/fleet/answers/broker.ts';
import type { StoredAnswer } from '#src/model/threads/answers/idempotency.ts';

interface Held {
  print: string;
  by: string;
  untilMs: number;
  answer: StoredAnswer | null;
}

/** Questions of each broker are answered in their order. */
export class SlowStore {
  readonly held = new Map<string, Held>();
  readonly #now: () => number;
  isFrozen = false;
  /** What is asked is done, and nobody hears of it. */
  isLate = false;

  constructor(now: () => number) {
    this.#now = now;
  }

  of(owner: string): { readonly shared: SharedAnswers; readonly deliver: () => boolean } {
    const queue: (() => void)[] = [];
    const ask = <T>(act: () => T): Promise<T> =>
      new Promise((resolve, reject) => {
        const { isFrozen, isLate } = this;
        queue.push(() => {
          const answer = isFrozen ? null : act();
          if (answer === null || isLate) reject(new Error('timeout'));
          else resolve(answer);
        });
      });
    const at = (key: string): Held | null => {
      const held = this.held.get(key);
      if (held === undefined || this.#now() < held.untilMs) return held ?? null;
      this.held.delete(key);
      return null;
    };
    const isMine = (held: Held | null, { turn }: SharedKey): boolean => held?.by === `${owner} ${turn}`;
    const shared: SharedAnswers = {
      take: ({ key, print, turn }, lockMs) =>
        ask((): SharedTaken => {
          const held = at(key);
          if (held !== null && held.print !== print) return { kind: 'mismatch' };
          if (held?.answer) return { kind: 'answer', answer: held.answer, leftMs: held.untilMs - this.#now() };
          if (held !== null && !held.by.startsWith(`${owner} `)) return { kind: 'busy' };
          this.held.set(key, { print, by: `${owner} ${turn}`, untilMs: this.#now() + lockMs, answer: null });
          return { kind: 'taken' };
        }),
      keep: (key, answer, ttlMs) =>
        ask(() => {
          const held = at(key.key);
          if (held !== null && (held.answer !== null || !isMine(held, key))) return;
          this.held.set(key.key, { print: key.print, by: '', untilMs: this.#now() + ttlMs, answer });
        }),
      release: (key) =>
        ask(() => {
          const held = at(key.key);
          if (held?.answer === null && isMine(held, key)) this.held.delete(key.key);
        }),
      renew: (key, lockMs) =>
        ask(() => {
          const held = at(key.key);
          if (held !== null && (held.answer !== null || !isMine(held, key))) return;
          const { print, turn } = key;
          this.held.set(key.key, { print, by: `${owner} ${turn}`, untilMs: this.#now() + lockMs, answer: null });
        }),
    };
    return {
      shared,
      deliver: () => {
        const next = queue.shift();
        next?.();
        return next !== undefined;
      },
    };
  }
}
