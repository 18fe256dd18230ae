/**
 * Copies of requests for a mirror: their answers are read as strictly as any, and thrown away, or compared first.
 *
 * A copy leaves after its original and shares nothing with it: connections, pools and load estimates are the mirror's own
 * even where its endpoints serve users as well, no indicator and no endpoint's account hears of it, and its time is
 * limited as a whole. A body that does not come along with its head is kept while it goes upstream, and the copy leaves when all
 * of it is here. Bounded: so many copies at a time, those that wait for their bodies included, and so many bytes of each
 * (`limits.replayBodyBytesMax`); beyond that none is made, which is counted. Bodies that take their time keep no others away: when
 * all places are taken, the one that has come for longest gives way, once that was `GATHER_MS`. A copy is never sent twice.
 *
 * Where answers are compared (`comparison.ts`), a request that is safe has two copies, one of them for the version that it went to
 * itself, in an order that is drawn: neither is always the first to find a cache cold. What the mirror's version answers itself is
 * not copied to it again.
 */

import { turnMs } from '../../../lib/clock.ts';
import type { Timed } from '../../../lib/deadlines.ts';
import type { Random } from '../../../lib/random.ts';
import { CELL } from '../../../model/tallies.ts';
import type { LinkedMirror, LinkedRoute, LinkedSplit } from '../../decide/table.ts';
import { Exchange } from '../../exchange.ts';
import { CHUNKED } from '../../http1/framing.ts';
import { allowedTrailers } from '../../http1/trailers.ts';
import type { Lane } from '../../lane.ts';
import type { Outlet } from '../../wire/wire.ts';
import { detach } from '../attempt.ts';
import { Endpoint } from '../endpoint.ts';
import { poolOf } from '../endpoints.ts';
import { copyOf as copyOfPiece, PIECE_BYTES, PIECES_MIN, type Piece, type Replay } from '../replay.ts';
import { PASSES_ON } from '../retry/rescue.ts';
import { type Retrying, retryingOf } from '../retry/retry.ts';
import type { Asker, UpstreamEvents } from '../sides.ts';
import { type Comparisons, isComparable, type LinkedCompare, type Part, SIDE } from './comparison.ts';

/** Copies under way per worker, and those that wait for their bodies: with heads and bodies at their limits about 6 MB. */
export const COPIES_MAX = 64;
/** How long a body may come before its copy gives way to another: 64 KiB, as much as is kept by default, at half a Mbit/s. */
export const GATHER_MS = 1000;
/** Slot in the tallies of what is not counted there. */
const NO_SLOT = -1;

type Outcome = typeof CELL.mirrorSent | typeof CELL.mirrorSkipped | typeof CELL.mirrorFailed;

/** A body on its way upstream, of which a mirror is to get a copy. */
export interface Copying {
  readonly mirror: LinkedMirror;
  /** The request's head, which is gone by the time that the body is here. */
  readonly head: string;
  /** Framed as HTTP/1.1 sends it, from what came along with the head on. */
  readonly body: Replay;
}

/** Takes everything, at once. */
const NOWHERE: Outlet = {
  isBackedUp: false,
  isCopying: false,
  bytesSent: 0,
  writeText: ignore,
  writeBytes: ignore,
  writeSoon: () => true,
};

