/**
 * One connection to an upstream: sends a request, reads its response strictly, relays it to the client. Hot path.
 *
 * Reads go into one buffer that is reused for the life of the connection. What is relayed is written at once; when the
 * client's socket could not take it synchronously, the buffer is still in use and reading pauses until it is flushed.
 *
 * ```
 * connecting ─▸ idle ◂──────────────────┐
 *      └──▸ head (request sent) ─▸ body ─┘      any error ─▸ closed
 * ```
 * Source: RFC 9112 sections 6.3, 7, 9.
 */

import { connect, type Socket } from 'node:net';
import { nowMs } from '../../lib/clock.ts';
import type { Timed } from '../../lib/deadlines.ts';
import { REASON, type Reason } from '../../model/reason.ts';
import type { Exchange } from '../exchange.ts';
import type { Endpoint } from '../forward/endpoint.ts';
import { type ClientFraming, clientFraming, interimText, responseText } from '../headers.ts';
import type { Lane } from '../lane.ts';
import { BodyReader, BROKEN, END, EXCESS } from './body.ts';
import type { ResponseHead } from './response-head.ts';

const READ_BUFFER_BYTES = 65_536;
/** Interim responses (1xx) before the final one. */
const INTERIMS_MAX = 10;
/** A complete response up to this size leaves as one string: one write call instead of two. */
const ONE_WRITE_BYTES_MAX = 16_384;

const OWN_LIMITS = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL']);

/** What the forwarder does on a connection's news. Handed in, because the two refer to one another. */
export interface UpstreamEvents {
  /** The exchange has its connection and its head was written. */
  sent(x: Exchange): void;
  /** The attempt failed before the response was complete. */
  failed(x: Exchange, reason: Reason, detail: string): void;
  /** The response has been handed to the client completely. */
  completed(x: Exchange): void;
}

type State = 'connecting' | 'idle' | 'head' | 'body' | 'closed';

export class UpstreamConnection implements Timed {
  deadlineAtMs = Number.POSITIVE_INFINITY;
  slot = -1;
  readonly #endpoint: Endpoint;
  readonly #lane: Lane;
  readonly #events: UpstreamEvents;
  readonly #body = new BodyReader();
  #socket!: Socket;
  #state: State = 'connecting';
  #exchange: Exchange | null = null;
  #carry: Buffer | null = null;
  #interims = 0;
  #framing: ClientFraming = 'as-is';
  #keepAlive = true;
  #wasConnected = false;
  #isPaused = false;
  #isFull = false;
  #hasServed = false;

  constructor(endpoint: Endpoint, lane: Lane, events: UpstreamEvents) {
    this.#endpoint = endpoint;
    this.#lane = lane;
    this.#events = events;
  }

