/**
 * The server of one stream of a conversation (`conversation.ts`): takes of the request what it likes when it likes, and so it answers.
 * What it has written may be overwritten as soon as its stream is not backed up, and is.
 */

import assert from 'node:assert/strict';
import type { Http2Stream } from '#src/proxy/http2/session/stream.ts';
import type { StreamOwner } from '#src/proxy/http2/session/terms.ts';

/** A whole number from 0, below `below`. */
export type Draw = (below: number) => number;

/** The byte at a place of a stream's body, of either direction. */
function byteAt(id: number, at: number): number {
  return (id * 7 + at * 31 + (at >>> 8)) & 0xff;
}

export function bodyOf(id: number, from: number, end: number): Buffer {
  const body = Buffer.allocUnsafe(end - from);
  for (let at = from; at < end; at++) body[at - from] = byteAt(id, at);
  return body;
}

export function assertBody(id: number, from: number, bytes: Buffer): void {
  assert.ok(bytes.equals(bodyOf(id, from, from + bytes.length)), `bytes of stream ${id} from ${from} on`);
}

export class Server implements StreamOwner {
  readonly stream: Http2Stream;
  readonly #draw: Draw;
  taken = 0;
  written = 0;
  hasAnswered = false;
  isDone = false;
  /** Gave up on it, so that it may be reset. */
  hasWaived = false;
  isClosed = false;
  /** Written, and not to change while it is backed up. */
  #lent: Buffer[] = [];

  constructor(stream: Http2Stream, draw: Draw) {
    this.stream = stream;
    this.#draw = draw;
  }

  takes(bytes: Buffer, from: number, end: number): boolean {
    if (this.#draw(2) === 0) return false;
    this.#take(bytes.subarray(from, end));
    return true;
  }

  arrived(): void {
    if (this.hasWaived) this.stream.discard();
    else if (this.#draw(2) === 0) this.read();
  }

  flushed(): void {
    assert.ok(!this.stream.isBackedUp);
    this.#spoil();
  }

  finished(): void {
    assert.ok(this.isDone && this.stream.hasFinished);
  }

  closed(): void {
    assert.ok(!this.isClosed, 'it is closed once');
    this.isClosed = true;
  }

  read(): void {
    const bytes = this.stream.read();
    if (bytes !== null) this.#take(bytes);
  }

  answer(): void {
    if (this.isClosed || this.isDone || this.stream.isBackedUp) return;
    if (!this.hasAnswered) {
      this.hasAnswered = true;
      this.stream.respond([':status', '200', 'x-n', String(this.#draw(40))], false);
      return;
    }
    const byteCount = this.#draw(this.#draw(2) === 0 ? 100 : 100_000);
    const bytes = bodyOf(this.stream.id, this.written, this.written + byteCount);
    this.written += byteCount;
    this.isDone = this.#draw(6) === 0;
    this.#lent.push(bytes);
    this.stream.write(bytes, 0, byteCount, this.isDone);
    if (!this.stream.isBackedUp) this.#spoil();
  }

  end(): void {
    if (this.isClosed || this.isDone) return;
    this.isDone = true;
    if (!this.hasAnswered) this.stream.respond([':status', '204'], true);
    else this.stream.end(this.#draw(2) === 0 ? null : ['x-sum', '42']);
  }

  waive(): void {
    this.hasWaived = true;
    this.stream.waive();
  }

  cut(): void {
    this.hasWaived = true;
    this.stream.cut();
  }

  #take(bytes: Buffer): void {
    // What came before it was given up is gone.
    if (this.hasWaived) return;
    assertBody(this.stream.id, this.taken, bytes);
    this.taken += bytes.length;
  }

  /** Nobody may rely on it any more. */
  #spoil(): void {
    for (const bytes of this.#lent) bytes.fill(0xee);
    this.#lent = [];
  }
}
