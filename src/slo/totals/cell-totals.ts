/**
 * Totals of one cell as status and metrics read them: 30,000 at a time on a page of 10,000 routes, so that what is not asked for
 * is not made. Numbers are of the moment of the reading; arrays are views of what goes on being added up.
 */

import { HISTOGRAM_BUCKETS } from '../../lib/histogram.ts';
import { PRIORITIES } from '../../model/overload.ts';
import { REASON_COUNT } from '../../model/reason.ts';
import type { RescueCounts } from '../../model/status.ts';
import { CELL, SESSION_ENDS, STREAM_BOUNDS_MS, THRESHOLDS_MAX } from '../../model/tallies.ts';
import { FALLBACK_KINDS, type FallbackCounts } from '../../model/threads/answers/fallback.ts';
import type { RetryCounts } from '../../model/threads/answers/retries.ts';
import { SIGNATURE_RESULTS, TOKEN_RESULTS } from '../../model/threads/color.ts';
import { FAULT_KINDS } from '../../model/threads/faults.ts';
import { HTTP2_WORDS } from '../../model/threads/load/http2.ts';
import { PROXY_HEADER_RESULTS } from '../../model/threads/proxied.ts';
import { HANDSHAKE_RESULTS } from '../../model/threads/tls.ts';

const STATUS_CLASSES = 6;
/** Words of times that are added up, in the order of `Sums.times`. */
export const TIMES = [CELL.waitMs, CELL.queueMs, CELL.connectMs, CELL.bodyMs, CELL.streamMs] as const;

/** Requests of a version at its limit. `limit` 0: it has none. */
export interface AdmissionNow {
  readonly limit: number;
  readonly inFlight: number;
  readonly queued: number;
}

/** Workers that leave a version alone because it failed (proxy/decide/breaker), and those that try it out. */
export interface BreakerNow {
  readonly open: number;
  readonly halfOpen: number;
}

/** Times of attempts in ms by phase: sums. */
export interface PhaseSums {
  readonly queue: number;
  readonly connect: number;
  readonly firstByte: number;
  readonly body: number;
}

/** Copies for a route's mirror by outcome. */
export interface MirrorCounts {
  readonly sent: number;
  readonly skipped: number;
  readonly failed: number;
}

/** What all workers that ever were have counted in a cell. */
export interface Sums {
  /** By word of the cell. */
  readonly sums: Float64Array;
  secondsSum: number;
  /** By `TIMES`. */
  readonly times: Float64Array;
}

/** Sum of a word over the workers that are alive. */
export type Gauge = (word: number) => number;

const NO_LIMIT: AdmissionNow = { limit: 0, inFlight: 0, queued: 0 };
const CLOSED: BreakerNow = { open: 0, halfOpen: 0 };
const NO_COPIES: MirrorCounts = { sent: 0, skipped: 0, failed: 0 };
const NO_RETRIES: RetryCounts = { made: 0, hedged: 0, skipped: 0 };
const NO_RESCUES: RescueCounts = { good: 0, bad: 0, ignored: 0, skipped: 0 };
const NO_TIMES: PhaseSums = { queue: 0, connect: 0, firstByte: 0, body: 0 };
const NO_FALLBACKS = fallbacksOf(() => 0);

/** Totals of one cell; they only ever grow, what is now under way apart. The arrays are not to be written. */
export class CellTotals {
  /** Exchanges under way in the workers that are alive. */
  readonly inFlight: number;
  /** Exchanges that are good or bad. */
  readonly finished: number;
  readonly bad: number;
  readonly ignored: number;
  /** Finished exchanges above the route's latency threshold. */
  readonly slow: number;
  readonly pinned: number;
  readonly pinnedBad: number;
  readonly retries: RetryCounts;
  /** Sum of the latencies of finished exchanges, in seconds. */
  readonly secondsSum: number;
  /** Upgraded connections that are open in the workers that are alive. */
  readonly sessions: number;
  /** Attempts that are over, and their times in ms by phase: sums. Only in the cells of versions. */
  readonly attempts: number;
  readonly phaseMs: PhaseSums;
  readonly mirrored: MirrorCounts;
  /** Exchanges that failed first and are good, where evidence is to know (`CELL.mended`). */
  readonly mended: number;
  /** Exchanges that failed on the version and went on with stable, by what its users saw; skipped: that might have. */
  readonly rescued: RescueCounts;
  /** Exchanges of the route that fell back. Only in its own cell. */
  readonly fallbacks: FallbackCounts;
  /** Of the gateway's cell: bytes that the workers that are alive keep of answers for fallbacks. */
  readonly staleBytes: number;
  /** How the version stands at its limit in the workers that are alive. */
  readonly admission: AdmissionNow;
  readonly breaker: BreakerNow;
  /** Of the cell of a version: seconds that streams which are over lasted in all. */
  readonly streamSeconds: number;
  readonly #sums: Float64Array;

  /** @param limits the gauges of the cell that shows the version's limit and breaker */
  constructor({ sums, secondsSum, times }: Sums, gauge: Gauge, limits: Gauge) {
    const at = (word: number): number => sums[word] as number;
    this.#sums = sums;
    this.inFlight = gauge(CELL.inFlight);
    this.finished = at(CELL.finished);
    this.bad = at(CELL.bad);
    this.ignored = at(CELL.ignored);
    this.slow = at(CELL.slow);
    this.pinned = at(CELL.pinned);
    this.pinnedBad = at(CELL.pinnedBad);
    this.retries = retriesOf(at);
    this.secondsSum = secondsSum;
    this.sessions = gauge(CELL.sessions);
    this.attempts = at(CELL.attempts);
    this.phaseMs = this.attempts === 0 ? NO_TIMES : phasesOf(times);
    this.mirrored = mirroredOf(at);
    this.mended = at(CELL.mended);
    this.rescued = rescuedOf(at);
    this.fallbacks = isNone(at, CELL.fallbacks, FALLBACK_KINDS.length) ? NO_FALLBACKS : fallbacksOf(at);
    this.staleBytes = gauge(CELL.staleBytes);
    this.admission = admissionOf(limits);
    this.breaker = breakerOf(limits);
    this.streamSeconds = (times[4] as number) / 1000;
  }

