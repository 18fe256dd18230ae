/**
 * One text that keys are in, kept up with: read at intervals, sooner when a key is missing, the last good one kept.
 *
 * ```
 * read ─▸ good: told if it is another one ─▸ again after the interval
 *      └▸ failed: said once per reason, the last good text stays ─▸ again after a wait that grows (pace.ts)
 * wanted ─▸ again at once, or COOLDOWN_MS after the last question (or at the interval, where that is shorter)
 * ```
 */

import type { Timers } from '../file.ts';
import { backoffMs, spreadMs } from './pace.ts';

/** Least time between two questions, however many unknown keys tokens name. */
export const COOLDOWN_MS = 30_000;

/** What is followed, and who is told. */
export interface KeysFollowed {
  /** Reads and checks the text; what it throws is why it is no good. Must settle. */
  readonly read: (signal: AbortSignal) => Promise<string>;
  readonly intervalMs: number;
  readonly changed: (text: string) => void;
  readonly failed: (error: unknown) => void;
  readonly nowMs: () => number;
  /** Uniform in [0, 1). */
  readonly draw: () => number;
  readonly timers: Timers;
}

export class KeysFollower {
  readonly #followed: KeysFollowed;
  readonly #closing = new AbortController();
  #timer: unknown = null;
  /** When the planned question is due; Infinity: none is planned. */
  #dueAtMs = Number.POSITIVE_INFINITY;
  #text: string | null = null;
  #failures = 0;
  #said = '';
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #isAsking = false;
  /** Resolves when the first question was answered, well or badly. */
  readonly first: Promise<void>;

  constructor(followed: KeysFollowed) {
    this.#followed = followed;
    this.first = this.#ask();
  }

  /** A key is missing: asks soon. */
  wanted(): void {
    if (this.#isAsking || this.#closing.signal.aborted) return;
    const waitMs = this.#askedAtMs + COOLDOWN_MS - this.#followed.nowMs();
    if (waitMs > 0) this.#plan(waitMs);
    else void this.#ask();
  }

  /** Idempotent. */
  close(): void {
    this.#closing.abort();
    this.#followed.timers.clear(this.#timer);
  }

  async #ask(): Promise<void> {
    const { read, intervalMs, changed, failed, nowMs, draw, timers } = this.#followed;
    const { signal } = this.#closing;
    timers.clear(this.#timer);
    this.#dueAtMs = Number.POSITIVE_INFINITY;
    this.#isAsking = true;
    this.#askedAtMs = nowMs();
    try {
      const text = await read(signal);
      if (signal.aborted) return;
      this.#failures = 0;
      this.#said = '';
      if (text !== this.#text) changed(text);
      this.#text = text;
    } catch (error) {
      if (signal.aborted) return;
      this.#failures++;
      const why = String(error);
      if (why !== this.#said) failed(error);
      this.#said = why;
    }
    this.#isAsking = false;
    const nextMs = spreadMs(intervalMs, draw());
    this.#plan(this.#failures === 0 ? nextMs : Math.min(nextMs, backoffMs(this.#failures, draw())));
  }

  /** Asks then, unless it does so sooner anyway: a wish never puts off what is planned. */
  #plan(waitMs: number): void {
    const dueAtMs = this.#followed.nowMs() + waitMs;
    if (this.#dueAtMs <= dueAtMs) return;
    this.#followed.timers.clear(this.#timer);
    this.#dueAtMs = dueAtMs;
    this.#timer = this.#followed.timers.set(() => void this.#ask(), waitMs);
  }
}
