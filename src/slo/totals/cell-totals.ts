/**
 * Totals of one cell as status and metrics read them: 30,000 of them on a page of 10,000 routes. They are live: a number is that
 * of the last time the cell was read, however long ago the object was made, and what is not asked for is not made.
 */

import { HISTOGRAM_BUCKETS } from '../../lib/histogram.ts';
import { PRIORITIES } from '../../model/overload.ts';
import { REASON_COUNT } from '../../model/reason.ts';
import type { RescueCounts } from '../../model/status.ts';
import { CELL, CELL_USED_WORDS, SESSION_ENDS, STREAM_BOUNDS_MS, THRESHOLDS_MAX } from '../../model/tallies.ts';
import { FALLBACK_KINDS, type FallbackCounts } from '../../model/threads/answers/fallback.ts';
import type { RetryCounts } from '../../model/threads/answers/retries.ts';
import { SIGNATURE_RESULTS, TOKEN_RESULTS } from '../../model/threads/color.ts';
import { FAULT_KINDS } from '../../model/threads/faults.ts';
import { HTTP2_WORDS } from '../../model/threads/load/http2.ts';
import { PROXY_HEADER_RESULTS } from '../../model/threads/proxied.ts';
import { HANDSHAKE_RESULTS } from '../../model/threads/tls.ts';

const STATUS_CLASSES = 6;
/** Words of times that are added up, in the order of `Sums.times`. */
export const TIMES = [CELL.waitMs, CELL.queueMs, CELL.connectMs, CELL.tlsMs, CELL.bodyMs, CELL.streamMs] as const;

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
  /** Without the TLS handshake. */
  readonly connect: number;
  readonly tls: number;
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
export class Sums {
  /** By word of the cell. */
  readonly words = new Float64Array(CELL_USED_WORDS);
  secondsSum = 0;
  /** By `TIMES`. */
  readonly times = new Float64Array(TIMES.length);
  /** Parts of `words` that were asked for, by their first word. */
  readonly #views = new Map<number, Float64Array>();

  /** Words from `first` on, not to be written. Cost: a look-up, from the second time on. */
  view(first: number, length: number): Float64Array {
    let view = this.#views.get(first);
    if (view === undefined) {
      view = this.words.subarray(first, first + length);
      this.#views.set(first, view);
    }
    return view;
  }
}

/** Where totals come from. */
export interface CellSource {
  /** Null while the cell was never used. */
  sumsOf(cell: number): Sums | null;
  /** Sum of a word over the workers that are alive. */
  gauge(cell: number, word: number): number;
  /** Takes in what was counted since the last time. */
  refresh(cell: number): void;
}

const UNUSED = new Sums();
const NO_LIMIT: AdmissionNow = { limit: 0, inFlight: 0, queued: 0 };
const CLOSED: BreakerNow = { open: 0, halfOpen: 0 };
const NO_COPIES: MirrorCounts = { sent: 0, skipped: 0, failed: 0 };
const NO_RETRIES: RetryCounts = { made: 0, hedged: 0, skipped: 0 };
const NO_RESCUES: RescueCounts = { good: 0, bad: 0, ignored: 0, skipped: 0 };
const NO_TIMES: PhaseSums = { queue: 0, connect: 0, tls: 0, firstByte: 0, body: 0 };
const NO_FALLBACKS = fallbacksOf(UNUSED.words);

/** Totals of one cell; they only ever grow, what is now under way apart. The arrays are not to be written. */
export class CellTotals {
  readonly #source: CellSource;
  readonly #cell: number;
  readonly #limits: number;
  /** Kept from the first use on: what was counted stays readable when the cell becomes something else's. */
  #known: Sums | null;

  /** @param limits the cell that shows the version's limit and breaker */
  constructor(source: CellSource, cell: number, limits: number) {
    this.#source = source;
    this.#cell = cell;
    this.#limits = limits;
    this.#known = source.sumsOf(cell);
  }

  /** Takes in what was counted since the last time. Cost: about 2 us per worker when there was something, else far less. */
  refresh(): void {
    this.#source.refresh(this.#cell);
  }

  /** Exchanges under way in the workers that are alive. */
  get inFlight(): number {
    return this.#source.gauge(this.#cell, CELL.inFlight);
  }

  /** Exchanges that are good or bad. */
  get finished(): number {
    return this.#at(CELL.finished);
  }

  get bad(): number {
    return this.#at(CELL.bad);
  }

  get ignored(): number {
    return this.#at(CELL.ignored);
  }

