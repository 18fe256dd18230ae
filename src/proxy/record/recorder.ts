/**
 * Writes what an exchange did to the shared tallies, exactly once, whatever happened. Hot path.
 *
 * The route's cell gets what its users saw, the version's cell what that version did; the reason table says which of the two an
 * outcome counts against. FINISHED is written before BAD, as its reader is promised. Cost: about 25 words per exchange, no allocation.
 */

import { turnMs } from '../../lib/clock.ts';
import { bucketIndex } from '../../lib/histogram.ts';
import { EFFECTS, type Effect, REASON, type Reason } from '../../model/reason.ts';
import { effectOf, errorClassOf, hasPath, LATE, lateness, NO_ERROR, SERVICE_LATE } from '../../model/sli.ts';
import {
  CELL,
  CELL_WORDS,
  ENDPOINT,
  ENDPOINT_WORDS,
  GATEWAY_CELL,
  type SessionEnd,
  type Tallies,
  UNIT_BITS,
} from '../../model/tallies.ts';
import { PROBE_RESULTS, type ProbeResult } from '../../model/threads/load/capacity.ts';
import { markUser, secondAt } from '../../model/threads/requests/users.ts';
import type { Admission } from '../decide/admission/admission.ts';
import { NONE, SHED, WAITING } from '../decide/admission/permit.ts';
import type { LinkedRoute, LinkedSplit } from '../decide/table.ts';
import type { Exchange } from '../exchange.ts';
import { Ages } from '../forward/ages.ts';
import { settle } from '../forward/retry/idempotency/hold.ts';
import type { AccessLog } from './access-log.ts';
import { writeEvent } from './events.ts';
import { countStream, endStream, isFirst, judgedReason, waitedMs } from './streaming.ts';

/** Latencies are summed in whole microseconds, at most 35 minutes each. */
const MICROS_MAX = 2 ** 31 - 1;

function add(words: Int32Array, index: number, amount: number): void {
  words[index] = (words[index] as number) + amount;
}

/** How and when an attempt failed; the status is the canary's own, or 0. */
export interface Failure {
  readonly reason: Reason;
  readonly status: number;
  readonly atMs: number;
}

/** Whole microseconds from an instant to what is being handled now, at most 35 minutes. */
export function microsSince(atMs: number): number {
  return Math.min(Math.max(turnMs() - atMs, 0) * 1000, MICROS_MAX) | 0;
}

/** Single writer of one worker's tallies. */
export class Recorder {
  readonly #tallies: Tallies;
  readonly #accessLog: AccessLog | null;
  readonly #ages: Ages | null;
  /** Exchanges with a route that are under way. */
  requests = 0;

  /**
   * @param accessLog is told of every exchange that is over.
   * @param latencyDials thresholds of the rollouts (`model/latency.ts`); without them no latency is judged.
   */
  constructor(tallies: Tallies, accessLog: AccessLog | null = null, latencyDials: Float64Array | null = null) {
    this.#tallies = tallies;
    this.#ages = latencyDials === null ? null : new Ages(tallies.cells, latencyDials);
    this.#accessLog = accessLog;
  }

