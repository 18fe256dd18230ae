/**
 * One upstream address as a worker sees it: load, speed and connections. Hot path.
 *
 * `cost` is Finagle's peak EWMA of the time to the response head: a slower answer counts at once, a faster one decays in
 * with a time constant of 10 s. A failure, a 5xx answer included, multiplies the cost, else a host that fails fast would
 * look fast and attract traffic. `penalty` does the same for those who go by requests in flight alone: it doubles with
 * each failure, up to 64, and fades with the same time constant.
 *
 * One that is new, or back, beside others that are warm is cold: caches, connection pools and just-in-time compilers are. What
 * it is asked then is no evidence of its version's latency.
 * Source: Finagle `PeakEwma`; docs/adr/0003-synchronous-decide.md; docs/verdicts.md "Latency".
 */

import { WARM_ATTEMPTS, WARM_MS } from '../../model/latency.ts';
import { GRPC_ERRORS } from '../../model/sli.ts';
import type { ProxyProtocolVersion } from '../../model/threads/proxied.ts';
import type { Exchange } from '../exchange.ts';
import type { Recorder } from '../record/recorder.ts';
import type { EndpointSecurity } from '../wire/tls/credentials.ts';
import type { Reached } from '../wire/tls/reach.ts';
import type { EndpointProbes } from './balance/probe.ts';
import type { UpstreamPool } from './sides.ts';

const DECAY_MS = 10_000;
/** What one failure does to the cost: dear enough to lose against its neighbors, soon cheap enough to be tried again. */
const FAILURE_FACTOR = 5;
const FAILURE_MS_MIN = 10;
const FAILURE_MS_MAX = 1000;
const NEVER = Number.NEGATIVE_INFINITY;
/** What an endpoint that has not answered anything yet is taken to need at least, once something waits for it. */
const SILENT_MS = 1000;
const PENALTY_FACTOR = 2;
const PENALTY_MAX = 64;
/** How many times the usual time to the head is time enough, whoever asks; what is too little in any case. */
const ENOUGH_FACTOR = 8;
const ENOUGH_MS_MIN = 50;
/** Weight of the newest answer in the usual time. */
const NEWEST = 1 / 16;
/** Times to the head are summed in whole microseconds, at most 35 minutes each. */
const MICROS_MAX = 2 ** 31 - 1;

export class Endpoint {
  /** Slot in the tallies. */
  readonly id: number;
  readonly host: string;
  readonly port: number;
  /** Attempts under way from this worker. */
  inFlight = 0;
  /** It speaks HTTP/2, not HTTP/1.1. */
  readonly isHttp2: boolean;
  /** Codes of gRPC that are errors, as bits. */
  grpcErrors = GRPC_ERRORS;
  /** Set once, right after construction: a pool and its endpoint refer to one another. */
  pool!: UpstreamPool;
  /** Set once, right after construction; null: it speaks plain HTTP. */
  security: EndpointSecurity | null = null;
  /** Set once, right after construction: connections begin with this header of the PROXY protocol; 0: with none. */
  announces: ProxyProtocolVersion | 0 = 0;
  /** Where answers are counted; null in tests of single functions. */
  recorder: Recorder | null = null;
  /** What this worker tries out whether it is back with; null mostly. */
  probes: EndpointProbes | null = null;
  /** Not warm yet: attempts go through `warmUp`. */
  isNew = true;
  /** Others were warm when it was first asked. */
  #isLate = false;
  /** Attempts while it is new. */
  #asked = 0;
  #firstAskedAtMs = Number.POSITIVE_INFINITY;
  #isOut = false;
  #penalty = 1;
  #failedAtMs = NEVER;
  #costMs = 0;
  #observedAtMs = NEVER;
  /** The last silence while nothing else was known of it: the last observation at all, until it answers or fails. */
  #silentAtMs = NEVER;
  /** Of good answers alone, so that failures do not pass for its usual time; 0 before the first. */
  #usualMs = 0;

  constructor(id: number, host: string, port: number, isHttp2 = false) {
    this.isHttp2 = isHttp2;
    this.id = id;
    this.host = host;
    this.port = port;
  }

  get address(): string {
    return this.host.includes(':') ? `[${this.host}]:${this.port}` : `${this.host}:${this.port}`;
  }

  /** The header of the PROXY protocol that a connection for the exchange begins with; empty: none. */
  prefaceOf({ client }: Pick<Exchange, 'client'>): string {
    return this.announces === 0 ? '' : client.lines.announcedIn(this.announces);
  }

  /** Whom a connection that begins so goes to. */
  reachedAs(preface: string): Reached {
    return preface === '' ? this : { port: this.port, security: this.security, preface };
  }