  /** Finished exchanges above the route's latency threshold. */
  get slow(): number {
    return this.#at(CELL.slow);
  }

  get pinned(): number {
    return this.#at(CELL.pinned);
  }

  get pinnedBad(): number {
    return this.#at(CELL.pinnedBad);
  }

  get retries(): RetryCounts {
    const made = this.#at(CELL.retries);
    const hedged = this.#at(CELL.hedges);
    const skipped = this.#at(CELL.retriesSkipped);
    return made + hedged + skipped === 0 ? NO_RETRIES : { made, hedged, skipped };
  }

  /** Sum of the latencies of finished exchanges, in seconds. */
  get secondsSum(): number {
    return this.#sums.secondsSum;
  }

  /** Upgraded connections that are open in the workers that are alive. */
  get sessions(): number {
    return this.#source.gauge(this.#cell, CELL.sessions);
  }

  /** Attempts that are over. Only in the cells of versions. */
  get attempts(): number {
    return this.#at(CELL.attempts);
  }

  /** Their times in ms by phase: sums. */
  get phaseMs(): PhaseSums {
    return this.attempts === 0 ? NO_TIMES : phasesOf(this.#sums.times);
  }

  get mirrored(): MirrorCounts {
    const sent = this.#at(CELL.mirrorSent);
    const skipped = this.#at(CELL.mirrorSkipped);
    const failed = this.#at(CELL.mirrorFailed);
    return sent + skipped + failed === 0 ? NO_COPIES : { sent, skipped, failed };
  }

  /** Exchanges that failed first and are good, where evidence is to know (`CELL.mended`). */
  get mended(): number {
    return this.#at(CELL.mended);
  }

  /** Exchanges that failed on the version and went on with stable, by what its users saw; skipped: that might have. */
  get rescued(): RescueCounts {
    const good = this.#at(CELL.rescues);
    const bad = this.#at(CELL.rescues + 1);
    const ignored = this.#at(CELL.rescues + 2);
    const skipped = this.#at(CELL.rescuesSkipped);
    return good + bad + ignored + skipped === 0 ? NO_RESCUES : { good, bad, ignored, skipped };
  }

  /** Exchanges of the route that fell back. Only in its own cell. */
  get fallbacks(): FallbackCounts {
    const { words } = this.#sums;
    for (let n = 0; n < FALLBACK_KINDS.length; n++) if (words[CELL.fallbacks + n] !== 0) return fallbacksOf(words);
    return NO_FALLBACKS;
  }

  /** Of the gateway's cell: bytes that the workers that are alive keep of answers for fallbacks. */
  get staleBytes(): number {
    return this.#source.gauge(this.#cell, CELL.staleBytes);
  }

  /** How the version stands at its limit in the workers that are alive. */
  get admission(): AdmissionNow {
    const limit = this.#shown(CELL.limit);
    const inFlight = this.#shown(CELL.admitted);
    const queued = this.#shown(CELL.queued);
    return limit === 0 && inFlight === 0 && queued === 0 ? NO_LIMIT : { limit, inFlight, queued };
  }

  get breaker(): BreakerNow {
    const open = this.#shown(CELL.breakerOpen);
    const halfOpen = this.#shown(CELL.breakerHalfOpen);
    return open === 0 && halfOpen === 0 ? CLOSED : { open, halfOpen };
  }

  /** Of the cell of a version: seconds that streams which are over lasted in all. */
  get streamSeconds(): number {
    return (this.#sums.times[TIMES.indexOf(CELL.streamMs)] as number) / 1000;
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

  get #sums(): Sums {
    return (this.#known ??= this.#source.sumsOf(this.#cell)) ?? UNUSED;
  }

  #at(word: number): number {
    return this.#sums.words[word] as number;
  }

  #shown(word: number): number {
    return this.#source.gauge(this.#limits, word);
  }

  #view(first: number, length: number): Float64Array {
    return this.#sums.view(first, length);
  }
}

function fallbacksOf(words: Float64Array): FallbackCounts {
  const counts = FALLBACK_KINDS.map((kind, n) => [kind, words[CELL.fallbacks + n]]);
  return Object.fromEntries(counts) as FallbackCounts;
}

/** The wait for the first byte is what is left of the wait for the head. */
function phasesOf([waitMs = 0, queue = 0, connectMs = 0, tls = 0, body = 0]: Float64Array): PhaseSums {
  const firstByte = Math.max(0, waitMs - queue - connectMs);
  return { queue, connect: Math.max(0, connectMs - tls), tls, firstByte, body };
}
