/**
 * The body of a request on its way into a stream.
 *
 * What may have to be sent again is copied and kept in HTTP/1.1's framing, as another attempt may speak that; what nobody will
 * need again is written from where it stands, and the stream is backed up until it has left. The stream takes what the
 * endpoint's window allows, so that a client sends no faster than the endpoint reads.
 * Source: RFC 9113 section 5.2.
 */

import type { ClientHttp2Stream } from 'node:http2';
import type { Writable } from 'node:stream';
import { beginTurn } from '../../../lib/clock.ts';
import type { Exchange } from '../../exchange.ts';
import { BodyReader, END } from '../../http1/body.ts';
import { CHUNKED } from '../../http1/framing.ts';
import { LAST_CHUNK } from '../../http1/relay.ts';
import { allowedTrailers } from '../../http1/trailers.ts';
import { copyOf, keepPiece, type Piece } from '../replay.ts';
import { trailersOf } from './request.ts';

export class RequestBody {
  /** The stream, or what passes it on slowly. */
  readonly #into: Writable;
  readonly #ready: () => void;
  /** Writes from memory that is not ours. */
  #borrowed = 0;
  #trailers = '';

  /** @param into the stream itself, or what leads there. @param ready called when it is not backed up any more */
  constructor(stream: ClientHttp2Stream, into: Writable, ready: () => void) {
    this.#into = into;
    this.#ready = ready;
    into.on('drain', () => this.#settled());
    stream.on('wantTrailers', () => stream.sendTrailers(trailersOf(this.#trailers)));
  }

  get isBackedUp(): boolean {
    return this.#borrowed > 0 || this.#into.writableNeedDrain;
  }

  /** Sends what has been taken of the body; with a request that is complete, all of it. */
  begin(x: Exchange): void {
    const { replay } = x;
    if (replay === null) return;
    const pieces = replay.text === '' ? replay.pieces : [Buffer.from(replay.text, 'latin1'), ...replay.pieces];
    if (x.bodyLength === CHUNKED) this.#unframe(x, pieces);
    else {
      for (const piece of pieces) this.#into.write(piece);
      if (x.requestDone) this.#into.end();
    }
  }

  /** Sends some more. */
  send(x: Exchange, sent: Piece): void {
    const { bytes, body, isEnd, isOwn } = sent;
    if (x.retrying !== null && x.retrying.copying !== null) x.client.lane.mirrors.take(x, x.retrying.copying, sent);
    const isFramed = x.bodyLength === CHUNKED;
    const part = bytes.subarray(body.dataStart, body.dataEnd);
    const trailers = isFramed && isEnd ? allowedTrailers(body.trailers, x.table.names) : '';
    if (isOwn) this.#lend(x, part);
    else this.#copy(x, part, isFramed && isEnd ? `0\r\n${trailers}\r\n` : '');
    if (isEnd) this.#end(trailers);
  }

  #lend(x: Exchange, part: Buffer): void {
    x.dropBody();
    if (part.length === 0) return;
    this.#borrowed++;
    this.#into.write(part, () => {
      this.#borrowed--;
      this.#settled();
    });
  }

  /** @param last what ends the body in HTTP/1.1's framing, or nothing */
  #copy(x: Exchange, part: Buffer, last: string): void {
    const copy = Buffer.from(part);
    if (copy.length > 0) this.#into.write(copy);
    const kept = x.bodyLength === CHUNKED ? copyOf(copy, true, last) : copy;
    if (kept.length > 0) keepPiece(x, kept);
  }

  /** Sends what is kept in HTTP/1.1's framing, which stays as it is. */
  #unframe(x: Exchange, pieces: readonly Buffer[]): void {
    const reader = new BodyReader();
    reader.start(CHUNKED, x.wantsTrailers);
    for (const piece of pieces) {
      const bytes = Buffer.from(piece);
      const step = reader.gather(bytes, 0, bytes.length);
      if (reader.dataEnd > 0) this.#into.write(bytes.subarray(0, reader.dataEnd));
      if (step === END) this.#end(reader.trailers);
    }
  }

  #end(trailers: string): void {
    this.#trailers = trailers;
    this.#into.end();
  }

  #settled(): void {
    beginTurn();
    if (!this.isBackedUp) this.#ready();
  }
}

/** Is a chunked request's body here as a whole, with nothing behind it? Only one that came along with its head counts. */
export function endsWithoutTrailers({ requestDone, replay }: Pick<Exchange, 'requestDone' | 'replay'>): boolean {
  if (!requestDone || replay === null || replay.pieces.length > 0) return false;
  // No line of trailers is a number alone.
  return replay.text === LAST_CHUNK || replay.text.endsWith(`\r\n${LAST_CHUNK}`);
}

/** Body bytes as a chunk of HTTP/1.1. Cost: a copy, and one write instead of three. */
export function chunkOf(bytes: Buffer): Buffer {
  return copyOf(bytes, true, '');
}
