/**
 * Cuts a message body out of a byte stream, strictly. Hot path.
 *
 * Pull style, so that no callback or buffer is needed: call `next(bytes, from, end)` until it says `MORE`; after `DATA`
 * the span is `bytes[dataStart..dataEnd)`; `position` is where to go on. Chunk sizes are hexadecimal digits only, every
 * line ends in CRLF, extensions are bounded and dropped, trailers are bounded and kept as text where they are wanted.
 *
 * ```
 * size ─▸ extension ─▸ LF ─▸ data ─▸ CR ─▸ LF ─▸ size …
 *   └────────(size 0)──▸ LF ─▸ trailer lines ─▸ LF ─▸ done
 * ```
 * Source: RFC 9112 sections 6.3, 7.1.
 */

import type { TrailerLimits } from '../../model/threads/requests/trailers.ts';
import { COLON, CR, FIELD_VALUE, HEX, HTAB, LF, SP, TOKEN_FOLD } from './chars.ts';
import { CHUNKED } from './framing.ts';

/** Feed more bytes. */
export const MORE = 0;
/** A span of body bytes is ready. */
export const DATA = 1;
/** The body is complete; `position` is the first byte after it. */
export const END = 2;
/** The framing is broken. */
export const BROKEN = 3;
/** Trailers or extensions exceed their limit. */
export const EXCESS = 4;

export type BodyStep = typeof MORE | typeof DATA | typeof END | typeof BROKEN | typeof EXCESS;

/** Length of a body that ends with its connection. */
export const UNTIL_CLOSE = Number.POSITIVE_INFINITY;

const SEMICOLON = 59;
const EXTENSION_BYTES_MAX = 1024;
/** Of what the gateway has let pass itself, whatever was configured then. */
const ANY_TRAILERS: TrailerLimits = {
  trailerBytesMax: Number.POSITIVE_INFINITY,
  trailerCountMax: Number.POSITIVE_INFINITY,
};
const SIZE_DIGITS_MAX = 16;

type State =
  | 'length'
  | 'size'
  | 'extension-gap'
  | 'extension'
  | 'size-lf'
  | 'data'
  | 'data-cr'
  | 'data-lf'
  | 'trailer-start'
  | 'trailer-name'
  | 'trailer-value'
  | 'trailer-lf'
  | 'end-lf'
  | 'done';

/** Decoder of one message body after another on a connection. */
export class BodyReader {
  position = 0;
  dataStart = 0;
  dataEnd = 0;
  /** Body bytes delivered so far (without chunk framing). */
  received = 0;
  #state: State = 'done';
  #left = 0;
  #digits = 0;
  #extensionBytes = 0;
  #trailerBytes = 0;
  #trailerCount = 0;
  #wantsTrailers = false;
  #limits = ANY_TRAILERS;
  #trailers = '';

  /**
   * Starts a body.
   * @param length bytes, `CHUNKED`, or `UNTIL_CLOSE`. @param wantsTrailers keep trailer lines. @param limits of trailers, wherever
   *   it is somebody else's.
   */
  start(length: number, wantsTrailers = false, limits: TrailerLimits = ANY_TRAILERS): void {
    this.#limits = limits;
    this.received = 0;
    this.#left = length === CHUNKED ? 0 : length;
    this.#state = length === CHUNKED ? 'size' : length === 0 ? 'done' : 'length';
    this.#digits = 0;
    this.#extensionBytes = 0;
    this.#trailerBytes = 0;
    this.#trailerCount = 0;
    this.#wantsTrailers = wantsTrailers;
    this.#trailers = '';
  }

  /** A body that nothing within it ends (`UNTIL_CLOSE`) has ended. @param trailers its trailer lines, each with its CRLF */
  finish(trailers: string): void {
    this.#left = 0;
    this.#state = 'done';
    this.dataStart = 0;
    this.dataEnd = 0;
    this.#trailers = trailers;
  }

  /** Once the body is done: its trailer lines, each with its CRLF, as they came; empty unless they were wanted. */
  get trailers(): string {
    return this.#trailers;
  }

  /** True once the body's last byte was consumed. */
  get isDone(): boolean {
    return this.#state === 'done';
  }

  /** True for a body that only the end of the connection ends. */
  get endsWithConnection(): boolean {
    return this.#state === 'length' && this.#left === UNTIL_CLOSE;
  }

