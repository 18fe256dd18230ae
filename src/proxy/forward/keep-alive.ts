/**
 * How long a connection to an upstream may be used again: by its age, and by what the upstream says itself. Hot path.
 *
 * Age: `lifetimeMs` and up to 10 % more or less, so that connections that were opened together do not end together; then
 * the addresses of a name that changed get their share. `Keep-Alive: timeout=, max=`: an idle connection is given up some
 * time before the upstream would close it, which is what makes the keep-alive race rare.
 * Source: RFC 2068 section 19.7.1 (the field), as Apache and Node send it.
 */

import type { Random } from '../../lib/random.ts';

const JITTER_RATIO = 0.1;
/** How long before the upstream's own time a connection is given up; half the time if that is shorter. */
const MARGIN_MS = 1000;
const HINT_CHARS_MAX = 128;
const TIMEOUT = /(?:^|[,;\s])timeout=(\d{1,6})(?!\d)/i;
const MAX = /(?:^|[,;\s])max=(\d{1,6})(?!\d)/i;

/** Of one connection. */
export class Lifetime {
  #endsAtMs: number;
  #hintMs = Number.POSITIVE_INFINITY;
  /** Requests that may still be sent, the one under way included. */
  #left = Number.POSITIVE_INFINITY;

  /** @param lifetimeMs middle of the range. */
  constructor(nowMs: number, lifetimeMs: number, random: Random) {
    this.#endsAtMs = nowMs + lifetimeMs * (1 + JITTER_RATIO * (2 * random.nextFloat() - 1));
  }

  /** A response's `Keep-Alive` field; what it does not say, or nobody understands, stays as it is. */
  hear(value: string): void {
    if (value.length > HINT_CHARS_MAX) return;
    const timeout = TIMEOUT.exec(value)?.[1];
    const max = MAX.exec(value)?.[1];
    if (timeout !== undefined) this.#hintMs = withMargin(Number(timeout) * 1000);
    if (max !== undefined) this.#left = Math.min(this.#left, Number(max) + 1);
  }

  /** A response is over: until when the connection may wait for the next request. Not after `nowMs`: not at all. */
  idleUntil(nowMs: number, idleMs: number): number {
    if (this.#left !== Number.POSITIVE_INFINITY && --this.#left <= 0) return nowMs;
    return Math.min(this.#endsAtMs, nowMs + Math.min(idleMs, this.#hintMs));
  }
}

function withMargin(timeoutMs: number): number {
  return Math.max(timeoutMs - MARGIN_MS, timeoutMs / 2);
}