  /** The exchange has its route and version. Balanced by `end`. */
  begin(x: Exchange): void {
    const cells = this.#tallies.cells;
    if (x.route !== null) {
      this.requests += 1;
      add(cells, x.route.cellBase + CELL.inFlight, 1);
    }
    if (x.split === null) return;
    add(cells, x.split.cellBase + CELL.inFlight, 1);
    if (x.split.unit >= 0 && !x.isPinned && this.#ages !== null) this.#ages.begin(x);
  }

  /** The exchange is no trial of latency from now on. */
  leaveOut(x: Exchange): void {
    if (x.ageSlot >= 0) (this.#ages as Ages).leave(x);
  }

  /** Counts the exchanges that hang: call it now and then. */
  sweep(nowMs: number): void {
    if (this.#ages !== null) this.#ages.sweep(nowMs);
  }

  /** The exchange is over. `x.status`, `x.reason` and `x.endedAtMs` are final. */
  end(x: Exchange): void {
    if (x.permit !== NONE) this.leaveAdmission(x, x.reason, x.endedAtMs);
    if (x.retrying !== null) {
      if (x.retrying.keyed !== null) settle(x, x.retrying.keyed);
      x.client.lane.mirrors.ended(x, x.retrying);
      if (x.retrying.streaming !== null) endStream(x, x.retrying.streaming);
    }
    if (this.#accessLog !== null) this.#accessLog.end(x);
    if (x.client.lane.tracer !== null) x.client.lane.tracer.end(x);
    const route = x.route;
    if (route === null) return this.refused(x.reason);
    this.requests -= 1;
    const tookMs = x.retrying === null ? x.endedAtMs - x.startedAtMs : waitedMs(x);
    const isSlow = tookMs > route.slowMs;
    const bucket = bucketIndex(tookMs);
    const micros = Math.min(tookMs * 1000, MICROS_MAX) | 0;
    const isIgnored = route.ignoredPaths !== null && hasPath(route.ignoredPaths, x.target);
    const errorClass = isIgnored ? NO_ERROR : errorClassOf(x.reason, x.status);
    const routeEffect = isIgnored ? 'ignore' : effectOf(judgedReason(x), x.status, isSlow, false);
    this.#count(route.cellBase, routeEffect, isSlow, x);
    // NO_ERROR + 1 is 0. Asking here saves most exchanges the call: 10 to 30 of about 190 ns (npm run bench:micro).
    const late = lateness(isSlow, tookMs > route.serviceSlowMs);
    if ((late | (errorClass + 1)) !== 0) {
      this.#sli(route.cellBase, routeEffect === 'good', late, errorClass);
      if (this.#accessLog !== null) this.#accessLog.missed.note(x, routeEffect, (late & LATE) !== 0);
    }
    this.#latency(route.cellBase, routeEffect, bucket, micros);
    if (x.split !== null) this.#endOn(x.split, x, routeEffect, isIgnored);
  }

  /** The version's part is over. @param routeEffect what came of the exchange so far */
  #endOn(split: LinkedSplit, x: Exchange, routeEffect: Effect, isIgnored: boolean): void {
    const { retrying } = x;
    if (retrying !== null && retrying.rescuedFrom !== null) {
      // In stable's cell it was under way, and is nothing else: what stable answers for the canary is no evidence.
      add(this.#tallies.cells, split.cellBase + CELL.inFlight, -1);
      add(this.#tallies.cells, retrying.rescuedFrom.cellBase + CELL.rescues + EFFECTS.indexOf(routeEffect), 1);
    } else this.#endOf(split, x, isIgnored);
  }

  /**
   * The exchange failed on its version and goes on without it: ends that part as it would have ended without. `x.split` is
   * still the version that failed.
   * @param to the version that goes on with it, if there is one
   */
  handedOver(x: Exchange, { reason, status, atMs }: Failure, to: LinkedSplit | null): void {
    const { ignoredPaths } = x.route as LinkedRoute;
    x.reason = reason;
    x.status = status;
    x.endedAtMs = atMs;
    const isIgnored = ignoredPaths !== null && hasPath(ignoredPaths, x.target);
    this.#endOn(x.split as LinkedSplit, x, isIgnored ? 'ignore' : effectOf(reason, status, false, false), isIgnored);
    x.reason = REASON.none;
    x.status = 0;
    x.endedAtMs = 0;
    if (to !== null) add(this.#tallies.cells, to.cellBase + CELL.inFlight, 1);
  }

  /** Something came of a stream. The first of it, unless it is an error, is what its users waited for: its latency is known. */
  streamed(x: Exchange): void {
    if (!isFirst(x) || x.ageSlot < 0) return;
    x.endedAtMs = turnMs();
    (this.#ages as Ages).end(x, effectOf(REASON.none, x.status, false, true) === 'good');
    x.endedAtMs = 0;
  }

  /** What the worker keeps of answers for fallbacks. */
  staleIs(bytes: number): void {
    this.#tallies.cells[GATEWAY_CELL * CELL_WORDS + CELL.staleBytes] = bytes;
  }

  /** There was no token, or no room, for a rescue. */
  rescueSkipped(canary: LinkedSplit): void {
    add(this.#tallies.cells, canary.cellBase + CELL.rescuesSkipped, 1);
  }

  /** What the exchange says about one version. */
  #endOf(split: LinkedSplit, x: Exchange, isIgnored: boolean): void {
    const tookMs = x.retrying === null ? x.endedAtMs - x.startedAtMs : waitedMs(x);
    const isSlow = tookMs > (x.route as LinkedRoute).slowMs;
    const errorClass = isIgnored ? NO_ERROR : errorClassOf(x.reason, x.status);
    const effect = isIgnored ? 'ignore' : versionEffect(x, isSlow);
    this.#count(split.cellBase, effect, isSlow, x);
    const late = lateness(isSlow, tookMs > split.serviceSlowMs);
    if ((late | (errorClass + 1)) !== 0) this.#sli(split.cellBase, effect === 'good', late, errorClass);
    this.#latency(split.cellBase, effect, bucketIndex(tookMs), Math.min(tookMs * 1000, MICROS_MAX) | 0);
    if (x.ageSlot >= 0) (this.#ages as Ages).end(x, effect === 'good');
    if (x.retrying !== null && x.retrying.streaming !== null) countStream(this.#tallies, split.cellBase, x);
    if (effect === 'ignore') return;
    const isBad = effect === 'bad';
    if (x.isPinned) this.#pinned(split.cellBase, isBad);
    else if (split.unit >= 0) this.#user(split.unit, x, isBad || this.#isMended(split, x));
    if (isBad && !x.isPinned) writeEvent(this.#tallies, x, split.cell);
  }

  /** An exchange that is good and not pinned: counts it if it failed first and evidence is to know. */
  #isMended(split: LinkedSplit, x: Exchange): boolean {
    const { retrying } = x;
    if (retrying === null || !retrying.hasFailed || !split.countsMended) return false;
    Atomics.add(this.#tallies.cells, split.cellBase + CELL.mended, 1);
    return true;
  }

  /** Gives back what the exchange has of its version's admission, which may let others through at once. */
  leaveAdmission(x: Exchange, reason: Reason, nowMs: number): void {
    const split = x.split as LinkedSplit;
    const wasRefused = x.permit === SHED || (x.permit === WAITING && reason === REASON.shed);
    if (wasRefused) add(this.#tallies.cells, split.cellBase + CELL.shed + x.priority, 1);
    const isHung =
      reason === REASON.clientClosed || reason === REASON.clientDeadline || reason === REASON.responseTimeout;
    (split.admission as Admission<Exchange>).release(x, nowMs, isHung);
  }

  /** A request that was refused before it had a route. */
  refused(reason: Reason): void {
    add(this.#tallies.cells, GATEWAY_CELL * CELL_WORDS + CELL.ignored, 1);
    add(this.#tallies.cells, GATEWAY_CELL * CELL_WORDS + CELL.reasons + reason, 1);
  }

  /** A request of this priority was turned away because the gateway itself is short of something. */
  turnedAway(priority: number): void {
    add(this.#tallies.cells, GATEWAY_CELL * CELL_WORDS + CELL.shed + priority, 1);
  }

  /** A fault meets an exchange. @param kind number of `FAULT_KINDS` */
  injected(x: Exchange, kind: number): void {
    add(this.#tallies.cells, (x.route as LinkedRoute).cellBase + CELL.faults + kind, 1);
  }

  /** @param word of HTTP/2 (`model/threads/load/http2.ts`). */
  http2(word: number): void {
    add(this.#tallies.cells, GATEWAY_CELL * CELL_WORDS + CELL.http2 + word, 1);
  }

  /** One more of what the gateway's cell counts. @param word of `CELL` */
  countedHere(word: number): void {
    add(this.#tallies.cells, GATEWAY_CELL * CELL_WORDS + word, 1);
  }

  /** A color came signed. @param result number of `SIGNATURE_RESULTS` */
  colorSigned(result: number): void {
    add(this.#tallies.cells, GATEWAY_CELL * CELL_WORDS + CELL.signatures + result, 1);
  }

  /** An attempt at an endpoint begins. */
  attemptBegin(endpoint: number): void {
    add(this.#tallies.endpoints, endpoint * ENDPOINT_WORDS + ENDPOINT.inFlight, 1);
  }

  /** An attempt at an endpoint is over. `effect`: what it says about the endpoint. */
  attemptEnd(endpoint: number, effect: Effect): void {
    const base = endpoint * ENDPOINT_WORDS;
    const words = this.#tallies.endpoints;
    add(words, base + ENDPOINT.inFlight, -1);
    add(words, base + ENDPOINT.finished, 1);
    if (effect === 'good') {
      add(words, base + ENDPOINT.good, 1);
      words[base + ENDPOINT.consecutive] = 0;
    } else if (effect === 'bad') {
      add(words, base + ENDPOINT.consecutive, 1);
      add(words, base + ENDPOINT.bad, 1);
    }
  }

  /** A part of an attempt is over. @param word of `CELL`, one of the sums of times. Integers only, see `#latency`. */
  took(x: Exchange, word: number, micros: number): void {
    if (x.split === null) return;
    const sum = (x.split.cellBase + word) >> 1;
    const floats = this.#tallies.cellFloats;
    floats[sum] = (floats[sum] as number) + micros / 1000;
  }

  /** The connection that an attempt waited for since then is open, or will not be. @param handshakeMs of that in TLS */
  connectTook(x: Exchange, sinceMs: number, handshakeMs = 0): void {
    this.took(x, CELL.connectMs, microsSince(sinceMs));
    this.took(x, CELL.tlsMs, microsSince(turnMs() - handshakeMs));
  }

  /** The response head of an attempt is there: what follows is its body. */
  headCame(x: Exchange): void {
    this.took(x, CELL.waitMs, microsSince(x.attemptAtMs));
    x.attemptAtMs = turnMs();
  }

  /** An attempt is over, with or without a response. Balances its beginning. */
  attemptTook(x: Exchange): void {
    if (x.split === null) return;
    this.took(x, x.responseStarted ? CELL.bodyMs : CELL.waitMs, microsSince(x.attemptAtMs));
    add(this.#tallies.cells, x.split.cellBase + CELL.attempts, 1);
  }

  /** An endpoint's response head, below 500, is there. Integers only, see `#latency`. */
  answered(endpoint: number, micros: number): void {
    const base = endpoint * ENDPOINT_WORDS;
    const sum = (base + ENDPOINT.waitedMs) >> 1;
    const floats = this.#tallies.endpointFloats;
    floats[sum] = (floats[sum] as number) + micros / 1000;
    add(this.#tallies.endpoints, base + ENDPOINT.answered, 1);
  }

  /** @param result one of `PROBE_RESULT` */
  probed(endpoint: number, number: number, result: ProbeResult): void {
    Atomics.store(this.#tallies.endpoints, endpoint * ENDPOINT_WORDS + ENDPOINT.probe, PROBE_RESULTS * number + result);
  }

  /** An attempt goes to an endpoint that is out, because all of its version are. */
  panicked(endpoint: number): void {
    add(this.#tallies.endpoints, endpoint * ENDPOINT_WORDS + ENDPOINT.panics, 1);
  }

  /** @param endpoint its slot; a negative one is not counted. */
  connect(endpoint: number, opened: number): void {
    if (endpoint < 0) return;
    add(this.#tallies.endpoints, endpoint * ENDPOINT_WORDS + ENDPOINT.open, opened);
    if (opened > 0) add(this.#tallies.endpoints, endpoint * ENDPOINT_WORDS + ENDPOINT.connects, 1);
  }

  /** @param endpoint as of `connect`. */
  connectFailed(endpoint: number): void {
    if (endpoint < 0) return;
    add(this.#tallies.endpoints, endpoint * ENDPOINT_WORDS + ENDPOINT.connectFailures, 1);
  }

  retried(x: Exchange): void {
    this.#countedBoth(x, CELL.retries);
  }

  /** A second attempt is made beside the first. */
  hedged(x: Exchange): void {
    this.#countedBoth(x, CELL.hedges);
  }

  /** Another attempt was due, and the budget had no token for it. */
  retrySkipped(x: Exchange): void {
    this.#countedBoth(x, CELL.retriesSkipped);
  }

  #countedBoth({ route, split }: Exchange, word: number): void {
    if (route !== null) add(this.#tallies.cells, route.cellBase + word, 1);
    if (split !== null) add(this.#tallies.cells, split.cellBase + word, 1);
  }

  /** An upgraded connection of a version is open. Balanced by `sessionEnded`. */
  sessionBegan(cellBase: number): void {
    add(this.#tallies.cells, cellBase + CELL.sessions, 1);
  }

  sessionEnded(cellBase: number, end: SessionEnd): void {
    add(this.#tallies.cells, cellBase + CELL.sessions, -1);
    add(this.#tallies.cells, cellBase + CELL.sessionEnds + end, 1);
  }

  /** One more of what a route counts besides exchanges. @param word of `CELL`: a mirror's, or one of `fallbacks`. */
  counted(route: LinkedRoute, word: number): void {
    add(this.#tallies.cells, route.cellBase + word, 1);
  }

  #count(base: number, effect: Effect, isSlow: boolean, x: Exchange): void {
    const cells = this.#tallies.cells;
    add(cells, base + CELL.inFlight, -1);
    if (effect === 'ignore') {
      add(cells, base + CELL.ignored, 1);
    } else {
      add(cells, base + CELL.finished, 1);
      // A sequenced store, so that no reader on any machine sees it before FINISHED.
      if (effect === 'bad') Atomics.add(cells, base + CELL.bad, 1);
      if (isSlow) add(cells, base + CELL.slow, 1);
    }
    add(cells, base + CELL.reasons + x.reason, 1);
    if (x.status >= 100) add(cells, base + CELL.statusClass + ((x.status / 100) | 0), 1);
  }

  /** What objectives count besides good and bad; for most exchanges nothing. After FINISHED, as readers expect. */
  #sli(base: number, isGood: boolean, late: number, errorClass: number): void {
    if (errorClass !== NO_ERROR) add(this.#tallies.cells, base + CELL.errorClasses + errorClass, 1);
    if (late === 0 || !isGood) return;
    if ((late & LATE) !== 0) Atomics.add(this.#tallies.cells, base + CELL.late, 1);
    if ((late & SERVICE_LATE) !== 0) Atomics.add(this.#tallies.cells, base + CELL.serviceLate, 1);
  }

  /** Integers only: a double passed to a function that is not inlined would be boxed. */
  #latency(base: number, effect: Effect, bucket: number, micros: number): void {
    if (effect === 'ignore') return;
    add(this.#tallies.cells, base + CELL.histogram + bucket, 1);
    const sum = (base + CELL.secondsSum) >> 1;
    const floats = this.#tallies.cellFloats;
    floats[sum] = (floats[sum] as number) + micros / 1_000_000;
  }

  #pinned(base: number, isBad: boolean): void {
    add(this.#tallies.cells, base + CELL.pinned, 1);
    if (isBad) add(this.#tallies.cells, base + CELL.pinnedBad, 1);
  }

  /** Marks the user in the second of the exchange's end. */
  #user(unit: number, x: Exchange, isBad: boolean): void {
    const units = this.#tallies.units;
    const second = Math.floor(x.endedAtMs / 1000) | 0;
    markUser(units, secondAt(units, unit, second), x.userKey & (UNIT_BITS - 1), isBad);
  }
}

/** Of its version. An exchange that failed there, and was not let through to it again, has failed. */
function versionEffect(x: Exchange, isSlow: boolean): Effect {
  if (x.reason === REASON.circuitOpen && x.retrying !== null && x.retrying.hasFailed) return 'bad';
  return effectOf(judgedReason(x), x.status, isSlow, true);
}