  /**
   * Expected wait of one more request, in ms: (in flight / size + 1) x smoothed time. Without history the first request
   * is free and the next ones are dear until it is answered. While nobody asks, the cost fades: an endpoint that failed
   * is tried again some time.
   * @param size how many servers of the usual size it stands for
   */
  load(nowMs: number, size = 1): number {
    let costMs = this.#costMs;
    if (this.inFlight === 0) costMs *= Math.exp((this.#observedAtMs - nowMs) / DECAY_MS);
    else if (this.#observedAtMs === this.#silentAtMs) costMs = Math.max(costMs, SILENT_MS);
    return (this.inFlight / size + 1) * (costMs + 0.001);
  }

  /**
   * Takes whether it is left out. One that comes back begins without history: what it did before is served, and by its
   * old cost it would be avoided for a minute more. It may have been restarted, so it is new.
   */
  setOut(isOut: boolean): void {
    if (this.#isOut && !isOut) {
      this.#costMs = 0;
      this.#observedAtMs = NEVER;
      this.#silentAtMs = NEVER;
      this.#penalty = 1;
      this.#failedAtMs = NEVER;
      this.isNew = true;
      this.#asked = 0;
      this.#firstAskedAtMs = Number.POSITIVE_INFINITY;
    }
    this.#isOut = isOut;
  }

  /** As of the last time its version took in the capacities. */
  get isOut(): boolean {
    return this.#isOut;
  }

  /**
   * An attempt begins while it is new. It goes by attempts, time and whom it was first asked beside, never by answers. Those that
   * a version begins with, or that come when none of it is warm, are not cold: so of a version whose endpoints are replaced all
   * the time some are compared always, or will be within WARM_MS.
   * @param all the endpoints of its version
   * @returns whether it is cold
   */
  warmUp(all: readonly Endpoint[], nowMs: number): boolean {
    if (this.#asked === 0) {
      this.#firstAskedAtMs = nowMs;
      this.#isLate = hasWarm(all, nowMs);
    } else if (this.#isWarm(nowMs)) {
      this.isNew = false;
      return false;
    }
    this.#asked += 1;
    return this.#isLate;
  }

  /** Is it one that others are cold beside? */
  isWarmAndIn(nowMs: number): boolean {
    return !this.#isOut && this.#isWarm(nowMs);
  }

  #isWarm(nowMs: number): boolean {
    return this.#asked >= WARM_ATTEMPTS || nowMs - this.#firstAskedAtMs >= WARM_MS;
  }

  /** Requests under way in proportion to its size, and one, times the penalty for recent failures. */
  pressure(nowMs: number, size = 1): number {
    return (this.inFlight / size + 1) * this.#penaltyAt(nowMs);
  }

  /** Takes one time to the response head, in ms. Cost: O(1), allocates nothing. */
  observe(tookMs: number, nowMs: number): void {
    this.#take(tookMs, nowMs);
    this.#usualMs += (Math.max(tookMs, 0) - this.#usualMs) * (this.#usualMs === 0 ? 1 : NEWEST);
    this.recorder?.answered(this.id, Math.min(Math.max(tookMs, 0) * 1000, MICROS_MAX) | 0);
  }

  /** Whether a request that has to be answered within so many ms says nothing about it when it is not. */
  isTooShort(allowedMs: number): boolean {
    return allowedMs < (this.#usualMs === 0 ? SILENT_MS : Math.max(ENOUGH_MS_MIN, ENOUGH_FACTOR * this.#usualMs));
  }

  /** Takes a failed attempt: several times as dear as before, however fast it failed, up to a second. */
  observeFailure(tookMs: number, nowMs: number): void {
    const before = Math.max(this.#costMs * Math.exp((this.#observedAtMs - nowMs) / DECAY_MS), FAILURE_MS_MIN);
    this.#take(Math.max(tookMs, Math.min(before * FAILURE_FACTOR, FAILURE_MS_MAX)), nowMs);
    this.#penalty = Math.min(this.#penaltyAt(nowMs) * PENALTY_FACTOR, PENALTY_MAX);
    this.#failedAtMs = nowMs;
  }

  /**
   * Takes an attempt that was called off after so long without an answer: it would have taken longer. So the cost has not faded below
   * that. It can only become dearer, by what really was, and that is no failure: else clients that leave soon would make it cheap,
   * or have it left alone.
   */
  observeSilence(tookMs: number, nowMs: number): void {
    if (tookMs <= this.#costMs * Math.exp((this.#observedAtMs - nowMs) / DECAY_MS)) return;
    const isUnknown = this.#observedAtMs === this.#silentAtMs;
    this.#costMs = Math.max(this.#costMs, tookMs);
    // As of when it would have faded to just that by now: now, if it is the highest.
    this.#observedAtMs = nowMs + DECAY_MS * Math.log(tookMs / this.#costMs);
    if (isUnknown) this.#silentAtMs = this.#observedAtMs;
  }

  #take(tookMs: number, nowMs: number): void {
    if (tookMs >= this.#costMs) {
      this.#costMs = tookMs;
    } else {
      const keep = Math.exp((this.#observedAtMs - nowMs) / DECAY_MS);
      this.#costMs = this.#costMs * keep + tookMs * (1 - keep);
    }
    this.#observedAtMs = nowMs;
    // An answer may come in the very turn in which another attempt was called off.
    this.#silentAtMs = NEVER;
  }

  /** 1 without recent failures, up to PENALTY_MAX. */
  #penaltyAt(nowMs: number): number {
    if (this.#failedAtMs === NEVER) return 1;
    return Math.max(1, this.#penalty * Math.exp((this.#failedAtMs - nowMs) / DECAY_MS));
  }
}

function hasWarm(all: readonly Endpoint[], nowMs: number): boolean {
  for (const endpoint of all) if (endpoint.isWarmAndIn(nowMs)) return true;
  return false;
}
