/**
 * Layout of the shared memory in which each worker counts. Hot path.
 *
 * One region per worker, written by that worker alone and read by the main thread every tick. Everything is addressed
 * by stable ids (`snapshot/live.ts`), so counters outlive snapshots. Untouched pages cost no memory: the operating
 * system gives a page out when it is first written, so a route that never saw a request costs address space only.
 *
 * ```
 * cells      CELLS_MAX x 4 KiB   one per route and one per route x version: counters, then the latency histogram
 * endpoints  ENDPOINTS_MAX x 64 B
 * units      UNITS_MAX x 48 KiB  users of the last 4 seconds, per route x version with a rollout
 * events     ring of the last EVENTS_MAX bad events
 * ```
 * Counters are 32-bit and wrap; readers take differences modulo 2^32 (`deltaOf`). The writer bumps FINISHED before BAD
 * and the reader reads BAD before FINISHED, so a reader never sees more bad than finished.
 * Source: docs/ARCHITECTURE.md "Evidence".
 */

import { PRIORITIES } from './overload.ts';
import { EFFECTS, REASON_COUNT } from './reason.ts';
import { ERROR_CLASSES } from './sli.ts';
import { FALLBACK_KINDS } from './threads/answers/fallback.ts';
import { SIGNATURE_RESULTS, TOKEN_RESULTS } from './threads/color.ts';
import { FAULT_KINDS } from './threads/faults.ts';
import { HTTP2_WORDS } from './threads/load/http2.ts';
import { PROXY_HEADER_RESULTS } from './threads/proxied.ts';
import { HANDSHAKE_RESULTS } from './threads/tls.ts';

/** 32-bit words of one cell: 4 KiB, a page, so that two cells never share one. */
export const CELL_WORDS = 1024;
export const CELLS_MAX = 32_768;
/** Counts what was refused before it had a route; never given to a route. */
export const GATEWAY_CELL = CELLS_MAX - 1;

/**
 * Words of a cell. FINISHED counts every exchange that is good or bad; IGNORED says nothing about the version. Gateways of a fleet tell each
 * other of those in `EVIDENCE_WORDS` (`fleet/evidence/region.ts`) by their numbers, which are therefore for good.
 */
