/**
 * The streams of a worker whose answers have begun, and those of them that the gateway ends: when a version that had weight gets
 * none any more (a rollback) and when the gateway drains.
 *
 * Nobody waits for a stream's end, so nothing else would end one. Its route says whether both do, and after how long; shortly
 * before a drain's end all go. Each ends as its endpoint would end it: an event stream with the end of its body, so that its
 * reader comes back with the last event's id, a call of gRPC with the trailers of UNAVAILABLE. That is done once nothing has moved
 * between two sweeps, as what is written in one go is a whole event or message; what moves all the time ends after `LEAVE_MS`
 * wherever it stands. What cannot end so is cut: a client that does not take what there is, or no trailers.
 * ```
 * open ─▸ due (a time after the rollback, the drain) ─▸ quiet, or LEAVE_MS later ─▸ ended
 * ```
 * Source: HTML, "Server-sent events" (an event that is not complete at the end is dropped); gRPC over HTTP/2, "Responses".
 */

import { nowMs } from '../../lib/clock.ts';
import type { Timed } from '../../lib/deadlines.ts';
import { type Placed, Roster } from '../../lib/roster.ts';
import { REASON, reasonRow } from '../../model/reason.ts';
import { hadWeight } from '../decide/splitter.ts';
import type { Exchange } from '../exchange.ts';
import { abandon, conclude } from '../forward/forwarder.ts';
import { grpcLines } from '../header/grpc.ts';
import { LAST_CHUNK } from '../http1/relay.ts';
import type { Lane } from '../lane.ts';

/** How long a stream that is to end may take to come to a rest. */
const LEAVE_MS = 1000;
const NEVER = Number.POSITIVE_INFINITY;

/** A stream that is open. */
export interface OpenStream extends Placed {
  readonly x: Exchange;
  /** A call of gRPC; else an event stream. */
  readonly isCall: boolean;
  roster: Roster<OpenStream>;
  /** When it is to end. */
  dueAtMs: number;
  /** What its client's connection had sent at the last look. */
  sentBytes: number;
}

export class Streams implements Timed {
  deadlineAtMs = NEVER;
  slot = -1;
  readonly #lane: Lane;
  /** Those that a rollback ends, by the dial that tells of it. */
  readonly #watched = new Map<number, Roster<OpenStream>>();
  readonly #others = new Roster<OpenStream>();
  readonly #leaving = new Roster<OpenStream>();
  /** When the first of those is due, at the earliest. */
  #dueAtMs = NEVER;
  #isDraining = false;
  #drainAtMs = NEVER;

  constructor(lane: Lane) {
    this.#lane = lane;
  }

  /** An answer begins that is a stream. Balanced by `ended`. */
  begin(x: Exchange, isCall: boolean): OpenStream {
    const roster = this.#rosterOf(x);
    const stream: OpenStream = { place: -1, x, isCall, roster, dueAtMs: NEVER, sentBytes: -1 };
    roster.add(stream);
    if (this.#isDraining) this.#retire(stream, nowMs());
    else if (roster === this.#others) return stream;
    this.#plan();
    return stream;
  }

  /** It is over, whoever ended it. */
  ended(stream: OpenStream): void {
    stream.roster.remove(stream);
  }

  /** Ends what its route says so of, and everything else shortly before the drain's end. */
  drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    const now = nowMs();
    this.#drainAtMs = now + Math.max(0, this.#lane.table.drain.timeoutMs - LEAVE_MS);
    for (const roster of [this.#others, this.#leaving, ...this.#watched.values()]) {
      for (const stream of roster.all()) this.#retire(stream, now);
    }
    this.#plan();
  }

  /** Due at every sweep while there is something to look after. Cost: O(versions with streams that a rollback ends). */
  expire(atMs: number): void {
    for (const [dial, roster] of this.#watched) {
      if (roster.size > 0 && Atomics.load(this.#lane.dials, dial) > 0) continue;
      this.#watched.delete(dial);
      for (const stream of roster.all()) this.#retire(stream, atMs);
    }
    if (atMs >= this.#dueAtMs) this.#end(atMs);
    this.#plan();
  }

  /**
   * A version without weight that a color pinned is not rolled back: only the way from some weight to none is. One that was
   * rolled back before the answer began is found without weight by the next sweep.
   */
  #rosterOf(x: Exchange): Roster<OpenStream> {
    const { route, split } = x;
    if (route === null || route.streams === null || split === null || !hadWeight(x)) return this.#others;
    const watched = this.#watched.get(split.dial);
    if (watched !== undefined) return watched;
    const roster = new Roster<OpenStream>();
    this.#watched.set(split.dial, roster);
    return roster;
  }

  #retire(stream: OpenStream, atMs: number): void {
    const policy = stream.x.route?.streams ?? null;
    const wantedAtMs = policy === null ? NEVER : atMs + policy.closeAfterMs;
    stream.roster.remove(stream);
    stream.roster = this.#leaving;
    // What a rollback has given a time to may have less of it in a drain.
    stream.dueAtMs = Math.min(stream.dueAtMs, wantedAtMs, this.#drainAtMs);
    this.#leaving.add(stream);
    this.#dueAtMs = Math.min(this.#dueAtMs, stream.dueAtMs);
  }

  #end(atMs: number): void {
    this.#dueAtMs = NEVER;
    for (const stream of this.#leaving.all()) {
      if (stream.dueAtMs <= atMs && isAtRest(stream, atMs)) end(stream);
      else this.#dueAtMs = Math.min(this.#dueAtMs, stream.dueAtMs);
    }
  }

  #plan(): void {
    this.deadlineAtMs = this.#watched.size > 0 ? 0 : this.#dueAtMs;
    if (this.deadlineAtMs === NEVER) this.#lane.deadlines.remove(this);
    else if (this.slot < 0) this.#lane.deadlines.add(this);
  }
}

/** Nothing has moved since the last look, or it has been looked at for long enough. */
function isAtRest(stream: OpenStream, atMs: number): boolean {
  const { out } = stream.x.client;
  const before = stream.sentBytes;
  stream.sentBytes = out.bytesSent;
  return (out.bytesSent === before && !out.isBackedUp) || atMs >= stream.dueAtMs + LEAVE_MS;
}

function end({ x, isCall }: OpenStream): void {
  const last = lastOf(x, isCall);
  if (last === null) abandon(x, REASON.streamEnded, '');
  else conclude(x, REASON.streamEnded, last);
}

/** What ends the body for the client; null: it cannot be ended. */
function lastOf(x: Exchange, isCall: boolean): string | null {
  // A head or a body that a fault slows down may still be on its way.
  const pacing = x.retrying === null ? null : x.retrying.pacing;
  if ((pacing !== null && pacing.response !== null) || x.client.out.isBackedUp) return null;
  if (x.minor === 0) return '';
  if (!isCall) return LAST_CHUNK;
  return x.wantsTrailers ? `0\r\n${grpcLines(REASON.streamEnded, reasonRow(REASON.streamEnded).title)}\r\n` : null;
}
