/**
 * Ids for requests that bring none, as the lines in which they go upstream. Hot path.
 *
 * ```
 * X-Request-Id: <32 digits> CRLF traceparent: 00-<the same 32>-<16 digits>-00 CRLF
 * ```
 * Unique but not secret: 128 and 64 random bits from a seeded generator. Many are made at a time, where heads are put
 * together: as bytes for those that only go upstream, and as one string of which each request takes its id. Source: W3C Trace Context level 2, section 3.2.2.
 */

import { latin1Of, putLatin1 } from '../../lib/latin1.ts';
import type { Random } from '../../lib/random.ts';
import { code, putForGood, whole } from '../wire/memory/memory.ts';

const TRACE_DIGITS = 32;
const SPAN_DIGITS = 16;
/** Lines made at a time. */
const BATCH = 64;

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

const EMPTY = freshLines('0'.repeat(TRACE_DIGITS + SPAN_DIGITS));
/** Length of such lines. */
export const LINES_BYTES: number = EMPTY.length;
/** Where a batch stands, of who made one last. */
const BATCH_AT = putForGood(Buffer.from(EMPTY.repeat(BATCH), 'latin1'));
let owner = 0;
let made = 0;

/** Makes such lines; one per worker. */
export class FreshLines {
  readonly #id = ++made;
  readonly #random: Random;
  #batch = '';
  #next = BATCH;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Lines with ids that no other request has. Neither id is all zero. */
  next(): string {
    this.advance();
    return this.lines;
  }

  /** Goes on to the next ones, of which nobody has asked the text yet. */
  advance(): void {
    if (this.#next === BATCH) this.#fill();
    this.#next++;
  }

  /** The lines that it has gone on to. */
  get lines(): string {
    const at = (this.#next - 1) * LINES_BYTES;
    return this.#batch.slice(at, at + LINES_BYTES);
  }

  /** The id in them that the request has, and its trace. */
  get trace(): string {
    const at = (this.#next - 1) * LINES_BYTES + TRACE_AT;
    return this.#batch.slice(at, at + TRACE_DIGITS);
  }

  /** Puts them to `out[at..]`, which must have room. @returns how many bytes they are */
  put(out: Buffer, at: number): number {
    if (out === whole && owner === this.#id) code.copy(at, BATCH_AT + (this.#next - 1) * LINES_BYTES, LINES_BYTES);
    else putLatin1(out, this.lines, at);
    return LINES_BYTES;
  }

  #fill(): void {
    for (let i = 0; i < BATCH; i++) this.#make(BATCH_AT + i * LINES_BYTES);
    this.#batch = latin1Of(whole, BATCH_AT, BATCH_AT + BATCH * LINES_BYTES);
    this.#next = 0;
    owner = this.#id;
  }

  #make(at: number): void {
    const random = this.#random;
    // An id of zeros is invalid.
    code.hex(at + TRACE_AT, random.nextUint32() | 1, random.nextUint32());
    code.hex(at + TRACE_AT + TRACE_DIGITS / 2, random.nextUint32(), random.nextUint32());
    code.hex(at + SPAN_AT, random.nextUint32() | 1, random.nextUint32());
    code.copy(at + ID_AT, at + TRACE_AT, TRACE_DIGITS);
  }
}

/** Word n (0..3) of a 32-digit hex id, ignoring dashes; 0 when it is not such an id. Off the hot path: bad events only. */
export function idWords(id: string): [number, number, number, number] {
  const digits = id.replaceAll('-', '');
  if (!/^[0-9a-f]{32}$/i.test(digits)) return [0, 0, 0, 0];
  const word = (n: number): number => Number.parseInt(digits.slice(n * 8, n * 8 + 8), 16) | 0;
  return [word(0), word(1), word(2), word(3)];
}