export const CELL = {
  inFlight: 0,
  finished: 1,
  bad: 2,
  ignored: 3,
  /** Finished exchanges above the route's latency threshold. */
  slow: 4,
  /** Finished and bad exchanges that a color pinned: part of the SLI, never evidence (testers choose themselves). */
  pinned: 5,
  pinnedBad: 6,
  /** Attempts after an exchange's first, hedges and rescues apart. */
  retries: 7,
  /** Float64 sum of latencies in seconds, in words 8 and 9. */
  secondsSum: 8,
  /** Responses by status class: word `statusClass + n` counts n00..n99. */
  statusClass: 10,
  /** Exchanges that ended with reason n. */
  reasons: 16,
  /** Upgraded connections that are open now; counted down by their own worker, like `inFlight`. */
  sessions: 64,
  /** Upgraded connections that ended in the n-th of `SESSION_ENDS`. */
  sessionEnds: 65,
  /** Hedges, and attempts that were not made as the retry budget had no token for them; up to the histogram words are free. */
  hedges: 72,
  retriesSkipped: 73,
  histogram: 80,
  /** Copies of a route's requests: answered by the mirror, not made, not answered. Only in the route's own cell. */
  mirrorSent: 752,
  mirrorSkipped: 753,
  mirrorFailed: 754,
  /** Good exchanges above the route's latency threshold: what a latency objective misses besides bad ones. */
  late: 755,
  /** The same for the threshold of the service. */
  serviceLate: 756,
  /** Exchanges by error class, in the order of `ERROR_CLASSES` (`sli.ts`). */
  errorClasses: 757,
  /** Good exchanges that ended having exceeded n of the thresholds, n = 0..THRESHOLDS_MAX. */
  levels: 760,
  /**
   * Good exchanges that an attempt of theirs failed before, where a canary is rescued: in its evidence, and in stable's,
   * they are bad (`proxy/forward/retry/rescue.ts`). Those that a color pinned are left out.
   */
  mended: 769,
  /** Exchanges that failed on this canary and went on with stable, by what came of them, in the order of `EFFECTS`. */
  rescues: 770,
  /** The same that might have gone on, had there been a token and room. */
  rescuesSkipped: 773,
  /**
   * How the admission of the version stands that this cell is of, in one of its cells only (`versionCells`, overload.ts): how
   * many requests the worker lets be under way (0 = any number, or the limit is shared and another worker shows it), how many
   * are in it, how many wait. Gauges, set now and then.
   */
  limit: 774,
  admitted: 775,
  queued: 776,
  /** Exchanges that the version's limit refused, by priority, in the order of `PRIORITIES` (`config.ts`). */
  shed: 777,
  /** Attempts of a version that are over: what the times below belong to. */
  attempts: 781,
  /** Only in the gateway's cell: tokens and signed colors by what came of them (`threads/color.ts`). */
  tokens: 782,
  signatures: 796,
  /** Only in the gateway's cell: connections to listeners with TLS, by what came of them (`threads/tls.ts`). */
  handshakes: 802,
  /** Only in the route's own cell: exchanges that fell back, in the order of `FALLBACK_KINDS` (`threads/fallback.ts`). */
  fallbacks: 810,
  /** Exchanges above the n-th frozen latency threshold of the rollout step, hung ones included (`model/latency.ts`). */
  thresholds: 813,
  /** Only in the cells of routes: faults injected, in the order of `FAULT_KINDS` (`threads/faults.ts`). */
  faults: 821,
  /** Only in the gateway's cell: connections that begin with a PROXY header, by what came of them (`threads/proxied.ts`). */
  proxyHeaders: 826,
  /** Only in the gateway's cell: connections of HTTP/2 and why they were closed (`threads/load/http2.ts`). */
  http2: 833,
  /** Answers of a version that were streams, by how long they lasted: up to the n-th of `STREAM_BOUNDS_MS`, longer ones last. */
  streams: 845,
  /**
   * Float64 sums of times of attempts in ms, two words each: to the response head or to the attempt's end without one; of
   * that in the endpoint's queue, and connecting, with the TLS handshake (`tlsMs`); from the head to the end.
   */
  waitMs: 852,
  queueMs: 854,
  connectMs: 856,
  bodyMs: 858,
  /** Float64 sum of how long streams lasted, in ms. */
  streamMs: 860,
  /** 1 while the version's breaker is open, or half-open: gauges, in the same cell as those of its admission. */
  breakerOpen: 862,
  breakerHalfOpen: 863,
  /** Only in the gateway's cell: bytes that the worker keeps of answers for fallbacks. A gauge. */
  staleBytes: 864,
  /** A sum as those above: the part of `connectMs` that was the TLS handshake. */
  tlsMs: 866,
} as const;
/** Words of a cell that count; sums of times lie behind them. */
export const CELL_USED_WORDS = 852;
export const THRESHOLDS_MAX = 8;

/**
 * How an upgraded connection ended: by whom, or why the gateway ended it. Abnormal is a broken connection, and for a
 * WebSocket also one that ended without a close frame. The order is that of the words; new ones go to the end.
 */
export const SESSION_ENDS = [
  'client_closed',
  'upstream_closed',
  'client_abnormal',
  'upstream_abnormal',
  'idle_timeout',
  'drained',
  'rolled_back',
] as const;

/** Numbers of `SESSION_ENDS` by name. */
export const SESSION_END = {
  clientClosed: 0,
  upstreamClosed: 1,
  clientAbnormal: 2,
  upstreamAbnormal: 3,
  idleTimeout: 4,
  drained: 5,
  rolledBack: 6,
} as const;

