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

interface Followed {
  readonly follower: KeysFollower;
  readonly close: () => void;
}

export class Keys {
  readonly #deps: KeysDeps;
  /** What is followed, as text, to tell whether a new configuration follows something else. */
  #following = '';
  #followed: readonly Followed[] = [];
  #keySet: string | null = null;
  #secrets: (string | null)[] = [];

  constructor(deps: KeysDeps) {
    this.#deps = deps;
  }

  /** What is known now. */
  get current(): ColorKeys {
    return { secrets: this.#secrets.filter((secret) => secret !== null), keySet: this.#keySet };
  }

  /** Follows what a configuration names; keys of places that it names no longer are forgotten at once. */
  follow({ jwt, signature }: ColorConfig): void {
    const set = jwt === null ? null : jwt.keys;
    const secrets = signature === null ? [] : signature.keys;
    const following = JSON.stringify([set, secrets]);
    if (following === this.#following) return;
    this.close();
    this.#following = following;
    this.#keySet = null;
    this.#secrets = secrets.map(() => null);
    this.#deps.teach(this.current);
    this.#followed = [
      ...(set === null ? [] : [this.#followSet(set)]),
      ...secrets.map((origin, index) => this.#followSecret(origin, index)),
    ];
  }

  /** Resolves when every place was read once, well or badly, or after a second. */
  async ready(): Promise<void> {
    const first = Promise.all(this.#followed.map(({ follower }) => follower.first));
    await Promise.race([first, sleep(START_MS, undefined, { ref: false })]);
  }

  /** A token names a key that is not known. */
  wanted(): void {
    for (const { follower } of this.#followed) follower.wanted();
  }

  /** Idempotent. */
  close(): void {
    for (const { follower, close } of this.#followed) {
      follower.close();
      close();
    }
    this.#followed = [];
  }

  #followSet(origin: KeySetOrigin): Followed {
    const reader = openKeySet(origin);
    const follower = this.#begin({
      name: reader.name,
      read: (signal) => reader.read(signal),
      intervalMs: origin.kind === 'url' ? origin.intervalMs : FILE_MS,
      changed: (text) => {
        this.#keySet = text;
      },
    });
    return { follower, close: () => reader.close() };
  }

  #followSecret(origin: SecretOrigin, index: number): Followed {
    const follower = this.#begin({
      name: nameOfSecret(origin),
      read: () => readSecret(origin, this.#deps.environment),
      intervalMs: FILE_MS,
      changed: (text) => {
        this.#secrets[index] = text;
      },
    });
    return { follower, close: () => undefined };
  }

  #begin({
    name,
    read,
    intervalMs,
    changed,
  }: {
    readonly name: string;
    readonly read: (signal: AbortSignal) => Promise<string>;
    readonly intervalMs: number;
    readonly changed: (text: string) => void;
  }): KeysFollower {
    const { log, random, teach } = this.#deps;
    return new KeysFollower({
      read,
      intervalMs,
      changed: (text) => {
        changed(text);
        teach(this.current);
        log.info('color_keys', { from: name });
      },
      failed: (error) => log.error('color_keys_failed', { from: name, error }),
      nowMs,
      draw: () => random.nextFloat(),
      timers: UNREF_TIMERS,
    });
  }
}