  /** Index n counts responses n00..n99; index 0 stays 0. */
  get statusClasses(): Float64Array {
    return this.#view(CELL.statusClass, STATUS_CLASSES);
  }

  /** Exchanges by reason number. */
  get reasons(): Float64Array {
    return this.#view(CELL.reasons, REASON_COUNT);
  }

  /** Finished exchanges above the n-th frozen latency threshold. */
  get thresholds(): Float64Array {
    return this.#view(CELL.thresholds, THRESHOLDS_MAX);
  }

  /** Upgraded connections that ended, by number of `SESSION_ENDS`. */
  get sessionEnds(): Float64Array {
    return this.#view(CELL.sessionEnds, SESSION_ENDS.length);
  }

  /** Exchanges that the limit refused, by priority. */
  get shed(): Float64Array {
    return this.#view(CELL.shed, PRIORITIES.length);
  }

  /** Of the gateway's cell: tokens, by what came of them (`TOKEN_RESULTS`). */
  get tokens(): Float64Array {
    return this.#view(CELL.tokens, TOKEN_RESULTS.length);
  }

  /** Of the gateway's cell: signed colors, by what came of them (`SIGNATURE_RESULTS`). */
  get signatures(): Float64Array {
    return this.#view(CELL.signatures, SIGNATURE_RESULTS.length);
  }

  /** Of the cell of a route: faults injected, by number of `FAULT_KINDS`. */
  get faults(): Float64Array {
    return this.#view(CELL.faults, FAULT_KINDS.length);
  }

  /** Of the gateway's cell: connections to listeners with TLS, by `HANDSHAKE_RESULTS`. */
  get handshakes(): Float64Array {
    return this.#view(CELL.handshakes, HANDSHAKE_RESULTS.length);
  }

  /** Of the gateway's cell: connections that begin with a PROXY header, by `PROXY_HEADER_RESULTS`. */
  get proxyHeaders(): Float64Array {
    return this.#view(CELL.proxyHeaders, PROXY_HEADER_RESULTS.length);
  }

  /** Of the gateway's cell: connections of HTTP/2 and what became of them (`model/threads/load/http2.ts`). */
  get http2(): Float64Array {
    return this.#view(CELL.http2, HTTP2_WORDS);
  }

  /** Of the cell of a version: streams that are over, by `STREAM_BOUNDS_MS`, longer ones last. */
  get streams(): Float64Array {
    return this.#view(CELL.streams, STREAM_BOUNDS_MS.length + 1);
  }

  /** HISTOGRAM_BUCKETS counts. */
  get histogram(): Float64Array {
    return this.#view(CELL.histogram, HISTOGRAM_BUCKETS);
  }

  #view(first: number, length: number): Float64Array {
    return this.#sums.subarray(first, first + length);
  }
}

function isNone(at: Gauge, first: number, length: number): boolean {
  for (let word = first; word < first + length; word++) if (at(word) !== 0) return false;
  return true;
}

function mirroredOf(at: Gauge): MirrorCounts {
  const [sent, skipped, failed] = [at(CELL.mirrorSent), at(CELL.mirrorSkipped), at(CELL.mirrorFailed)];
  return sent + skipped + failed === 0 ? NO_COPIES : { sent, skipped, failed };
}

function retriesOf(at: Gauge): RetryCounts {
  const [made, hedged, skipped] = [at(CELL.retries), at(CELL.hedges), at(CELL.retriesSkipped)];
  return made + hedged + skipped === 0 ? NO_RETRIES : { made, hedged, skipped };
}

function rescuedOf(at: Gauge): RescueCounts {
  const skipped = at(CELL.rescuesSkipped);
  if (skipped === 0 && isNone(at, CELL.rescues, 3)) return NO_RESCUES;
  return { good: at(CELL.rescues), bad: at(CELL.rescues + 1), ignored: at(CELL.rescues + 2), skipped };
}

function fallbacksOf(at: Gauge): FallbackCounts {
  const counts = FALLBACK_KINDS.map((kind, n) => [kind, at(CELL.fallbacks + n)]);
  return Object.fromEntries(counts) as FallbackCounts;
}

function admissionOf(gauge: Gauge): AdmissionNow {
  const [limit, inFlight, queued] = [gauge(CELL.limit), gauge(CELL.admitted), gauge(CELL.queued)];
  return limit === 0 && inFlight === 0 && queued === 0 ? NO_LIMIT : { limit, inFlight, queued };
}

function breakerOf(gauge: Gauge): BreakerNow {
  const [open, halfOpen] = [gauge(CELL.breakerOpen), gauge(CELL.breakerHalfOpen)];
  return open === 0 && halfOpen === 0 ? CLOSED : { open, halfOpen };
}

/** The wait for the first byte is what is left of the wait for the head. */
function phasesOf([waitMs = 0, queue = 0, connect = 0, body = 0]: Float64Array): PhaseSums {
  return { queue, connect, firstByte: Math.max(0, waitMs - queue - connect), body };
}