export type SessionEnd = (typeof SESSION_END)[keyof typeof SESSION_END];

/** Bounds of the histogram of how long streams last: a second to two hours. */
export const STREAM_BOUNDS_MS = [1000, 10_000, 60_000, 300_000, 1_800_000, 7_200_000] as const;

/** Buckets of the latency histogram: scale 5 over 0.1 ms to about 120 s (`lib/histogram.ts`). */
export const HISTOGRAM_BUCKETS = 672;

export const ENDPOINT_WORDS = 16;
export const ENDPOINTS_MAX = 65_536;
/** Words of an endpoint. Each attempt that is over is FINISHED and one of good, BAD or neither (it says nothing). */
export const ENDPOINT = {
  inFlight: 0,
  finished: 1,
  bad: 2,
  connects: 3,
  connectFailures: 4,
  open: 5,
  good: 6,
  /** Bad attempts since the last good one. */
  consecutive: 7,
  /** Float64 sum of the times to the response head in milliseconds, in words 8 and 9. */
  waitedMs: 8,
  /** Attempts that have their response head, below 500: the count that `waitedMs` belongs to. */
  answered: 10,
  /** Attempts made although the endpoint was out, because every endpoint of its version was. */
  panics: 11,
  /** What came of the latest probe that the worker made of it (`threads/load/capacity.ts`); 0: it made none. */
  probe: 12,
} as const;

/** User-key bits per second and version; a key hash selects one bit, so more users than this merge (conservatively). */
export const UNIT_BITS = 32_768;
export const UNIT_BITMAP_WORDS = UNIT_BITS / 32;
/** Seconds kept: the current one and those the main thread may still have to read after a stall. */
export const UNIT_SECONDS = 4;
/**
 * One second of one unit, three whole pages (`threads/requests/users.ts`): its number (stamp), the seen bitmap, the bad bitmap, how
 * many bits were set in both, and in a ring the latest of them: number n is at n mod UNIT_NEWS_WORDS.
 */
export const UNIT_SECOND_WORDS = 3072;
export const UNIT_SEEN = 1;
export const UNIT_BAD = UNIT_SEEN + UNIT_BITMAP_WORDS;
export const UNIT_COUNT = UNIT_BAD + UNIT_BITMAP_WORDS;
export const UNIT_NEWS = UNIT_COUNT + 1;
/** What is left of the pages. */
export const UNIT_NEWS_WORDS = UNIT_SECOND_WORDS - UNIT_NEWS;
export const UNIT_WORDS = UNIT_SECONDS * UNIT_SECOND_WORDS;
export const UNITS_MAX = 1024;

/** Words of one bad event: time (Float64, 2 words), cell, user, endpoint, reason << 16 | status, request id (4). */
export const EVENT_WORDS = 12;
export const EVENTS_MAX = 4096;
export const EVENT = { atMs: 0, cell: 2, user: 3, endpoint: 4, outcome: 5, requestId: 6 } as const;
/** Words before the first event: events ever written, ever read, lost to a full ring; then how the worker does. */
export const EVENTS_HEAD_WORDS = 16;
export const EVENTS_HEAD = {
  written: 0,
  read: 1,
  lost: 2,
  /** Turns of its event loop. */
  beats: 3,
  /** How late the latest of them was, in ms, since the main thread last looked and put 0 there. */
  delayMs: 4,
  heapKiB: 5,
  heapLimitKiB: 6,
  /** Client connections, and exchanges with a route that are under way. */
  connections: 7,
  requests: 8,
} as const;

export const DIALS_MAX = CELLS_MAX;

/** The shared memory of one worker. All four buffers have the fixed sizes of this file. */
export interface TalliesBuffers {
  readonly cells: SharedArrayBuffer;
  readonly endpoints: SharedArrayBuffer;
  readonly units: SharedArrayBuffer;
  readonly events: SharedArrayBuffer;
}

