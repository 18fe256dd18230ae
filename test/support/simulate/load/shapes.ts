/**
 * Services that get too much, and who asks them: the same for simulations and for real servers (bench/overload).
 */

import type { Random } from '#src/lib/random.ts';
import { lognormal } from '../draws.ts';

/** Servers of a version. */
export interface Shape {
  readonly servers: number;
  /** Mean service time. */
  readonly meanMs: number;
  /** Of the logarithm of the service time. */
  readonly sigma: number;
}

/** 20 servers that answer 400 requests a second. */
export const MAIN: Shape = { servers: 20, meanMs: 50, sigma: 0.5 };
/** One is large, one small, one has a heavy tail, and one is large and quick. */
export const OTHERS: readonly Shape[] = [
  { servers: 100, meanMs: 50, sigma: 0.5 },
  { servers: 5, meanMs: 100, sigma: 0.5 },
  { servers: 20, meanMs: 50, sigma: 1.2 },
  { servers: 200, meanMs: 20, sigma: 0.8 },
];

/** Shares of critical, default, degraded and best-effort requests. */
export const SHARES: readonly number[] = [0.1, 0.3, 0.4, 0.2];
/** Users who ask. */
export const USERS = 10_000;
/** When a client goes away; the servers work on its request all the same. */
export const CLIENT_TIMEOUT_MS = 1000;
/** An answer is of use within this time. */
export const SLO_MS = 500;
/** A client tries again after a random time of at most twice this, and then twice as long each time. */
const RETRY_MS = 100;
/** Service takes up to so much longer, at a backlog of so many requests a server. */
const SLOWDOWN = 0.5;
const SLOWEST_BACKLOG = 20;

/** Requests per second that the servers can do without a backlog. */
export function capacityOf({ servers, meanMs }: Shape): number {
  return (servers / meanMs) * 1000;
}

/** How long one request takes a server, in milliseconds. @param backlog requests that wait for a server */
export function serviceMs(random: Random, { servers, meanMs, sigma }: Shape, backlog: number): number {
  const slowdown = 1 + SLOWDOWN * Math.min(1, backlog / (SLOWEST_BACKLOG * servers));
  return lognormal(random, meanMs * Math.exp((-sigma * sigma) / 2), sigma) * slowdown;
}

/** Which of several kinds a request is of, by their shares of all; without any its priority, by its index in `PRIORITIES`. */
export function drawPriority(random: Random, shares: readonly number[] = SHARES): number {
  const draw = random.nextFloat();
  let sum = 0;
  const kind = shares.findIndex((share) => {
    sum += share;
    return draw < sum;
  });
  return kind < 0 ? shares.length - 1 : kind;
}

/** How long a client waits before it tries again. @param tries how often it has tried again so far */
export function retryWaitMs(random: Random, tries: number): number {
  return random.nextFloat() * RETRY_MS * 2 ** (tries + 1);
}
