/**
 * Chooses the requests that the access log writes and hands them over in batches. Hot path.
 *
 * Drawn: a share of all requests, at random (`draw.ts`). Besides, while the log is on, every request that failed by the
 * fault of an upstream or the gateway, was answered with 5xx, rescued or by a fallback, at most `FAILURES_PER_SECOND`.
 *
 * Everything is bounded: records wait in a queue until the main thread has taken the batches before; what does not fit
 * is counted and told with the next batch. `Authorization`, cookies, queries and bodies are never looked at.
 */

import { Random } from '../../lib/random.ts';
import { REASONS, type Reason } from '../../model/reason.ts';
import { ACCESS_CHARS_MAX, type AccessBatch, type AccessRecord } from '../../model/threads/requests/access.ts';
import type { Peer } from '../decide/decide.ts';
import { clientAddress } from '../decide/user-key.ts';
import type { Exchange } from '../exchange.ts';
import { groupsTold } from '../filter/experiments.ts';
import type { Fallen } from '../forward/retry/fallback/chain.ts';
import type { RequestHead } from '../http1/request-head.ts';
import { hostOf } from '../http1/target.ts';
import { Draw, Quota } from './draw.ts';
import { MissedRequests } from './missed.ts';
import { streamingOf, waitedMs } from './streaming.ts';
import type { Taps } from './tap.ts';

/** Failures that are written per second and worker: enough to see what an outage is made of. */
export const FAILURES_PER_SECOND = 100;
/** Records that wait, about 2 MB; a main thread that is busy for 0.2 s loses none of 20,000 requests a second. */
export const RECORDS_MAX = 4096;
/** Records that are handed over at once, without waiting for the flush. About 0.15 ms. */
export const BATCH_RECORDS = 128;
/** Batches that the main thread may owe an answer for. */
export const BATCHES_MAX = 4;

/**
 * Turns of 50 ms that records wait for more of them, as each batch wakes the main thread twice and this one once; nothing else waits. So a
 * line is some 0.1 s late, as docs/ACCESS-LOG.md says.
 */
export const TURNS_PER_BATCH = 2;

const SERVER_ERROR = 500;
/** Keeps the log's draws apart from the worker's others, which must not change with it. */
const SEED_SALT = 0x6c6f6721;

/** By reason: 1 if it is the fault of an upstream or of the gateway. */
const IS_FAILURE = Uint8Array.from(REASONS, ({ name, fault }) => (name !== 'none' && fault !== 'client' ? 1 : 0));

const USER_AGENT = /\r\nuser-agent:([^\r]*)/i;
const HOST = /\r\nhost:([^\r]*)/i;
/** Of version 00 always: another one never gets into a head for an upstream. */
const TRACEPARENT = /\r\ntraceparent:[ \t]*00-([0-9a-f]{32})/i;

/** What a record says that the exchange does not keep. */
interface Origin {
  readonly client: string;
  readonly host: string | null;
  readonly target: string;
  readonly userAgent: string | null;
  readonly traceId: string | null;
}

/** Kept of a drawn request from its beginning: its head is overwritten by the next one. */
export interface Drawn extends Origin {
  readonly sampleRatio: number;
  /** Bytes that the connection had sent before. */
  readonly bytesBefore: number;
  /** Time of the response's head; 0 while there is none. */
  respondedAtMs: number;
}

/** One worker's side of the access log. */
export class AccessLog {
  readonly #random: Random;
  readonly #write: (batch: AccessBatch) => void;
  readonly #draw: Draw;
  readonly #quota = new Quota(FAILURES_PER_SECOND);
  #records: AccessRecord[] = [];
  #unacknowledged = 0;
  #turns = 0;
  #queueFull = 0;
  #failureRate = 0;
  /** By cell of route x version: the share of its requests to write besides; null while nobody's. */
  #more: Float32Array | null = null;
  #taps: Taps | null = null;
  /** Requests that missed objectives: they go with the batches, whether the log is on or not. */
  readonly missed = new MissedRequests();

  /** @param write hands a batch over; each must be answered with `taken`. */
  constructor(seed: number, write: (batch: AccessBatch) => void) {
    this.#random = new Random(seed ^ SEED_SALT);
    this.#draw = new Draw(this.#random);
    this.#write = write;
  }

  /** From now on this share of the requests is drawn, 0..1; 0 = nothing is written. */
  configure(ratio: number): void {
    this.#draw.ratio = ratio;
  }