/** Typed views over one worker's shared memory. */
export interface Tallies {
  readonly cells: Int32Array;
  /** The same memory as `cells`, for the Float64 sums: index = (cell * CELL_WORDS + CELL.secondsSum) / 2. */
  readonly cellFloats: Float64Array;
  readonly endpoints: Int32Array;
  /** The same memory as `endpoints`, for `ENDPOINT.waitedMs`: index = (endpoint * ENDPOINT_WORDS + that) / 2. */
  readonly endpointFloats: Float64Array;
  readonly units: Int32Array;
  readonly events: Int32Array;
  readonly eventFloats: Float64Array;
}

/** Reserves one worker's region (about 190 MiB of address space; resident only where written). */
export function reserveTallies(): TalliesBuffers {
  return {
    cells: new SharedArrayBuffer(CELLS_MAX * CELL_WORDS * 4),
    endpoints: new SharedArrayBuffer(ENDPOINTS_MAX * ENDPOINT_WORDS * 4),
    units: new SharedArrayBuffer(UNITS_MAX * UNIT_WORDS * 4),
    events: new SharedArrayBuffer((EVENTS_HEAD_WORDS + EVENTS_MAX * EVENT_WORDS) * 4),
  };
}

/** Maps the views of a region. */
export function viewTallies(buffers: TalliesBuffers): Tallies {
  return {
    cells: new Int32Array(buffers.cells),
    cellFloats: new Float64Array(buffers.cells),
    endpoints: new Int32Array(buffers.endpoints),
    endpointFloats: new Float64Array(buffers.endpoints),
    units: new Int32Array(buffers.units),
    events: new Int32Array(buffers.events),
    eventFloats: new Float64Array(buffers.events),
  };
}

/** Increase of a wrapping 32-bit counter between two readings, 0..2^32-1. */
export function deltaOf(now: number, before: number): number {
  return (now - before) >>> 0;
}

if (CELL.reasons + REASON_COUNT > CELL.sessions) throw new Error('tallies: more reasons than words');
if (CELL.sessionEnds + SESSION_ENDS.length > CELL.hedges) throw new Error('tallies: more session ends than words');
if (CELL.errorClasses + ERROR_CLASSES.length > CELL_USED_WORDS)
  throw new Error('tallies: more error classes than words');
if (CELL.rescues + EFFECTS.length > CELL.rescuesSkipped) throw new Error('tallies: more effects than words');
if (CELL.levels + THRESHOLDS_MAX >= CELL.mended) throw new Error('tallies: the levels do not fit their cell');
if (CELL.shed + PRIORITIES.length > CELL.attempts) throw new Error('tallies: more priorities than words');
if (CELL.tokens + TOKEN_RESULTS.length > CELL.signatures) throw new Error('tallies: more results than words');
if (CELL.signatures + SIGNATURE_RESULTS.length > CELL.handshakes) throw new Error('tallies: more results than words');
if (CELL.faults + FAULT_KINDS.length > CELL.proxyHeaders) throw new Error('tallies: more kinds of faults than words');
if (CELL.handshakes + HANDSHAKE_RESULTS.length > CELL.fallbacks) throw new Error('tallies: more results than words');
if (CELL.fallbacks + FALLBACK_KINDS.length > CELL.thresholds) throw new Error('tallies: more fallbacks than words');
if (CELL.thresholds + THRESHOLDS_MAX > CELL.faults) throw new Error('tallies: more thresholds than words');
if (CELL.proxyHeaders + PROXY_HEADER_RESULTS.length > CELL.http2) throw new Error('tallies: more results than words');
if (CELL.http2 + HTTP2_WORDS > CELL.streams) throw new Error('tallies: more of HTTP/2 than words');
if (CELL.streams + STREAM_BOUNDS_MS.length >= CELL_USED_WORDS) throw new Error('tallies: more bounds than words');
if (CELL.histogram + HISTOGRAM_BUCKETS > CELL_WORDS) throw new Error('tallies: the histogram does not fit its cell');
