/**
 * Locks and words in Redis: `sluice:<fleet>:{<tag>}:<name>:lock|token|fence|word|rollback`, each with a time to live.
 *
 * Words are published on `sluice:<fleet>:words` as they are written, as `<tag> <name> <word>`; what is stored is the truth
 * for whoever was not listening.
 */

import type { Board, Grant, Locks, Put, Resource } from '../exchange.ts';
import { formatWord, greaterOf, parseWord, type Word } from '../order.ts';
import { ACQUIRE, MARK, PUT, RAISE, RELEASE } from './scripts.ts';

/** Words and tokens outlive what they belong to by so much; every gateway that knows a word writes it again when it is gone. */
const KEEP_MS = 7 * 24 * 3_600_000;

/** What is asked of a connection. Rejects when there is no answer in time. */
export interface Commands {
  /** Runs a script, by its hash where the server knows it. */
  run(script: string, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown>;
  get(keys: readonly string[]): Promise<readonly (string | null)[]>;
}

export class RedisStore<Body> implements Locks, Board<Body> {
  readonly #commands: Commands;
  readonly #fleet: string;
  readonly #isBody: (value: unknown) => value is Body;

  constructor(commands: Commands, fleet: string, isBody: (value: unknown) => value is Body) {
    this.#commands = commands;
    this.#fleet = fleet;
    this.#isBody = isBody;
  }

  /** The channel of the words. */
  get channel(): string {
    return `sluice:${this.#fleet}:words`;
  }

  async acquire(resource: Resource, owner: string, ttlMs: number): Promise<Grant> {
    const keys = [this.#key(resource, 'lock'), this.#key(resource, 'token')];
    const answer = (await this.#commands.run(ACQUIRE, keys, [owner, ttlMs, KEEP_MS])) as [number, string, number];
    if (Number(answer[0]) === 1) return { kind: 'held', token: Number(answer[1]) };
    return { kind: 'taken', owner: answer[1], leftMs: Math.max(0, Number(answer[2])) };
  }

  async release(resource: Resource, owner: string): Promise<void> {
    await this.#commands.run(RELEASE, [this.#key(resource, 'lock')], [owner]);
  }

  /**
   * Takes note of a lock that is kept elsewhere: from then on words under an earlier token are refused.
   * @param token of the lock there
   * @param ttlMs after which an earlier one would be believed again, unless it is raised again
   * @returns the token of words; null: a later lock was noted
   */
  async raise(resource: Resource, token: number, ttlMs: number): Promise<number | null> {
    const keys = [this.#key(resource, 'token'), this.#key(resource, 'fence')];
    const answer = (await this.#commands.run(RAISE, keys, [token, ttlMs, KEEP_MS])) as string;
    return answer === '' ? null : Number(answer);
  }

  async read(resources: readonly Resource[]): Promise<readonly (Word<Body> | null)[]> {
    const keys = resources.flatMap((one) => [this.#key(one, 'word'), this.#key(one, 'rollback')]);
    const texts = await this.#commands.get(keys);
    return resources.map((_, n) => {
      const [word, mark] = [texts[2 * n] ?? null, texts[2 * n + 1] ?? null];
      return greaterOf(parseWord(word, this.#isBody), parseWord(mark, this.#isBody));
    });
  }

  async put(resource: Resource, word: Word<Body>): Promise<Put> {
    const keys = ['token', 'word', 'rollback'].map((part) => this.#key(resource, part));
    const text = formatWord(word);
    const args = [word.token, word.run, text, KEEP_MS, this.channel, this.#message(resource, text)];
    return (await this.#commands.run(PUT, keys, args)) as Put;
  }

  async markRolledBack(resource: Resource, word: Word<Body>): Promise<void> {
    const text = formatWord(word);
    const args = [word.run, text, KEEP_MS, this.channel, this.#message(resource, text)];
    await this.#commands.run(MARK, [this.#key(resource, 'rollback')], args);
  }

  /** A word as it was published; null when it is none. */
  heard(message: string): { readonly resource: Resource; readonly word: Word<Body> } | null {
    const [, tag = '', name = '', text = ''] = /^(\S+) (\S+) (.*)$/s.exec(message) ?? [];
    const word = parseWord(text, this.#isBody);
    return word === null ? null : { resource: { tag, name }, word };
  }

  #message({ tag, name }: Resource, text: string): string {
    return `${tag} ${name} ${text}`;
  }

  #key({ tag, name }: Resource, part: string): string {
    return `sluice:${this.#fleet}:{${tag}}:${name}:${part}`;
  }
}