  /** Connects and then serves `x`. */
  open(x: Exchange): void {
    this.#exchange = x;
    const buffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
    const socket = connect({
      host: this.#endpoint.host,
      port: this.#endpoint.port,
      noDelay: true,
      onread: { buffer, callback: (count) => this.#receive(buffer, count) },
    });
    this.#socket = socket;
    this.deadlineAtMs = nowMs() + x.table.timeouts.connectMs;
    this.#lane.deadlines.add(this);
    socket.on('error', (error: NodeJS.ErrnoException) => this.#broken(error.code ?? error.message));
    socket.on('connect', () => this.#connected());
    socket.on('end', () => this.#ended());
    socket.on('close', () => this.#broken('closed'));
    socket.on('drain', () => this.#exchange?.client.resumeReading());
  }

  /** Sends the exchange's head on this connection. */
  serve(x: Exchange): void {
    this.#exchange = x;
    x.isOnReused = this.#hasServed;
    this.#hasServed = true;
    this.#state = 'head';
    this.#interims = 0;
    this.deadlineAtMs = Number.POSITIVE_INFINITY;
    x.upstream = this;
    this.#socket.write(x.requestText, 'latin1');
    this.#events.sent(x);
  }

  /** Sends request body bytes; the caller keeps `bytes` unchanged until they are flushed. */
  write(bytes: Buffer, framed: boolean): void {
    if (!framed) {
      this.#socket.write(bytes);
      return;
    }
    this.#socket.cork();
    this.#socket.write(`${bytes.length.toString(16)}\r\n`, 'latin1');
    this.#socket.write(bytes);
    this.#socket.write('\r\n', 'latin1');
    this.#socket.uncork();
  }

  /** Ends a chunked request body. */
  writeLastChunk(): void {
    this.#socket.write('0\r\n\r\n', 'latin1');
  }

  /** True when the upstream does not keep up: the client must wait for `drain`. */
  get isBackedUp(): boolean {
    return this.#socket.writableNeedDrain;
  }

  /** The client's socket took everything: go on reading. */
  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    const x = this.#exchange;
    if (x !== null && this.#state === 'body' && this.#body.isDone) {
      // Nothing was read since the pause: as after a full buffer, more may lie behind the response.
      this.#isFull = true;
      this.#complete(x);
    }
    if (this.#state !== 'closed') this.#socket.resume();
  }

  /** Still connecting, and nobody waits for it any more. */
  get isUnwanted(): boolean {
    return this.#state === 'connecting' && this.#exchange?.isFinished !== false;
  }

  /** Closes at once. Tells nobody but the pool. */
  destroy(): void {
    this.#exchange = null;
    this.#close();
    this.#socket.destroy();
  }

  expire(): void {
    if (this.#state !== 'connecting') {
      this.destroy();
      return;
    }
    this.#lane.recorder.connectFailed(this.#endpoint.id);
    this.#fail(REASON.connectTimeout, 'no connection in time');
  }

  #connected(): void {
    const x = this.#exchange;
    this.#wasConnected = true;
    this.#lane.recorder.connect(this.#endpoint.id, 1);
    this.#state = 'idle';
    this.deadlineAtMs = Number.POSITIVE_INFINITY;
    if (x === null || x.isFinished) this.#park();
    else this.serve(x);
  }

  /**
   * Back to the pool; but what may already lie behind the response would answer the next request, so a connection that
   * was not read to the end rests until the loop has read once more. Bytes on an idle connection end it.
   */
  #leave(): void {
    if (!this.#isFull) {
      this.#park();
      return;
    }
    this.#state = 'idle';
    // The first turn ends this round of the loop, the second comes after the next round's reads.
    setImmediate(() => {
      setImmediate(() => {
        if (this.#state === 'idle') this.#park();
      });
    });
  }

  #park(): void {
    this.#exchange = null;
    this.#state = 'idle';
    this.#carry = null;
    this.deadlineAtMs = nowMs() + this.#lane.table.timeouts.upstreamIdleMs;
    this.#endpoint.pool.release(this);
  }

  /** @returns false to pause reading. */
  #receive(buffer: Buffer, count: number): boolean {
    const x = this.#exchange;
    if (x === null || this.#state === 'idle') {
      this.destroy();
      return false;
    }
    if (this.#state === 'closed') return false;
    // A full buffer may hide more: bytes after the response that the kernel still has. See #complete.
    this.#isFull = count === buffer.length;
    let bytes = buffer.subarray(0, count);
    if (this.#carry !== null) {
      bytes = Buffer.concat([this.#carry, bytes]);
      this.#carry = null;
    }
    if (this.#state === 'body') this.#relay(x, bytes, 0, false);
    else {
      const from = this.#readHead(x, bytes, bytes.length);
      if (from >= 0) this.#relay(x, bytes, from, true);
    }
    return !this.#isPaused;
  }

  /** Reads heads up to the final one and answers the client with it. Returns where the body starts, -1 to stop. */
  #readHead(x: Exchange, bytes: Buffer, end: number): number {
    const head = x.table.responseHead;
    let from = 0;
    for (;;) {
      const next = head.parse(bytes, from, end, x.isHead);
      if (next < 0) return this.#fail(REASON.upstreamProtocol, head.detail);
      if (next === 0) {
        this.#carry = Buffer.from(bytes.subarray(from, end));
        return -1;
      }
      from = next;
      if (head.status >= 200) break;
      if (head.status === 101) return this.#fail(REASON.upstreamProtocol, 'a 101 that nobody asked for');
      if (++this.#interims > INTERIMS_MAX) return this.#fail(REASON.upstreamProtocol, 'too many interim responses');
      x.awaitsContinue = false;
      x.client.touch();
      if (x.minor === 1) x.client.out.sendText(interimText(head));
      if (from >= end) return -1;
    }
    const size = end - from;
    if (head.bodyLength >= 0 && size > head.bodyLength) {
      return this.#fail(REASON.upstreamProtocol, 'more body than announced');
    }
    this.#answer(x, head);
    const text = responseText(x, head, this.#framing, !x.keepAlive);
    if (this.#framing === 'as-is' && head.bodyLength === size && size <= ONE_WRITE_BYTES_MAX) {
      x.client.out.sendText(size === 0 ? text : text + bytes.toString('latin1', from, end));
      this.#complete(x);
      return -1;
    }
    x.client.out.cork();
    x.client.out.sendText(text);
    return from;
  }

  /** The final head is known: fixes framing and persistence towards both sides. */
  #answer(x: Exchange, head: ResponseHead): void {
    const now = nowMs();
    if (head.status < 500) this.#endpoint.observe(now - x.attemptAtMs, now);
    else this.#endpoint.observeFailure(now - x.attemptAtMs, now);
    x.status = head.status;
    x.responseStarted = true;
    this.#keepAlive = head.keepAlive;
    this.#framing = clientFraming(head, x.minor);
    this.#body.start(head.bodyLength);
    this.#state = 'body';
    // An answer before the request's end: what the client still sends must never be read as a request.
    if (this.#framing === 'close' || !x.requestDone) x.keepAlive = false;
    x.keepAlive = x.client.willKeepAlive(x);
  }

  /** Passes on body bytes. @param isFirst the head was written just now, and the socket is corked already. */
  #relay(x: Exchange, bytes: Buffer, from: number, isFirst: boolean): void {
    const end = bytes.length;
    const out = x.client.out;
    if (!isFirst) out.cork();
    const step = this.#body.gather(bytes, from, end);
    if (this.#body.dataEnd > from) {
      out.sendBytes(bytes.subarray(from, this.#body.dataEnd), this.#framing === 'chunked');
    }
    if (step === END && this.#framing === 'chunked') out.sendLastChunk();
    out.uncork();
    x.client.touch();
    if (step === BROKEN || step === EXCESS) {
      this.#fail(REASON.upstreamProtocol, 'invalid chunked body');
      return;
    }
    if (step === END && this.#body.position !== end) this.#keepAlive = false;
    // The client's socket still reads from our buffer: neither read into it nor serve another exchange before the flush.
    if (out.isBackedUp) this.#isPaused = true;
    else if (step === END) this.#complete(x);
  }

  #complete(x: Exchange): void {
    const canReuse = this.#keepAlive && x.requestDone;
    this.#exchange = null;
    this.#isPaused = false;
    // Free before the news: the client's next pipelined request may take this very connection.
    if (canReuse && this.#state !== 'closed') this.#leave();
    else this.destroy();
    this.#events.completed(x);
  }

  /** The upstream said it is done: the regular end of a body that ends with its connection. */
  #ended(): void {
    const x = this.#exchange;
    if (x !== null && this.#state === 'body' && this.#body.endsWithConnection) {
      this.#body.start(0);
      if (this.#framing === 'chunked') x.client.out.sendLastChunk();
      this.#keepAlive = false;
      if (x.client.out.isBackedUp) this.#isPaused = true;
      else this.#complete(x);
      return;
    }
    this.#broken('closed');
  }

  #broken(detail: string): void {
    if (this.#state === 'closed') return;
    if (this.#state === 'connecting') {
      this.#lane.recorder.connectFailed(this.#endpoint.id);
      this.#fail(connectReason(detail), `${detail} while connecting`);
    } else if (this.#state === 'body') {
      // The whole response is here and only waits for a slow client: not a failure, but nothing to use again.
      if (this.#body.isDone && this.#isPaused) this.#keepAlive = false;
      else this.#fail(REASON.upstreamTruncated, 'the response ended early');
    } else {
      this.#fail(REASON.upstreamReset, `${detail} before the response`);
    }
  }

  #fail(reason: Reason, detail: string): -1 {
    const x = this.#exchange;
    this.destroy();
    if (x !== null) this.#events.failed(x, reason, detail);
    return -1;
  }

  #close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#lane.deadlines.remove(this);
    this.#endpoint.pool.forget(this, this.#wasConnected);
  }
}

/** Whose fault a failed connect is: running out of descriptors or ports is the gateway's own. */
function connectReason(code: string): Reason {
  if (code === 'ETIMEDOUT') return REASON.connectTimeout;
  return OWN_LIMITS.has(code) ? REASON.shed : REASON.connectRefused;
}
