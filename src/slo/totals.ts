/**
 * Totals of cells since the start, over all workers that ever were: what status and metrics show.
 *
 * The shared counters are 32 bits wide and wrap, and they go with their worker; totals are sums of differences in
 * doubles, exact up to 2^53. A cell must be read at least once in 2^32 exchanges of one worker. A cell that nobody used
 * costs nothing here; one in use about 6 KB, and 3 KB per worker.
 */

import { HISTOGRAM_BUCKETS } from '../lib/histogram.ts';
import { PRIORITIES } from '../model/overload.ts';
import { REASON_COUNT } from '../model/reason.ts';
import type { RouteSpec } from '../model/snapshot.ts';
import type { RescueCounts } from '../model/status.ts';
import {
  CELL,
  CELL_USED_WORDS,
  CELL_WORDS,
  CELLS_MAX,
  deltaOf,
  GATEWAY_CELL,
  SESSION_ENDS,
  STREAM_BOUNDS_MS,
  type Tallies,
  THRESHOLDS_MAX,
} from '../model/tallies.ts';
import { FALLBACK_KINDS, type FallbackCounts, serviceSteps } from '../model/threads/answers/fallback.ts';
import { SIGNATURE_RESULTS, TOKEN_RESULTS } from '../model/threads/color.ts';
import { FAULT_KINDS } from '../model/threads/faults.ts';
import { HTTP2_WORDS } from '../model/threads/load/http2.ts';
import { PROXY_HEADER_RESULTS } from '../model/threads/proxied.ts';
import { HANDSHAKE_RESULTS } from '../model/threads/tls.ts';
import { type Region, RegionRoll } from './regions.ts';

const STATUS_CLASSES = 6;
const TIMES = [CELL.waitMs, CELL.queueMs, CELL.connectMs, CELL.bodyMs, CELL.streamMs] as const;
const WORDS = CELL_USED_WORDS;
const GATEWAY_BASE = GATEWAY_CELL * CELL_WORDS;

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

/** Totals of one cell; they only ever grow, `inFlight` apart. The arrays are the reader's own: do not write. */
export interface CellTotals {
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
  readonly retries: number;
  /** Sum of the latencies of finished exchanges, in seconds. */
  readonly secondsSum: number;
  /** Index n counts responses n00..n99; index 0 stays 0. */
  readonly statusClasses: Float64Array;
  /** Exchanges by reason number. */
  readonly reasons: Float64Array;
  /** Finished exchanges above the n-th frozen latency threshold. */
  readonly thresholds: Float64Array;
  /** Upgraded connections that are open in the workers that are alive. */
  readonly sessions: number;
  /** Upgraded connections that ended, by number of `SESSION_ENDS`. */
  readonly sessionEnds: Float64Array;
  /** Attempts that are over, and their times in ms by phase: sums. Only in the cells of versions. */
  readonly attempts: number;
  readonly phaseMs: PhaseSums;
  /** Copies for the route's mirror by outcome. */
  readonly mirrored: { readonly sent: number; readonly skipped: number; readonly failed: number };
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
  /** Exchanges that the limit refused, by priority. */
  readonly shed: Float64Array;
  /** Of the gateway's cell: tokens, and signed colors, by what came of them (`TOKEN_RESULTS`, `SIGNATURE_RESULTS`). */
  readonly tokens: Float64Array;
  readonly signatures: Float64Array;
  /** Of the cell of a route: faults injected, by number of `FAULT_KINDS`. */
  readonly faults: Float64Array;
  /** Of the gateway's cell: connections to listeners with TLS, by `HANDSHAKE_RESULTS`. */
  readonly handshakes: Float64Array;
  /** Of the gateway's cell: connections that begin with a PROXY header, by `PROXY_HEADER_RESULTS`. */
  readonly proxyHeaders: Float64Array;
  /** Of the gateway's cell: connections of HTTP/2 and what became of them (`model/threads/load/http2.ts`). */
  readonly http2: Float64Array;
  /** Of the cell of a version: streams that are over, by `STREAM_BOUNDS_MS` (longer ones last), and how long they lasted in all. */
  readonly streams: Float64Array;
  readonly streamSeconds: number;
  /** HISTOGRAM_BUCKETS counts. */
  readonly histogram: Float64Array;
}

/** Times of attempts in ms by phase: sums. */
export interface PhaseSums {
  readonly queue: number;
  readonly connect: number;
  readonly firstByte: number;
  readonly body: number;
}

/** What one region had counted in a cell at the last reading. */
interface Last {
  readonly words: Int32Array;
  seconds: number;
  readonly times: Float64Array;
}