  /** Consumes bytes up to the next event. Cost: O(bytes of framing); spans of data are not copied. */
  next(bytes: Uint8Array, from: number, end: number): BodyStep {
    this.position = from;
    while (this.#state !== 'done') {
      if (this.position >= end) return MORE;
      if (this.#state === 'length' || this.#state === 'data') return this.#takeData(end);
      const step = this.#frame(bytes[this.position++] as number);
      if (step !== MORE) return step;
    }
    return END;
  }

  /**
   * Consumes everything from `from` on and moves the body's bytes together in place, to `bytes[from..dataEnd)`: however
   * small the chunks are, what arrived together is passed on together.
   * @returns the first step that is not `DATA`; `dataStart` is `from`.
   */
  gather(bytes: Uint8Array, from: number, end: number): Exclude<BodyStep, typeof DATA> {
    let into = from;
    let step = this.next(bytes, from, end);
    while (step === DATA) {
      if (this.dataStart !== into) bytes.copyWithin(into, this.dataStart, this.dataEnd);
      into += this.dataEnd - this.dataStart;
      step = this.next(bytes, this.position, end);
    }
    this.dataStart = from;
    this.dataEnd = into;
    return step;
  }

  #takeData(end: number): BodyStep {
    const take = Math.min(this.#left, end - this.position);
    this.dataStart = this.position;
    this.dataEnd = this.position + take;
    this.position += take;
    this.received += take;
    this.#left -= take;
    if (this.#left === 0) this.#state = this.#state === 'data' ? 'data-cr' : 'done';
    return DATA;
  }

  #frame(byte: number): BodyStep {
    switch (this.#state) {
      case 'size':
        return this.#sizeByte(byte);
      case 'extension-gap':
        return this.#extensionGapByte(byte);
      case 'extension':
        return this.#extensionByte(byte);
      case 'size-lf':
        return this.#expect(byte, LF, this.#left === 0 ? 'trailer-start' : 'data');
      case 'data-cr':
        return this.#expect(byte, CR, 'data-lf');
      case 'data-lf':
        this.#digits = 0;
        return this.#expect(byte, LF, 'size');
      default:
        return this.#trailerByte(byte);
    }
  }

  #expect(byte: number, wanted: number, next: State): BodyStep {
    if (byte !== wanted) return BROKEN;
    this.#state = next;
    return MORE;
  }

  #sizeByte(byte: number): BodyStep {
    const digit = HEX[byte] as number;
    if (digit !== 0) {
      if (++this.#digits > SIZE_DIGITS_MAX) return BROKEN;
      this.#left = this.#digits === 1 ? digit - 1 : this.#left * 16 + (digit - 1);
      return this.#left <= Number.MAX_SAFE_INTEGER ? MORE : BROKEN;
    }
    if (this.#digits === 0) return BROKEN;
    if (byte === CR) this.#state = 'size-lf';
    else return this.#extensionGapByte(byte);
    return MORE;
  }

  /** White space may stand before the semicolon of an extension, but not before the CRLF. */
  #extensionGapByte(byte: number): BodyStep {
    if (byte === SEMICOLON) this.#state = 'extension';
    else if (byte === SP || byte === HTAB) this.#state = 'extension-gap';
    else return BROKEN;
    return ++this.#extensionBytes > EXTENSION_BYTES_MAX ? EXCESS : MORE;
  }

  #extensionByte(byte: number): BodyStep {
    if (byte === CR) {
      this.#state = 'size-lf';
      return MORE;
    }
    if (FIELD_VALUE[byte] !== 1) return BROKEN;
    return ++this.#extensionBytes > EXTENSION_BYTES_MAX ? EXCESS : MORE;
  }

  #trailerByte(byte: number): BodyStep {
    if (++this.#trailerBytes > this.#limits.trailerBytesMax) return EXCESS;
    if (this.#wantsTrailers) this.#trailers += String.fromCharCode(byte);
    switch (this.#state) {
      case 'trailer-start':
        if (byte !== CR && ++this.#trailerCount > this.#limits.trailerCountMax) return EXCESS;
        if (byte !== CR) return this.#trailerNameByte(byte, true);
        // The empty line is not one of them.
        this.#trailers = this.#trailers.slice(0, -1);
        this.#wantsTrailers = false;
        return this.#expect(byte, CR, 'end-lf');
      case 'trailer-name':
        return this.#trailerNameByte(byte, false);
      case 'trailer-value':
        if (byte === CR) return this.#expect(byte, CR, 'trailer-lf');
        return FIELD_VALUE[byte] === 1 ? MORE : BROKEN;
      case 'trailer-lf':
        return this.#expect(byte, LF, 'trailer-start');
      default:
        return this.#expect(byte, LF, 'done');
    }
  }

  #trailerNameByte(byte: number, isFirst: boolean): BodyStep {
    if (byte === COLON && !isFirst) this.#state = 'trailer-value';
    else if (TOKEN_FOLD[byte] !== 0) this.#state = 'trailer-name';
    else return BROKEN;
    return MORE;
  }
}
