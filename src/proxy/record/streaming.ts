/**
 * Answers that are streams: event streams, and calls of gRPC. They have no end that anybody waits for: how quiet they may be, how
 * long they may last and what counts as their latency is not what it is of other answers.
 *
 * | | other answers | streams |
 * |---|---|---|
 * | may be quiet for | `timeouts.bodyIdle` | `timeouts.streamIdle`; while the client does not take what there is, as others |
 * | end at the latest | | at the deadline of a call (`grpc-timeout`); with a rollback or drain (`streams.ts`) |
 * | latency | to the end | to the first event or message |
 * | a client that leaves within one | says nothing | had what it waited for, once the first of it came |
 *
 * A stream is told by its content type and by an answer without a length, be it in chunks or up to the end of its connection; a
 * call of gRPC by its request already, where the endpoints speak HTTP/2: anybody can say that he calls one that has never heard
 * of gRPC.
 * Source: HTML, "Server-sent events"; gRPC over HTTP/2, "Requests"; docs/GRPC.md.
 */

import { turnMs } from '../../lib/clock.ts';
import { REASON, type Reason } from '../../model/reason.ts';
import { CELL, STREAM_BOUNDS_MS, type Tallies } from '../../model/tallies.ts';
import type { Exchange } from '../exchange.ts';
import { retryingOf } from '../forward/retry/retry.ts';
import { isGrpcHead } from '../header/grpc.ts';
import { UNTIL_CLOSE } from '../http1/body.ts';
import type { ResponseHead } from '../http1/response-head.ts';
import type { OpenStream } from './streams.ts';

const EVENTS = /\r\ncontent-type:[ \t]*text\/event-stream[ \t]*[;\r]/i;

/** What is known of an exchange whose answer is a stream. */
export interface Streaming {
  /** When the first of it came; 0 = nothing has. */
  firstAtMs: number;
  /** When its client will not wait any more. */
  endsAtMs: number;
  /** From the beginning of the answer on. */
  open?: OpenStream;
}

/** Of an exchange whose answer is a stream, or will be; else null. */
export function streamingOf({ retrying }: Pick<Exchange, 'retrying'>): Streaming | null {
  return retrying === null ? null : retrying.streaming;
}

/** A call of gRPC is one, whatever it will be answered with. @param x decided @param head of the request, with its first line */
export function beginCall(x: Exchange, head: string): void {
  if (x.split?.targets.endpoints[0]?.isHttp2 !== true || !isGrpcHead(head)) return;
  const endsAtMs = x.allowedMs === 0 ? Number.POSITIVE_INFINITY : x.startedAtMs + x.allowedMs;
  retryingOf(x).streaming = { firstAtMs: 0, endsAtMs };
}

/** The answer begins: from now on it is a stream if its head says so. Of a copy for a mirror, which is of no version, nobody waits for it. */
export function beginStream(x: Exchange, { bodyLength, fields }: Pick<ResponseHead, 'bodyLength' | 'fields'>): void {
  if ((bodyLength >= 0 && bodyLength !== UNTIL_CLOSE) || x.split === null) return;
  const call = streamingOf(x);
  if (call === null && !EVENTS.test(fields.text)) return;
  const streaming: Streaming = call ?? { firstAtMs: 0, endsAtMs: Number.POSITIVE_INFINITY };
  streaming.open = x.client.lane.streams.begin(x, call !== null);
  retryingOf(x).streaming = streaming;
}

/** Balances `beginStream`. */
export function endStream(x: Exchange, { open }: Streaming): void {
  if (open !== undefined) x.client.lane.streams.ended(open);
}

/** Something of a stream came: is it the first? */
export function isFirst(x: Exchange): boolean {
  const streaming = streamingOf(x);
  if (streaming === null || streaming.firstAtMs !== 0) return false;
  streaming.firstAtMs = turnMs();
  return true;
}

/**
 * The reason that the indicators go by. Streams end with their clients’ leaving, or by the gateway: were those that had been
 * answered not counted, all that is would be the broken ones. One that was cut at its deadline says nothing. `x.endedAtMs` is final.
 */
export function judgedReason(x: Pick<Exchange, 'reason' | 'endedAtMs' | 'retrying'>): Reason {
  if (x.reason !== REASON.clientClosed && x.reason !== REASON.streamEnded) return x.reason;
  const streaming = streamingOf(x);
  const isServed = streaming !== null && streaming.firstAtMs !== 0 && x.endedAtMs < streaming.endsAtMs;
  return isServed ? REASON.none : x.reason;
}

/** A stream of a version is over: counts how long it lasted. @param base of the version's cell */
export function countStream({ cells, cellFloats }: Tallies, base: number, x: Exchange): void {
  const tookMs = x.endedAtMs - x.startedAtMs;
  let n = 0;
  while (n < STREAM_BOUNDS_MS.length && tookMs > (STREAM_BOUNDS_MS[n] as number)) n++;
  const word = base + CELL.streams + n;
  const sum = (base + CELL.streamMs) >> 1;
  cells[word] = (cells[word] as number) + 1;
  cellFloats[sum] = (cellFloats[sum] as number) + tookMs;
}

/** Until when nothing need move of the body of an exchange of which something has just moved. */
export function quietUntilMs(x: Exchange): number {
  const { bodyIdleMs, streamIdleMs } = x.table.timeouts;
  const streaming = streamingOf(x);
  if (streaming === null) return turnMs() + bodyIdleMs;
  // What waits for a client is memory, here and at the endpoint: that is not a stream which has nothing to say.
  const quietMs = x.client.out.isBackedUp ? Math.min(bodyIdleMs, streamIdleMs) : streamIdleMs;
  return Math.min(turnMs() + quietMs, streaming.endsAtMs);
}

/**
 * So many bytes of its request's body came, and more is owed. They put off the end by the time that they may take at
 * `limits.bodyRateMin`, by no more than `timeouts.bodyIdle` from now: else a byte now and then would hold a connection to the endpoint
 * for ever. The messages of a call come when there is something to say.
 */
export function tookBody(x: Exchange, count: number): void {
  const { client, table } = x;
  const { bodyRateMin } = table.limits;
  const isFree = bodyRateMin === 0 || x.responseStarted || streamingOf(x) !== null;
  const putOffMs = isFree ? Number.POSITIVE_INFINITY : (count / bodyRateMin) * 1000;
  client.deadlineAtMs = Math.min(quietUntilMs(x), client.deadlineAtMs + putOffMs);
}

/** Whether its client has said that it would not wait for the end any more. */
export function hasRunOut(x: Exchange): boolean {
  const streaming = streamingOf(x);
  return streaming !== null && turnMs() >= streaming.endsAtMs;
}

/** How long its users waited: for the end, of a stream for the first of it. `x.endedAtMs` is final. */
export function waitedMs(x: Exchange): number {
  const streaming = streamingOf(x);
  const atMs = streaming === null || streaming.firstAtMs === 0 ? x.endedAtMs : streaming.firstAtMs;
  return atMs - x.startedAtMs;
}