/** One cell's sums, and what each region had counted when they were taken. */
interface Account {
  readonly sums: Float64Array;
  readonly last: Map<number, Last>;
  secondsSum: number;
  readonly times: Float64Array;
}

/** The cells that belong to a route: its own and those of its versions. */
export interface CellsOfRoute {
  readonly cell: number;
  readonly splits: readonly { readonly cell: number }[];
  readonly fallback?: RouteSpec['fallback'];
}

export class Totals {
  readonly #roll = new RegionRoll();
  readonly #accounts = new Map<number, Account>();
  #regions: readonly Region[] = [];
  #nextRoute = 0;

  /**
   * Takes in which workers are alive; what a worker that left had counted stays in the totals.
   * Cost: nothing while they stay; about 20 ms for each that left, as every cell is looked at once more.
   */
  follow(regions: readonly Region[]): void {
    for (const region of this.#roll.departed(regions)) this.#settle(region);
    this.#roll.turn(regions);
    this.#regions = regions;
  }

  /** Totals of one cell, now. Cost: about 2 us per worker when it was used since the last call. */
  of(cell: number): CellTotals {
    for (const region of this.#regions) this.#take(region, cell, false);
    const gauge = (word: number): number =>
      this.#regions.reduce((sum, { tallies }) => sum + (tallies.cells[cell * CELL_WORDS + word] as number), 0);
    return present(this.#accounts.get(cell) ?? UNUSED, gauge);
  }

  /**
   * Reads the cells of the next `count` routes, round and round: counters wrap, so every cell in use must be read now and
   * then, also when nobody asks.
   */
  readSome(routes: readonly CellsOfRoute[], count: number): void {
    for (let n = 0; n < Math.min(count, routes.length); n++) {
      const { cell, splits, fallback } = routes[this.#nextRoute++ % routes.length] as CellsOfRoute;
      this.of(cell);
      for (const split of splits) this.of(split.cell);
      for (const { split } of serviceSteps(fallback)) this.of(split.cell);
    }
  }

  /** The cell belongs to something else from now on: its totals begin again at zero. */
  forget(cell: number): void {
    this.of(cell);
    const account = this.#accounts.get(cell);
    if (account === undefined) return;
    account.sums.fill(0);
    account.times.fill(0);
    account.secondsSum = 0;
  }

  #settle(region: Region): void {
    for (let cell = 0; cell < CELLS_MAX; cell++) {
      this.#take(region, cell, true);
      this.#accounts.get(cell)?.last.delete(region.id);
    }
  }

  #take({ id, tallies }: Region, cell: number, isFinal: boolean): void {
    const base = cell * CELL_WORDS;
    let account = this.#accounts.get(cell);
    let last = account?.last.get(id);
    if (last === undefined) {
      if (!wasUsed(tallies.cells, base)) return;
      account ??= emptyAccount();
      this.#accounts.set(cell, account);
      last = { words: new Int32Array(WORDS), seconds: 0, times: new Float64Array(TIMES.length) };
      account.last.set(id, last);
    }
    const end = isFinal || hasFinished(last, tallies.cells, base) ? WORDS : CELL.histogram;
    addUp(account as Account, last, tallies, { base, end });
  }
}

/** Whether a cell ever counted anything: every exchange ends with a reason. */
function wasUsed(cells: Int32Array, base: number): boolean {
  if (cells[base + CELL.finished] !== 0 || cells[base + CELL.ignored] !== 0) return true;
  return cells[base + CELL.retries] !== 0 || base === GATEWAY_BASE;
}

/**
 * Whether the histogram, or what lies behind it, can have changed. Its writer raises FINISHED or IGNORED first; what this
 * misses, the next one catches. Only a rescue ends without either, and may be the last thing that its cell hears of; and what
 * the gateway's own cell counts of colors.
 */
function hasFinished(last: Last, cells: Int32Array, base: number): boolean {
  if (cells[base + CELL.finished] !== last.words[CELL.finished]) return true;
  if (cells[base + CELL.ignored] !== last.words[CELL.ignored]) return true;
  if (base === GATEWAY_BASE) return true;
  for (let word = CELL.rescues; word <= CELL.rescuesSkipped; word++) {
    if (cells[base + word] !== last.words[word]) return true;
  }
  return false;
}

function addUp(
  account: Account,
  last: Last,
  { cells, cellFloats }: Tallies,
  span: { base: number; end: number },
): void {
  const seconds = cellFloats[(span.base + CELL.secondsSum) >> 1] as number;
  account.secondsSum += seconds - last.seconds;
  last.seconds = seconds;
  for (let n = 0; n < TIMES.length; n++) {
    const timeMs = cellFloats[(span.base + (TIMES[n] as number)) >> 1] as number;
    account.times[n] = (account.times[n] as number) + timeMs - (last.times[n] as number);
    last.times[n] = timeMs;
  }
  // Before FINISHED, as the layout asks: a reading between the two words must not show more bad than finished.
  const bad = Atomics.load(cells, span.base + CELL.bad);
  for (let word = 1; word < span.end; word++) {
    const now = word === CELL.bad ? bad : Atomics.load(cells, span.base + word);
    const before = last.words[word] as number;
    if (now === before || word === CELL.secondsSum || word === CELL.secondsSum + 1) continue;
    account.sums[word] = (account.sums[word] as number) + deltaOf(now, before);
    last.words[word] = now;
  }
}

function emptyAccount(): Account {
  const times = new Float64Array(TIMES.length);
  return { sums: new Float64Array(WORDS), last: new Map(), secondsSum: 0, times };
}

const UNUSED = emptyAccount();

/** @param gauge sum of a word over the workers that are alive */
function present({ sums, secondsSum, times }: Account, gauge: (word: number) => number): CellTotals {
  const at = (word: number): number => sums[word] as number;
  return {
    inFlight: gauge(CELL.inFlight),
    finished: at(CELL.finished),
    bad: at(CELL.bad),
    ignored: at(CELL.ignored),
    slow: at(CELL.slow),
    pinned: at(CELL.pinned),
    pinnedBad: at(CELL.pinnedBad),
    retries: at(CELL.retries),
    secondsSum,
    attempts: at(CELL.attempts),
    phaseMs: phasesOf(times),
    statusClasses: sums.subarray(CELL.statusClass, CELL.statusClass + STATUS_CLASSES),
    reasons: sums.subarray(CELL.reasons, CELL.reasons + REASON_COUNT),
    thresholds: sums.subarray(CELL.thresholds, CELL.thresholds + THRESHOLDS_MAX),
    sessions: gauge(CELL.sessions),
    sessionEnds: sums.subarray(CELL.sessionEnds, CELL.sessionEnds + SESSION_ENDS.length),
    mirrored: { sent: at(CELL.mirrorSent), skipped: at(CELL.mirrorSkipped), failed: at(CELL.mirrorFailed) },
    mended: at(CELL.mended),
    rescued: {
      good: at(CELL.rescues),
      bad: at(CELL.rescues + 1),
      ignored: at(CELL.rescues + 2),
      skipped: at(CELL.rescuesSkipped),
    },
    fallbacks: fallbacksOf(at),
    staleBytes: gauge(CELL.staleBytes),
    admission: { limit: gauge(CELL.limit), inFlight: gauge(CELL.admitted), queued: gauge(CELL.queued) },
    breaker: { open: gauge(CELL.breakerOpen), halfOpen: gauge(CELL.breakerHalfOpen) },
    shed: sums.subarray(CELL.shed, CELL.shed + PRIORITIES.length),
    tokens: sums.subarray(CELL.tokens, CELL.tokens + TOKEN_RESULTS.length),
    signatures: sums.subarray(CELL.signatures, CELL.signatures + SIGNATURE_RESULTS.length),
    faults: sums.subarray(CELL.faults, CELL.faults + FAULT_KINDS.length),
    handshakes: sums.subarray(CELL.handshakes, CELL.handshakes + HANDSHAKE_RESULTS.length),
    proxyHeaders: sums.subarray(CELL.proxyHeaders, CELL.proxyHeaders + PROXY_HEADER_RESULTS.length),
    http2: sums.subarray(CELL.http2, CELL.http2 + HTTP2_WORDS),
    streams: sums.subarray(CELL.streams, CELL.streams + STREAM_BOUNDS_MS.length + 1),
    streamSeconds: (times[4] as number) / 1000,
    histogram: sums.subarray(CELL.histogram, CELL.histogram + HISTOGRAM_BUCKETS),
  };
}

function fallbacksOf(at: (word: number) => number): FallbackCounts {
  const counts = FALLBACK_KINDS.map((kind, n) => [kind, at(CELL.fallbacks + n)]);
  return Object.fromEntries(counts) as FallbackCounts;
}

/** The wait for the first byte is what is left of the wait for the head. */
function phasesOf([waitMs = 0, queue = 0, connect = 0, body = 0]: Float64Array): PhaseSums {
  return { queue, connect, firstByte: Math.max(0, waitMs - queue - connect), body };
}
