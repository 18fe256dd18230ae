/**
 * The upstream's side of a tunnel as http-proxy-3 gets to see it.
 *
 * The handshake is over when this is made: our own request was answered with a 101 that was checked. http-proxy-3 and the
 * node:http client below it want to shake hands themselves, so their request is swallowed here and answered with the
 * sanitized 101. Nothing but bytes of an open tunnel goes through to the upstream.
 *
 * ```
 * asked (their request is swallowed) ─▸ answered (the 101 goes down) ─▸ open (bytes both ways) ─▸ leaving
 * ```
 */

import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { closeFrame, FrameScanner, GOING_AWAY, maskedCloseFrame } from './frames.ts';

/** Which side of a tunnel. */
export type Side = 'client' | 'upstream';

export interface FarEndSetup {
  /** Connected, with our request answered by a 101; paused. */
  readonly upstream: Socket;
  /** The 101 for the client. */
  readonly head: string;
  /** What came behind the upstream's 101. */
  readonly rest: Buffer;
  /** WebSocket: frames are followed, so that goodbye can be said between two. */
  readonly hasFrames: boolean;
  /** Masking key of a close frame. */
  readonly key: number;
  /** Bytes moved, in whichever direction. */
  readonly touched: () => void;
}

const NOTHING = Buffer.alloc(0);

type Phase = 'asked' | 'answered' | 'open';

export class FarEnd extends Duplex {
  /** Who sent the first close frame. */
  closer: Side | null = null;
  /** Status that the gateway says goodbye with. */
  #code = GOING_AWAY;
  readonly #upstream: Socket;
  readonly #touched: () => void;
  readonly #key: number;
  /** What goes down first; let go of once it has. */
  #head: string;
  #rest: Buffer;
  readonly #down: FrameScanner | null;
  readonly #up: FrameScanner | null;
  #phase: Phase = 'asked';
  #asked = '';
  #isLeaving = false;
  /** Nothing more goes down to the client; up to the upstream. */
  #isDownEnded = false;
  #isUpEnded = false;
  #whenDrained: (() => void) | null = null;

  constructor(setup: FarEndSetup) {
    super({ allowHalfOpen: true });
    this.#upstream = setup.upstream;
    this.#touched = setup.touched;
    this.#key = setup.key;
    this.#head = setup.head;
    this.#rest = setup.rest;
    this.#down = setup.hasFrames ? new FrameScanner() : null;
    this.#up = setup.hasFrames ? new FrameScanner() : null;
    this.#upstream.on('data', (bytes: Buffer) => this.#fromUpstream(bytes));
    this.#upstream.on('end', () => this.#endDown());
    this.#upstream.on('error', (error) => this.destroy(error));
    this.#upstream.on('drain', () => this.#drained());
    // A regular end may still have bytes to give to a slow client.
    this.#upstream.on('close', () => {
      if (!this.#isDownEnded) this.destroy();
    });
  }

  /** Both pipes are laid. */
  opened(): void {
    if (this.#phase === 'answered') this.#phase = 'open';
    if (this.#isLeaving) this.#sayGoodbye();
  }

  /** Of the first close frame; 0 without one, and without a status in it. */
  get closeCode(): number {
    const frames = this.closer === 'client' ? this.#up : this.#down;
    return this.closer === null || frames === null ? 0 : frames.closeCode;
  }

  /** Ends both directions, each between two frames and with a close frame where there are frames. */
  leave(code = GOING_AWAY): void {
    this.#code = code;
    this.#isLeaving = true;
    this.#sayGoodbye();
  }

  // What http-proxy-3 and node:http set on sockets was set on ours when it was connected.
  setTimeout(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  override _read(): void {
    if (this.#phase !== 'asked') this.#upstream.resume();
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#phase === 'asked') {
      this.#asked += bytes.toString('latin1');
      if (this.#asked.endsWith('\r\n\r\n')) this.#answer();
      done();
    } else if (this.#phase === 'answered') done(new Error('bytes for the upstream before the tunnel was open'));
    else this.#fromClient(bytes, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#isUpEnded = true;
    // Called with an error when the upstream is gone; that is told by its own event.
    this.#upstream.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#upstream.destroy();
    done(error);
  }

  #answer(): void {
    this.#phase = 'answered';
    this.push(this.#head, 'latin1');
    if (this.#rest.length > 0) this.#fromUpstream(this.#rest);
    this.#head = '';
    this.#rest = NOTHING;
    if (this.#isLeaving) this.#sayGoodbye();
    this.#upstream.resume();
  }

  #fromUpstream(bytes: Buffer): void {
    this.#touched();
    if (this.#isDownEnded) return;
    const taken = this.#follow(this.#down, bytes, 'upstream');
    if (!this.push(taken === bytes.length ? bytes : bytes.subarray(0, taken))) this.#upstream.pause();
    if (this.#isLeaving && this.#down?.isBetween === true) this.#sayGoodbyeDown();
  }

  #fromClient(bytes: Buffer, done: () => void): void {
    this.#touched();
    if (this.#isUpEnded) {
      done();
      return;
    }
    const taken = this.#follow(this.#up, bytes, 'client');
    const isTaken = this.#upstream.write(taken === bytes.length ? bytes : bytes.subarray(0, taken));
    if (this.#isLeaving && this.#up?.isBetween === true) this.#sayGoodbyeUp();
    if (isTaken || this.#isUpEnded) done();
    else this.#whenDrained = done;
  }

  #follow(frames: FrameScanner | null, bytes: Buffer, side: Side): number {
    if (frames === null) return bytes.length;
    const taken = frames.scan(bytes, this.#isLeaving);
    if (frames.sawClose) this.closer ??= side;
    return taken;
  }

  #drained(): void {
    const done = this.#whenDrained;
    this.#whenDrained = null;
    done?.();
  }

  /** In each direction that has begun and is between two frames; the others follow when theirs ends. */
  #sayGoodbye(): void {
    if (this.#phase !== 'asked' && this.#down?.isBetween !== false) this.#sayGoodbyeDown();
    if (this.#phase === 'open' && this.#up?.isBetween !== false) this.#sayGoodbyeUp();
  }

  #sayGoodbyeDown(): void {
    if (this.#isDownEnded) return;
    if (this.#down?.sawClose === false) this.push(closeFrame(this.#code));
    this.#endDown();
    this.#endUp();
    // What still comes is thrown away, but its end must be seen.
    this.#upstream.resume();
  }

  #sayGoodbyeUp(): void {
    if (this.#isUpEnded) return;
    this.#isUpEnded = true;
    if (this.#up?.sawClose === false) this.#upstream.write(maskedCloseFrame(this.#key, this.#code));
    this.#endUp();
    this.#drained();
  }

  /** Not before the upstream's last frame went down: to many servers a FIN means that nobody reads any more. */
  #endUp(): void {
    if (this.#isUpEnded && this.#isDownEnded) this.#upstream.end();
  }

  #endDown(): void {
    if (this.#isDownEnded) return;
    this.#isDownEnded = true;
    this.push(null);
  }
}
