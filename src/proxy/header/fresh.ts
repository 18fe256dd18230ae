/**
 * Ids for requests that bring none, as the lines in which they go upstream. Hot path.
 *
 * ```
 * X-Request-Id: <32 digits> CRLF traceparent: 00-<the same 32>-<16 digits>-00 CRLF
 * ```
 * Unique but not secret: 128 and 64 random bits from a seeded generator. Many are made at a time, as one string of which
 * each request takes its piece. Source: W3C Trace Context level 2, section 3.2.2.
 */

import { latin1Of } from '../../lib/latin1.ts';
import type { Random } from '../../lib/random.ts';

const TRACE_DIGITS = 32;
const SPAN_DIGITS = 16;
/** Lines made at a time. */
const BATCH = 64;
const WORDS = (TRACE_DIGITS + SPAN_DIGITS) / 8;
const HEX_DIGITS = Buffer.from('0123456789abcdef', 'latin1');

const ID_AT = 'X-Request-Id: '.length;
const TRACE_AT = ID_AT + TRACE_DIGITS + '\r\ntraceparent: 00-'.length;
const SPAN_AT = TRACE_AT + TRACE_DIGITS + 1;

/** The lines of one id. @param digits 48 hexadecimal digits: trace and request id, span id. */
export function freshLines(digits: string): string {
  const trace = digits.slice(0, TRACE_DIGITS);
  return `X-Request-Id: ${trace}\r\ntraceparent: 00-${trace}-${digits.slice(TRACE_DIGITS)}-00\r\n`;
}

/** The id that such lines give the request, 32 digits; the trace's is the same. */
export function traceOf(lines: string): string {
  return lines.slice(TRACE_AT, TRACE_AT + TRACE_DIGITS);
}

/** The span id in them, 16 digits. */
export function spanOf(lines: string): string {
  return lines.slice(SPAN_AT, SPAN_AT + SPAN_DIGITS);
}

/** Makes such lines; one per worker. */
export class FreshLines {
  readonly #random: Random;
  readonly #bytes: Buffer;
  readonly #length: number;
  /** Of `#bytes`, each piece for itself. */
  readonly #pieces: readonly Uint8Array[];
  #batch = '';
  #next = BATCH;
  /** What `next` gave last. */
  #last = '';

  constructor(random: Random) {
    const empty = freshLines('0'.repeat(TRACE_DIGITS + SPAN_DIGITS));
    this.#random = random;
    this.#bytes = Buffer.from(empty.repeat(BATCH), 'latin1');
    this.#length = empty.length;
    this.#pieces = Array.from({ length: BATCH }, (_, i) =>
      this.#bytes.subarray(i * empty.length, (i + 1) * empty.length),
    );
  }

  /** Lines with ids that no other request has. Neither id is all zero. */
  next(): string {
    if (this.#next === BATCH) this.#fill();
    const at = this.#next++ * this.#length;
    this.#last = this.#batch.slice(at, at + this.#length);
    return this.#last;
  }

  /** Are these lines the ones that `next` gave last? Then `put` can put them down. */
  has(lines: string): boolean {
    return lines === this.#last;
  }

  /** Puts the lines that `next` gave last to `out[at..]`, which must have room. @returns how many bytes they are */
  put(out: Uint8Array, at: number): number {
    out.set(this.#pieces[this.#next - 1] as Uint8Array, at);
    return this.#length;
  }

  #fill(): void {
    for (let i = 0; i < BATCH; i++) this.#put(i * this.#length);
    this.#batch = latin1Of(this.#bytes, 0, this.#bytes.length);
    this.#next = 0;
  }

  #put(at: number): void {
    const bytes = this.#bytes;
    for (let word = 0; word < WORDS; word++) {
      let bits = this.#random.nextUint32();
      // An id of zeros is invalid.
      if (word % 4 === 0) bits |= 1;
      const to = at + (word < 4 ? TRACE_AT : SPAN_AT - TRACE_DIGITS) + word * 8;
      for (let digit = 0; digit < 8; digit++) {
        bytes[to + digit] = HEX_DIGITS[(bits >>> (4 * digit)) & 15] as number;
      }
    }
    bytes.copyWithin(at + ID_AT, at + TRACE_AT, at + TRACE_AT + TRACE_DIGITS);
  }
}

/** Word n (0..3) of a 32-digit hex id, ignoring dashes; 0 when it is not such an id. Off the hot path: bad events only. */
export function idWords(id: string): [number, number, number, number] {
  const digits = id.replaceAll('-', '');
  if (!/^[0-9a-f]{32}$/i.test(digits)) return [0, 0, 0, 0];
  const word = (n: number): number => Number.parseInt(digits.slice(n * 8, n * 8 + 8), 16) | 0;
  return [word(0), word(1), word(2), word(3)];
}