  /** From now on so large a share of these versions' requests is written, by cell; while the log is off none is. */
  more(shares: ReadonlyMap<number, number>): void {
    this.#more = shares.size === 0 ? null : new Float32Array(Math.max(...shares.keys()) + 1);
    for (const [cell, share] of shares) (this.#more as Float32Array)[cell] = share;
  }

  /** From now on these are shown requests as well, whether the log is on or not; null: nobody looks. */
  show(taps: Taps | null): void {
    this.#taps = taps;
  }

  /** Counts a request; true if it is drawn: then `keep` it. Cost: a decrement and a comparison, allocates nothing. */
  draw(): boolean {
    return this.#draw.next();
  }

  /** Keeps what only the head knows. To be called when the head to send upstream is made. */
  keep(x: Exchange, head: RequestHead, peer: Peer): void {
    const { draft } = x.client.lane;
    x.drawn = {
      client: clientAddress(head, peer),
      host: head.host,
      target: head.target,
      userAgent: head.fields.find('user-agent'),
      traceId: draft.of === x && draft.isUsual ? x.requestId : fieldOf(x.requestText, TRACEPARENT),
      sampleRatio: this.#draw.ratio,
      bytesBefore: x.client.out.bytesSent,
      respondedAtMs: 0,
    };
  }

  /** The exchange is over. Cost for one that is not written: five comparisons, allocates nothing. */
  end(x: Exchange): void {
    if (this.#taps !== null) this.#taps.end(x);
    if (x.drawn === null && !isFailure(x)) {
      if (this.#more !== null) this.#addMore(x, this.#more);
      return;
    }
    if (x.drawn === null && !this.#admitsFailure(x.endedAtMs)) return;
    this.#add(exchangeRecord(x));
  }

  /** A request that never became an exchange, as its head was refused. */
  refused(reason: Reason, client: string, nowMs: number): void {
    if (this.#taps !== null) this.#taps.refused(refusedRecord(reason, client, nowMs, 1), reason, nowMs);
    if (this.draw()) this.#add(refusedRecord(reason, client, nowMs, this.#draw.ratio));
  }

  /** A connection that was closed before a request; whoever calls it sees to it that there are few. */
  refusedConnection(reason: Reason, client: string, nowMs: number): void {
    if (this.#taps !== null) this.#taps.refused(refusedRecord(reason, client, nowMs, 1), reason, nowMs);
    if (this.#isOn) this.#add(refusedRecord(reason, client, nowMs, 1));
  }

  /** Every 50 ms: hands over what has waited long enough. */
  turn(): void {
    this.#turns = (this.#turns + 1) % TURNS_PER_BATCH;
    if (this.#turns === 0 || this.#taps !== null || !this.missed.isEmpty) this.flush();
  }

  /** Hands over what waits, unless the main thread is behind. */
  flush(): void {
    if (this.#unacknowledged < BATCHES_MAX) this.#post();
  }

  /** Hands over what waits, whatever the main thread does: the worker ends. */
  close(): void {
    this.#post();
  }

  /** The main thread has taken a batch. */
  taken(): void {
    this.#unacknowledged--;
  }

  get #isOn(): boolean {
    return this.#draw.ratio > 0;
  }

  /** A request of a version of which more is to be known. */
  #addMore(x: Exchange, more: Float32Array): void {
    if (!this.#isOn || x.split === null || x.split.cell >= more.length) return;
    const share = more[x.split.cell] as number;
    if (share === 0 || this.#random.nextFloat() >= share) return;
    this.#add(lateRecord(x, share));
  }

  #admitsFailure(nowMs: number): boolean {
    if (!this.#isOn) return false;
    if (this.#quota.admits(nowMs)) return true;
    this.#failureRate++;
    return false;
  }

  #add(record: AccessRecord): void {
    if (this.#records.length >= RECORDS_MAX) {
      this.#queueFull++;
      return;
    }
    this.#records.push(record);
    if (this.#records.length >= BATCH_RECORDS) this.flush();
  }

  #post(): void {
    const tapped = this.#taps === null ? null : this.#taps.take();
    const samples = this.missed.take();
    const told = this.#records.length + this.#queueFull + this.#failureRate + samples.length;
    if (told === 0 && tapped === null) return;
    const losses = { queueFull: this.#queueFull, failureRate: this.#failureRate };
    const more = { ...(samples.length > 0 && { samples }), ...(tapped !== null && { tapped }) };
    const batch = { records: this.#records, ...losses, ...more };
    this.#records = [];
    this.#queueFull = 0;
    this.#failureRate = 0;
    this.#unacknowledged++;
    this.#write(batch);
  }
}

/** Whether it is told without being drawn. What failed on a canary is, even if another version answered for it. */
export function isFailure(x: Exchange): boolean {
  return x.status >= SERVER_ERROR || IS_FAILURE[x.reason] === 1 || rescuedFrom(x) !== null || fallenOf(x) !== null;
}

/** The canary that failed, when stable has taken over. */
export function rescuedFrom({ retrying }: Exchange): string | null {
  return retrying === null || retrying.rescuedFrom === null ? null : retrying.rescuedFrom.version;
}

/** The step of the route's chain that took it. */
export function fallenOf({ retrying }: Exchange): Fallen | null {
  return retrying === null ? null : retrying.fallen;
}

function refusedRecord(reason: Reason, client: string, nowMs: number, sampleRatio: number): AccessRecord {
  const { status } = REASONS[reason] as (typeof REASONS)[number];
  const unknown = [null, null, null] as const;
  const noAttempt = [...unknown, null, 0, null, null, null] as const;
  return [nowMs, 0, ...unknown, client, ...unknown, status, reason, ...noAttempt, sampleRatio, ...unknown, null];
}

/** What is known of an exchange that is over: everything of one that was drawn. */
export function exchangeRecord(x: Exchange): AccessRecord {
  return x.drawn === null ? lateRecord(x, 1) : drawnRecord(x, x.drawn);
}

function drawnRecord(x: Exchange, drawn: Drawn): AccessRecord {
  const ttfbMs = drawn.respondedAtMs === 0 ? null : drawn.respondedAtMs - x.startedAtMs;
  const sentBytes = x.client.out.bytesSent - drawn.bytesBefore;
  return recordOf(x, drawn, [ttfbMs, sentBytes, isFailure(x) ? 1 : drawn.sampleRatio]);
}

/** One that was not drawn at its beginning: what the exchange and the head for the upstream still tell. */
function lateRecord(x: Exchange, sampleRatio: number): AccessRecord {
  const authority = fieldOf(x.requestText, HOST);
  const origin = {
    client: x.client.lines.peer.address,
    host: authority === null ? null : hostOf(authority),
    target: x.target,
    userAgent: fieldOf(x.requestText, USER_AGENT),
    traceId: fieldOf(x.requestText, TRACEPARENT),
  };
  return recordOf(x, origin, [null, null, sampleRatio]);
}

/** @param measured time to first byte, bytes sent, sample ratio. */
function recordOf(
  x: Exchange,
  origin: Origin,
  measured: readonly [number | null, number | null, number],
): AccessRecord {
  const fallen = fallenOf(x);
  const record = [
    x.startedAtMs,
    x.endedAtMs - x.startedAtMs,
    measured[0],
    x.requestId === '' ? null : x.requestId,
    origin.traceId,
    origin.client,
    x.method,
    origin.host,
    cut(pathOf(origin.target), ACCESS_CHARS_MAX.path),
    x.status,
    fallen === null ? x.reason : fallen.reason,
    x.route === null ? null : x.route.name,
    versionOf(x),
    rescuedFrom(x),
    x.endpoint === null ? null : x.endpoint.address,
    x.attempts,
    x.client.body.received,
    measured[1],
    origin.userAgent === null ? null : cut(origin.userAgent, ACCESS_CHARS_MAX.userAgent),
    measured[2],
    fallen === null ? null : fallen.kind,
    protocolOf(x),
    x.retrying === null || x.retrying.keyed === null ? null : x.retrying.keyed.outcome,
    groupsOf(x),
  ] as const;
  return streamingOf(x) === null ? record : [...record, waitedMs(x)];
}

/** Null of a route without experiments, and where no head is left to tell. */
function groupsOf(x: Exchange): AccessRecord[23] {
  const experiments = x.route === null || x.route.filters === null ? null : x.route.filters.experiments;
  if (experiments === null) return null;
  const text = x.requestText;
  return text === '' ? null : groupsTold(experiments, text);
}

function protocolOf({ client, minor }: Exchange): string {
  if (client.lines.protocol === '2') return 'HTTP/2';
  return minor === 1 ? 'HTTP/1.1' : 'HTTP/1.0';
}

/** The version that answered, or failed. */
export function versionOf(x: Exchange): string | null {
  if (x.split !== null) return x.split.version;
  const fallen = fallenOf(x);
  return fallen === null ? null : fallen.from.version;
}

/** A target without its query. */
export function pathOf(target: string): string {
  const query = target.indexOf('?');
  return query < 0 ? target : target.slice(0, query);
}

/** At most `charsMax` characters, the last one `…` if some are missing. */
export function cut(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : `${text.slice(0, charsMax - 1)}…`;
}

/** Value of a field in a checked, bounded head, or null. Cost: O(head), for requests that are written only. */
export function fieldOf(head: string, field: RegExp): string | null {
  const match = field.exec(head);
  return match === null ? null : (match[1] as string).trim();
}
