/**
 * What an onlooker sees of circuit breakers in a simulated scene (circuits.ts), counted the slow and obvious way.
 */

import type { EndpointState } from '#src/model/health.ts';
import type { BreakerConfig } from '#src/model/overload.ts';
import type { Happening, View } from './queueing.ts';

/** What looks on: every request, and how the hosts stand after every tick. */
export interface Onlooker {
  happened(happening: Happening): void;
  ticked(nowMs: number, states: readonly EndpointState[]): void;
}

/** How often breakers closed, and how many of the first requests after that were good. */
export interface Closings {
  count: number;
  good: number;
}

export function isOut(state: EndpointState | undefined): boolean {
  return state === 'ejected' || state === 'half-open';
}

/** First requests to hosts that are back. */
export class HostClosings implements Onlooker, Closings {
  count = 0;
  good = 0;
  #states: readonly EndpointState[] = [];
  readonly #awaited = new Set<number>();
  readonly #firsts = new Set<object>();

  ticked(_nowMs: number, states: readonly EndpointState[]): void {
    states.forEach((state, n) => {
      if (isOut(state)) this.#awaited.delete(n);
      else if (isOut(this.#states[n])) this.#awaited.add(n);
    });
    this.#states = states;
  }

  happened({ kind, host, isFailure, isProbe, request }: Happening): void {
    if (kind === 'picked' && !isProbe && this.#awaited.delete(host)) this.#firsts.add(request);
    if (kind !== 'ended' || !this.#firsts.delete(request)) return;
    this.count++;
    if (!isFailure) this.good++;
  }
}

/** First requests to a version that a worker trusts again. */
export class VersionClosings implements Onlooker, Closings {
  count = 0;
  good = 0;
  readonly #states = new Map<View, string>();
  readonly #awaited = new Set<View>();
  readonly #firsts = new Set<object>();

  ticked(): void {}

  happened({ kind, worker, isFailure, request }: Happening): void {
    if (kind === 'picked' && this.#awaited.delete(worker)) this.#firsts.add(request);
    if (kind === 'ended' && this.#firsts.delete(request)) {
      this.count++;
      if (!isFailure) this.good++;
    }
    const state = worker.breaker?.state ?? 'closed';
    if (state === 'closed' && this.#states.get(worker) === 'half-open') this.#awaited.add(worker);
    this.#states.set(worker, state);
  }
}

interface Row {
  length: number;
  /** When it was long enough; Infinity before. */
  crossedAtMs: number;
}

const NO_ROW = (): Row => ({ length: 0, crossedAtMs: Number.POSITIVE_INFINITY });

/** One host as an onlooker knows it. */
interface Host {
  /** Of each worker. */
  readonly rows: Map<View, Row>;
  /** Of all of them, by ticks: a success of anybody ends it. A tick of successes alone ends those of workers, too. */
  all: Row;
  hasSuccess: boolean;
  failures: number;
  failedAtMs: number;
}

/**
 * How long after a row of failures was long enough a host still got requests, as long as the row lasts and there is room for
 * one more host outside.
 */
export class HostLateness implements Onlooker {
  mostMs = 0;
  readonly #errors: number;
  readonly #outMax: number;
  readonly #hosts: Host[] = [];
  #states: readonly EndpointState[] = [];

  constructor(consecutiveErrors: number, outMax: number) {
    this.#errors = consecutiveErrors;
    this.#outMax = outMax;
  }

  ticked(nowMs: number, states: readonly EndpointState[]): void {
    const isFull = states.filter(isOut).length >= this.#outMax;
    for (const [n, host] of this.#hosts.entries()) {
      if (host === undefined) continue;
      if (host.hasSuccess) host.all = NO_ROW();
      if (host.hasSuccess && host.failures === 0) host.rows.clear();
      else if (!host.hasSuccess && host.failures > 0) this.#lengthen(host.all, host.failures, host.failedAtMs);
      host.hasSuccess = false;
      host.failures = 0;
      if (isOut(this.#states[n]) && !isOut(states[n])) {
        host.rows.clear();
        host.all = NO_ROW();
      } else if (isFull && !isOut(states[n])) {
        for (const row of [host.all, ...host.rows.values()]) if (row.crossedAtMs < nowMs) row.crossedAtMs = nowMs;
      }
    }
    this.#states = states;
  }

  happened({ kind, atMs, host: n, isFailure, isProbe, worker }: Happening): void {
    if (kind === 'refused' || isProbe) return;
    const host = (this.#hosts[n] ??= { rows: new Map(), all: NO_ROW(), hasSuccess: false, failures: 0, failedAtMs: 0 });
    const row = host.rows.get(worker) ?? NO_ROW();
    host.rows.set(worker, row);
    if (kind === 'picked') {
      this.mostMs = Math.max(this.mostMs, atMs - row.crossedAtMs, atMs - host.all.crossedAtMs);
    } else if (isFailure) {
      host.failures++;
      host.failedAtMs = atMs;
      this.#lengthen(row, 1, atMs);
    } else {
      host.hasSuccess = true;
      host.rows.delete(worker);
    }
  }

  #lengthen(row: Row, by: number, atMs: number): void {
    row.length += by;
    if (row.length >= this.#errors && row.crossedAtMs === Number.POSITIVE_INFINITY) row.crossedAtMs = atMs;
  }
}

interface Watched {
  /** Ends of attempts since it was closed. */
  readonly ends: { readonly atMs: number; readonly isFailure: boolean }[];
  crossedAtMs: number;
}

/**
 * How long after its threshold was crossed a worker still made attempts at the version. The breaker's window moves by tenths: a
 * threshold counts as crossed when it is both over the whole window and over nine tenths of it.
 */
export class VersionLateness implements Onlooker {
  mostMs = 0;
  /** Thresholds that were crossed. */
  count = 0;
  readonly #config: BreakerConfig;
  readonly #watched = new Map<View, Watched>();

  constructor(config: BreakerConfig) {
    this.#config = config;
  }

  ticked(): void {}

  happened({ kind, atMs, isFailure, worker }: Happening): void {
    const watched = this.#watched.get(worker) ?? { ends: [], crossedAtMs: Number.POSITIVE_INFINITY };
    this.#watched.set(worker, watched);
    const lateMs = atMs - watched.crossedAtMs;
    if (lateMs >= 0) {
      if (kind === 'picked' && lateMs < this.#config.openMs) this.mostMs = Math.max(this.mostMs, lateMs);
      if (lateMs >= this.#config.openMs && worker.breaker?.state === 'closed') this.#watched.delete(worker);
    } else if (kind === 'ended') {
      while ((watched.ends[0]?.atMs ?? atMs) <= atMs - this.#config.windowMs) watched.ends.shift();
      watched.ends.push({ atMs, isFailure });
      if (isFailure && this.#isCrossed(watched.ends, atMs)) {
        watched.crossedAtMs = atMs;
        this.count++;
      } else if (worker.breaker?.state !== 'closed') watched.ends.length = 0; // it was a little earlier
    }
  }

  #isCrossed(ends: Watched['ends'], nowMs: number): boolean {
    const { consecutiveErrors, requestsMin, successRatioMin, windowMs } = this.#config;
    const latest = ends.slice(-consecutiveErrors);
    if (latest.length === consecutiveErrors && latest.every(({ isFailure }) => isFailure)) return true;
    return [windowMs, 0.9 * windowMs].every((lastMs) => {
      const within = ends.filter(({ atMs }) => atMs > nowMs - lastMs);
      const good = within.filter(({ isFailure }) => !isFailure).length;
      return within.length >= requestsMin && good < successRatioMin * within.length;
    });
  }
}

/** Most probes of one host that were under way at once. */
export class ProbesAtOnce implements Onlooker {
  most = 0;
  readonly #underWay = new Map<number, number>();

  ticked(): void {}

  happened({ kind, host, isProbe }: Happening): void {
    if (!isProbe) return;
    const count = (this.#underWay.get(host) ?? 0) + (kind === 'picked' ? 1 : -1);
    this.#underWay.set(host, count);
    this.most = Math.max(this.most, count);
  }
}
