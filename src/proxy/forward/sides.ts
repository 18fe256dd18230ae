/**
 * The two sides of an exchange: who asks, and what an attempt goes out on. What the latter reports is handed in, because
 * connections and forwarder refer to one another.
 *
 * Upstreams speak HTTP/1.1 (`http1/`) or HTTP/2 (`forward/http2/`); whatever chooses, retries or gives up knows them by
 * `UpstreamPool` and `UpstreamExchange` alone.
 */

import type { Limits } from '../../model/config.ts';
import type { Reason } from '../../model/reason.ts';
import type { Exchange } from '../exchange.ts';
import type { PeerLines } from '../header/forwarded.ts';
import type { BodyReader } from '../http1/body.ts';
import type { Lane } from '../lane.ts';
import type { Outlet } from '../wire/wire.ts';
import type { Piece } from './replay.ts';

/** What an attempt goes out on: a connection, or a stream of one. */
export interface UpstreamExchange {
  /** It does not keep up with the request: the client must wait until `Asker.resumeReading`. */
  readonly isBackedUp: boolean;
  /** Sends some of the request's body. What the caller owns must not change while this is backed up. */
  sendBody(piece: Piece): void;
  /** The client took what it was written: go on reading. */
  resume(): void;
  /** Serves this exchange's attempt from now on, or nobody's while it is being opened. */
  turnTo(x: Exchange | null): void;
  /** The attempt ends now. Tells nobody but the pool. */
  destroy(): void;
}

/** Who wants a place among the connections to an endpoint for one of its own. */
export interface Guest {
  /** The place is there, until `UpstreamPool.leave`. */
  admitted(): void;
}

/** The connections to one endpoint from one worker. */
export interface UpstreamPool {
  readonly open: number;
  /** Exchanges and guests in the queue. */
  readonly waiting: number;
  /**
   * Gets the exchange what its attempt goes out on: at once, once it is connected, or after a wait in the queue.
   * @returns false when the queue is full.
   */
  acquire(x: Exchange): boolean;
  /** Takes an exchange or a guest out of the queue; false when it is not in it. */
  cancel(one: Exchange | Guest): boolean;
  /** Gives a guest a place at once, or one in the queue; false when that is full. */
  admit(guest: Guest, limits: Limits): boolean;
  /** A guest needs its place no more. Called exactly once for each that was admitted. */
  leave(): void;
  /** Everything that there may be is taken, and somebody waits. */
  isCongested(limits: Limits): boolean;
  /** The endpoint left the configuration: what is idle closes now, the rest after its exchanges. */
  retire(): void;
  /** The endpoint is back in the configuration. */
  revive(): void;
}

export interface UpstreamEvents {
  /** The exchange has its connection and its head was written. */
  sent(x: Exchange): void;
  /** The attempt failed before the response was complete. */
  failed(x: Exchange, reason: Reason, detail: string): void;
  /**
   * An answer that may be dropped (`isUnwelcome`): `PASSES_ON` all the same, `RESCUES`, or the wait in ms before a retry.
   * What is to come is paid for.
   */
  refuses(x: Exchange, status: number): number;
  /** The answer is dropped, as `refuses` said. */
  refused(x: Exchange, status: number, course: number): void;
  /** One arm of a hedged exchange has the final head: returns the exchange that it answers. */
  won(x: Exchange): Exchange;
  /** The response has been handed to the client completely. */
  completed(x: Exchange): void;
}

/**
 * What an exchange needs of whoever asked: a client's HTTP/1.1 connection, one stream of an HTTP/2 connection, or what stands
 * in for a client. Answers are written to `out` in the form of HTTP/1.1, whatever the client speaks.
 */
export interface Asker {
  /** When its time is over. */
  deadlineAtMs: number;
  readonly lane: Lane;
  readonly lines: PeerLines;
  /** Where the attempt's connection writes the answer. */
  readonly out: Outlet;
  /** How far the request's body has been read. */
  readonly body: BodyReader;
  /** The attempt waits for a connection or an answer, at most so long. */
  waitAtMost(x: Exchange, limitMs: number): void;
  /** Body bytes moved: the idle limit starts anew. */
  touch(): void;
  /** May another request follow this exchange on what it came on? */
  willKeepAlive(x: Exchange): boolean;
  /** The request's head is on its way upstream: the body may follow. */
  upstreamReady(x: Exchange): void;
  /** The upstream took what it was sent. */
  resumeReading(): void;
  /** The whole response has been handed over. */
  exchangeDone(x: Exchange): void;
  /** No response has begun: answer with what there is for it, or the reason's own. */
  reject(x: Exchange): void;
  /** The response cannot be completed: end it so that the client can tell. */
  cutOff(x: Exchange): void;
}