/** The copies of one worker. */
export class Mirrors {
  readonly #copies = new Map<Exchange, Copy>();
  /** Originals whose bodies are still to come, and since when, oldest first. */
  readonly #gathering = new Map<Exchange, number>();
  /** Own endpoints in place of those that users' requests go to. */
  readonly #targets = new Map<readonly Endpoint[], readonly Endpoint[]>();
  readonly comparisons: Comparisons;
  readonly #events: UpstreamEvents = {
    sent: ignore,
    failed: (x) => this.#end(x, CELL.mirrorFailed),
    refuses: () => PASSES_ON,
    refused: ignore,
    won: (x) => x,
    completed: (x) => this.#end(x, CELL.mirrorSent),
  };

  constructor(comparisons: Comparisons) {
    this.comparisons = comparisons;
  }

  get inFlight(): number {
    return this.#copies.size + this.#gathering.size;
  }

  /** Sends a copy of a request that has been sent on its way, if it is drawn. */
  copy(x: Exchange, mirror: LinkedMirror): void {
    if (!isDrawn(mirror, x)) return;
    if (x.isFinished || !isHeld(x)) skipped(x);
    else if (mirror.compare !== null && isComparable(x)) this.#compare(x, mirror, mirror.compare);
    else this.#send(x, mirror.endpoints, wholeOf(x), null);
  }

  /** Keeps the body of a request that is about to be sent, if it is drawn, until all of it has come by `take`. */
  gather(x: Exchange, mirror: LinkedMirror): void {
    if (!isDrawn(mirror, x)) return;
    if (x.bodyLength > x.table.limits.replayBodyBytesMax || !this.#hasPlace()) {
      skipped(x);
      return;
    }
    const { text = '', byteCount = 0 } = x.replay ?? {};
    this.#gathering.set(x, turnMs());
    retryingOf(x).copying = { mirror, head: x.requestText, body: { text, pieces: [], byteCount } };
  }

  /** Of a request that is to become another protocol there is no copy: counted if it is drawn. */
  forgo(x: Exchange, mirror: LinkedMirror): void {
    if (isDrawn(mirror, x)) skipped(x);
  }

  /** Some more of a body that is gathered is on its way; what is more than is kept makes no copy. */
  take(x: Exchange, { mirror, head, body }: Copying, { bytes, body: span, isEnd }: Piece): void {
    const isFramed = x.bodyLength === CHUNKED;
    const last = isFramed && isEnd ? `0\r\n${allowedTrailers(span.trailers, x.table.names)}\r\n` : '';
    const piece = copyOfPiece(bytes.subarray(span.dataStart, span.dataEnd), isFramed, last);
    body.byteCount += piece.length;
    body.pieces.push(piece);
    if (isTooMuch(body, x.table.limits.replayBodyBytesMax)) this.drop(x);
    else if (isEnd) {
      retryingOf(x).copying = null;
      // Behind the original, whose last piece is just being sent.
      process.nextTick(() => {
        if (this.#gathering.delete(x)) this.#send(x, mirror.endpoints, { head, body }, null);
      });
    }
  }

  /** The exchange is over before its body was, or its body is too much or too slow: no copy is made. */
  drop(x: Exchange): void {
    this.#gathering.delete(x);
    retryingOf(x).copying = null;
    skipped(x);
  }

  /** The exchange is over: what was kept of its body, or is to be compared with its answer, is of no use without the rest. */
  ended(x: Exchange, { copying, comparing }: Retrying): void {
    if (copying !== null) this.drop(x);
    if (comparing !== null && comparing.of.answers[comparing.side] === null) {
      comparing.of.lacks(comparing.side, 'no_answer');
    }
  }

  #compare(x: Exchange, { endpoints }: LinkedMirror, compare: LinkedCompare): void {
    const comparison = this.comparisons.begin(x, compare);
    const whole = wholeOf(x);
    if (comparison === null) {
      this.#send(x, endpoints, whole, null);
      return;
    }
    retryingOf(x).comparing = { of: comparison, side: SIDE.primary };
    const isMirrorFirst = x.client.lane.random.nextFloat() < 0.5;
    if (isMirrorFirst) this.#send(x, endpoints, whole, { of: comparison, side: SIDE.mirrored });
    const { targets } = comparison.split;
    if (!comparison.isOver) this.#send(x, targets.endpoints, whole, { of: comparison, side: SIDE.second });
    if (!isMirrorFirst) this.#send(x, endpoints, whole, { of: comparison, side: SIDE.mirrored });
  }

  #send(x: Exchange, endpoints: readonly Endpoint[], { head, body }: Whole, part: Part | null): void {
    const { lane } = x.client;
    const targets = this.#targetsOf(endpoints, lane);
    // A second call is no probe: endpoints that their version leaves out get none.
    const isSecond = part !== null && part.side === SIDE.second;
    const endpoint = lessBusy(
      isSecond ? targets.filter((_, n) => endpoints[n]?.isOut === false) : targets,
      lane.random,
    );
    if (endpoint === null || !this.#hasPlace()) {
      if (part === null || part.side === SIDE.mirrored) skipped(x);
      if (part !== null) part.of.end('busy');
      return;
    }
    const copy = new Copy(x, (late) => this.#expired(late));
    copy.x.requestText = head;
    copy.x.replay = body;
    if (part !== null) retryingOf(copy.x).comparing = part;
    if (isSecond) part.of.endSecond = () => process.nextTick(() => this.#copies.has(copy.x) && this.#expired(copy.x));
    this.#copies.set(copy.x, copy);
    copy.x.endpoint = endpoint;
    endpoint.inFlight++;
    if (!endpoint.pool.acquire(copy.x)) this.#end(copy.x, CELL.mirrorSkipped);
  }

  /** There is a new configuration: idle connections close, copies under way go on. */
  forget(): void {
    for (const endpoints of this.#targets.values()) for (const { pool } of endpoints) pool.retire();
    this.#targets.clear();
  }

  /** Ends every copy now. */
  close(): void {
    for (const x of [...this.#copies.keys()]) this.#expired(x);
    this.#gathering.clear();
    this.forget();
  }

  /** Whether one more copy may be made, if need be in place of the one whose body has come for longest. */
  #hasPlace(): boolean {
    if (this.inFlight < COPIES_MAX) return true;
    const [slowest] = this.#gathering;
    if (slowest === undefined || turnMs() - slowest[1] < GATHER_MS) return false;
    this.drop(slowest[0]);
    return true;
  }

  #targetsOf(endpoints: readonly Endpoint[], lane: Lane): readonly Endpoint[] {
    let targets = this.#targets.get(endpoints);
    if (targets === undefined) {
      targets = endpoints.map(({ host, port, isHttp2, security, announces }) => {
        const endpoint = new Endpoint(NO_SLOT, host, port, isHttp2);
        endpoint.security = security;
        endpoint.announces = announces;
        endpoint.pool = poolOf(endpoint, lane, this.#events);
        return endpoint;
      });
      this.#targets.set(endpoints, targets);
    }
    return targets;
  }

  #expired(x: Exchange): void {
    detach(x);
    this.#end(x, CELL.mirrorFailed);
  }

  #end(x: Exchange, outcome: Outcome): void {
    const copy = this.#copies.get(x);
    if (copy === undefined) return;
    this.#copies.delete(x);
    copy.lane.deadlines.remove(copy);
    x.isFinished = true;
    x.upstream = null;
    if (x.endpoint !== null) x.endpoint.inFlight--;
    const part = x.retrying === null ? null : x.retrying.comparing;
    if (part === null || part.side === SIDE.mirrored) copy.lane.recorder.counted(x.route as LinkedRoute, outcome);
    if (part === null || outcome === CELL.mirrorSent) return;
    if (outcome === CELL.mirrorSkipped) part.of.end('busy');
    else part.of.lacks(part.side, 'no_answer');
  }
}

