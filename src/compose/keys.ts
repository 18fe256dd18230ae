/**
 * Composition of what colors are believed by: secrets and key sets are followed here, workers are told what they hold.
 *
 * No request waits for any of it. What cannot be read is logged, the last good text stays, and until there is one the colors
 * that need it do not count.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { nowMs } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Random } from '../lib/random.ts';
import type { ColorConfig, ColorKeys, KeySetOrigin, SecretOrigin } from '../model/threads/color.ts';
import { UNREF_TIMERS } from '../sources/file.ts';
import { KeysFollower } from '../sources/follow/keys.ts';
import { nameOfSecret, openKeySet, readSecret } from '../sources/stores/key-set.ts';

/** Files are looked at so often. */
const FILE_MS = 10_000;
/** A start waits so long for keys; what comes later counts from then on. */
const START_MS = 1000;

export interface KeysDeps {
  readonly log: Log;
  readonly random: Random;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Tells the workers. */
  readonly teach: (keys: ColorKeys) => void;
}

/** One place: what it held when it was last read, null before that. */
interface Followed {
  readonly follower: KeysFollower;
  readonly close: () => void;
  text: string | null;
}

export class Keys {
  readonly #deps: KeysDeps;
  /** By what a configuration says of them: a place that it names again is followed on. */
  #followed = new Map<string, Followed>();
  #keySet: Followed | null = null;
  #secrets: readonly Followed[] = [];

  constructor(deps: KeysDeps) {
    this.#deps = deps;
  }

  /** What is known now. */
  get current(): ColorKeys {
    return { secrets: this.#secrets.flatMap(({ text }) => text ?? []), keySet: this.#keySet?.text ?? null };
  }

  /** Follows what a configuration names; keys of places that it names no longer are forgotten at once, others stay. */
  follow({ jwt, signature }: ColorConfig): void {
    const before = this.#followed;
    const [beforeSet, beforeSecrets] = [this.#keySet, this.#secrets];
    this.#followed = new Map();
    const take = (name: string, begin: () => Followed): Followed => {
      const followed = this.#followed.get(name) ?? before.get(name) ?? begin();
      before.delete(name);
      this.#followed.set(name, followed);
      return followed;
    };
    this.#keySet = jwt === null ? null : take(`set ${JSON.stringify(jwt.keys)}`, () => this.#followSet(jwt.keys));
    this.#secrets = (signature?.keys ?? []).map((origin) => {
      return take(`secret ${JSON.stringify(origin)}`, () => this.#followSecret(origin));
    });
    closeAll(before);
    if (beforeSet !== this.#keySet || !isSameList(beforeSecrets, this.#secrets)) this.#deps.teach(this.current);
  }

  /** Resolves when every place was read once, well or badly, or after a second. */
  async ready(): Promise<void> {
    const first = Promise.all([...this.#followed.values()].map(({ follower }) => follower.first));
    await Promise.race([first, sleep(START_MS, undefined, { ref: false })]);
  }

  /** A token names a key that is not known. */
  wanted(): void {
    for (const { follower } of this.#followed.values()) follower.wanted();
  }

  /** Idempotent. */
  close(): void {
    closeAll(this.#followed);
    this.#followed = new Map();
  }

  #followSet(origin: KeySetOrigin): Followed {
    const reader = openKeySet(origin);
    return this.#begin({
      name: reader.name,
      read: (signal) => reader.read(signal),
      intervalMs: origin.kind === 'url' ? origin.intervalMs : FILE_MS,
      close: () => reader.close(),
    });
  }

  #followSecret(origin: SecretOrigin): Followed {
    return this.#begin({
      name: nameOfSecret(origin),
      read: () => readSecret(origin, this.#deps.environment),
      intervalMs: FILE_MS,
      close: () => undefined,
    });
  }

  #begin({
    name,
    read,
    intervalMs,
    close,
  }: {
    readonly name: string;
    readonly read: (signal: AbortSignal) => Promise<string>;
    readonly intervalMs: number;
    readonly close: () => void;
  }): Followed {
    const { log, random, teach } = this.#deps;
    const follower = new KeysFollower({
      read,
      intervalMs,
      changed: (text) => {
        followed.text = text;
        teach(this.current);
        log.info('color_keys', { from: name });
      },
      failed: (error) => log.error('color_keys_failed', { from: name, error }),
      nowMs,
      draw: () => random.nextFloat(),
      timers: UNREF_TIMERS,
    });
    const followed: Followed = { follower, close, text: null };
    return followed;
  }
}

function closeAll(followed: ReadonlyMap<string, Followed>): void {
  for (const { follower, close } of followed.values()) {
    follower.close();
    close();
  }
}

function isSameList(a: readonly Followed[], b: readonly Followed[]): boolean {
  return a.length === b.length && a.every((one, index) => one === b[index]);
}
