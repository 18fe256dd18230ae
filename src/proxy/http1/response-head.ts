/**
 * Strict parser of HTTP/1.1 response heads. Hot path.
 *
 * As strict as the request parser: an upstream whose framing is ambiguous becomes a 502, never a guess. One instance
 * per worker; what outlives the parse is copied out.
 * Source: RFC 9112 sections 4, 6.3, 9.3; RFC 9110 sections 6.4.1, 15.
 */

import type { Limits } from '../../model/config.ts';
import { UNTIL_CLOSE } from './body.ts';
import { CR, FIELD_VALUE, LF, SP } from './chars.ts';
import { type FieldPolicy, FieldTable } from './fields/field-table.ts';
import type { NameTable } from './fields/names.ts';
import { INCOMPLETE } from './fields/scanner.ts';
import { bodyLength, CHUNKED, connectionOptions, UNFRAMED } from './framing.ts';

const VERSION = [72, 84, 84, 80, 47, 49, 46];
/** `HTTP/1.1 200` is 12 bytes; the status code starts at 9. */
const STATUS_AT = 9;
const STATUS_END = 12;
const NO_NAMES: ReadonlySet<string> = new Set();

export class ResponseHead {
  readonly fields: FieldTable;
  status = 0;
  minor = 1;
  /** It came as HTTP/2, and was put into this form. Whoever does so says it after `parse`. */
  isHttp2 = false;
  /** Body bytes, `CHUNKED`, or `UNTIL_CLOSE`. */
  bodyLength = 0;
  /** May the upstream connection be used again after this response? */
  keepAlive = true;
  /** Why it was refused. */
  detail = '';
  readonly #headBytesMax: number;
  #lineEnd = 0;

  constructor(names: NameTable, limits: Limits, policyOf?: (id: number) => FieldPolicy) {
    this.fields = new FieldTable('response', names, limits.headerCountMax, policyOf);
    this.#headBytesMax = limits.headBytesMax;
  }

  /**
   * Parses one head from `bytes[from..end)` that answers a request.
   * @param isHead the request's method was HEAD: no body whatever the fields say.
   * @returns the offset after the head; 0 when incomplete; -1 when refused (`detail`).
   */
  parse(bytes: Buffer, from: number, end: number, isHead: boolean): number {
    const lineEnd = this.#scanLine(bytes, from, end);
    if (lineEnd <= 0) return lineEnd < 0 ? -1 : this.#incomplete(end - from);
    const headEnd = this.fields.scan(bytes, from, lineEnd, end);
    if (headEnd === INCOMPLETE) return this.#incomplete(end - from);
    if (headEnd < 0) return this.#refuse('malformed or too many header fields');
    if (headEnd - from > this.#headBytesMax) return this.#refuse('head too long');
    this.fields.hold(bytes, from, headEnd);
    return this.#checkFraming(isHead) ? headEnd : -1;
  }

  /** `200 OK`: status code and reason phrase, as received. */
  get statusText(): string {
    return this.fields.text.slice(STATUS_AT, this.#lineEnd - 2);
  }

  /** Version that it was received in, as `Via` has it. */
  get version(): string {
    return this.isHttp2 ? '2' : `1.${this.minor}`;
  }

  /** Does a space follow the status code? It must, and is forgotten by some. RFC 9112 section 4. */
  get hasReasonSpace(): boolean {
    return this.#lineEnd - 2 > STATUS_END;
  }

  #refuse(detail: string): -1 {
    this.detail = detail;
    return -1;
  }

  #incomplete(length: number): 0 | -1 {
    return length > this.#headBytesMax ? this.#refuse('head too long') : 0;
  }

  #scanLine(bytes: Buffer, from: number, end: number): number {
    for (let i = 0; i < VERSION.length; i++) {
      if (from + i >= end) return 0;
      if (bytes[from + i] !== VERSION[i]) return this.#refuse('not an HTTP/1.x response');
    }
    // Too short to be understood, and no line yet: the CR that ends one stands behind the status code.
    if (from + STATUS_END >= end) {
      return bytes.subarray(from, end).includes(CR) ? this.#refuse('malformed status line') : 0;
    }
    const minor = (bytes[from + 7] as number) - 48;
    const status = digitsOf(bytes, from + STATUS_AT, from + STATUS_END);
    const afterStatus = bytes[from + STATUS_END];
    if ((minor !== 0 && minor !== 1) || bytes[from + 8] !== SP || status < 100 || status > 599) {
      return this.#refuse('malformed status line');
    }
    if (afterStatus !== SP && afterStatus !== CR) return this.#refuse('malformed status line');
    let p = from + STATUS_END;
    while (p < end && FIELD_VALUE[bytes[p] as number] === 1) p++;
    if (p + 1 >= end) return p < end && bytes[p] !== CR ? this.#refuse('malformed status line') : 0;
    if (bytes[p] !== CR || bytes[p + 1] !== LF) return this.#refuse('malformed status line');
    this.minor = minor;
    this.isHttp2 = false;
    this.status = status;
    this.#lineEnd = p + 2 - from;
    return p + 2;
  }

  #checkFraming(isHead: boolean): boolean {
    const options = connectionOptions(this.fields);
    if (options.isExcessive) {
      this.detail = 'Connection is too long';
      return false;
    }
    if (options.nominated.length > 0 && !this.fields.dropNominated(options.nominated, NO_NAMES)) {
      this.detail = 'Connection nominates a field that must not be removed';
      return false;
    }
    this.keepAlive = this.minor === 1 ? !options.close : options.keepAlive && !options.close;
    const length = bodyLength(this.fields, this.minor);
    if (length < UNFRAMED) {
      this.detail = 'ambiguous or invalid body framing';
      return false;
    }
    if (isHead || this.status < 200 || this.status === 204 || this.status === 304) {
      this.bodyLength = 0;
      // A 1xx or 204 must not announce a body: whoever sends one disagrees with us about where it ends.
      return length === UNFRAMED || isHead || this.status === 304 || this.#bodyless(length);
    }
    this.bodyLength = length === UNFRAMED ? UNTIL_CLOSE : length;
    if (length === UNFRAMED) this.keepAlive = false;
    return true;
  }

  #bodyless(length: number): boolean {
    if (length !== CHUNKED && length === 0) return true;
    this.detail = `a ${this.status} response announces a body`;
    return false;
  }
}

function digitsOf(bytes: Buffer, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i++) {
    const digit = (bytes[i] as number) - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}