/** A request as it goes upstream. */
interface Whole {
  readonly head: string;
  readonly body: Replay | null;
}

function wholeOf({ requestText, replay }: Exchange): Whole {
  return { head: requestText, body: replay };
}

/** Whether all of the request is there, and no more of it than is kept of any: a key has longer bodies held, until they are answered. */
function isHeld({ bodyLength, replay, table }: Exchange): boolean {
  return replay === null ? bodyLength === 0 : !isTooMuch(replay, table.limits.replayBodyBytesMax);
}

/** Whether the request is of the share that the mirror gets. */
function isDrawn({ ratio, compare }: LinkedMirror, { client, split }: Exchange): boolean {
  if (compare !== null && split !== null && isSame(compare, split)) return false;
  return ratio >= 1 || client.lane.random.nextFloat() < ratio;
}

function isSame({ service, version }: LinkedCompare, split: LinkedSplit): boolean {
  return service === split.service && version === split.version;
}

function isTooMuch({ byteCount, pieces }: Replay, bytesMax: number): boolean {
  return byteCount > bytesMax || pieces.length >= PIECES_MIN + bytesMax / PIECE_BYTES;
}

function skipped({ client, route }: Exchange): void {
  client.lane.recorder.counted(route as LinkedRoute, CELL.mirrorSkipped);
}

/** The less busy of two drawn at random. Copies keep no history of speed. */
function lessBusy(endpoints: readonly Endpoint[], random: Random): Endpoint | null {
  const draw = (): Endpoint | null => endpoints[random.nextUint32() % endpoints.length] ?? null;
  const first = draw();
  const second = draw();
  return first !== null && second !== null && second.inFlight < first.inFlight ? second : first;
}

/** Stands in for the client of a copy: wants nothing, waits for nobody. */
class Copy implements Asker, Timed {
  deadlineAtMs: number;
  slot = -1;
  readonly lane: Lane;
  readonly lines: Asker['lines'];
  readonly body: Asker['body'];
  readonly out = NOWHERE;
  readonly x: Exchange;
  readonly #expired: (x: Exchange) => void;

  constructor(original: Exchange, expired: (x: Exchange) => void) {
    const { lane, lines, body } = original.client;
    this.lane = lane;
    this.lines = lines;
    this.body = body;
    this.#expired = expired;
    const now = turnMs();
    const { requestTimeoutMs } = original.route as LinkedRoute;
    this.deadlineAtMs = now + Math.min(requestTimeoutMs, original.table.timeouts.firstByteMs);
    lane.deadlines.add(this);
    this.x = copyOf(original, this, now);
  }

  expire(): void {
    this.#expired(this.x);
  }

  willKeepAlive(): boolean {
    return false;
  }

  waitAtMost(): void {}
  touch(): void {}
  upstreamReady(): void {}
  resumeReading(): void {}
  exchangeDone(): void {}
  reject(): void {}
  cutOff(): void {}
}

function copyOf(original: Exchange, asker: Asker, nowMs: number): Exchange {
  const x = new Exchange(asker, original.table, nowMs);
  x.method = original.method;
  x.target = original.target;
  x.bodyLength = original.bodyLength;
  x.route = original.route;
  x.requestDone = true;
  x.attempts = 1;
  x.attemptAtMs = nowMs;
  return x;
}

function ignore(): void {}
