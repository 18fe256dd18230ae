/**
 * Header section of an HTTP/1.1 message: strict scan into a reusable field table. Hot path.
 *
 * Shared by requests and responses. One instance per worker and direction: parsing and everything that reads the
 * result are synchronous, so no connection needs a table of its own. Nothing is guessed: bare CR or LF, obs-fold,
 * white space before the colon, control characters and empty names are refused.
 * Source: RFC 9112 sections 2.2, 5, 5.1, 5.2.
 */

import { COLON, CR, FIELD_VALUE, HTAB, LF, SP, TOKEN_FOLD } from './chars.ts';
import { hashStep, type NameTable } from './names.ts';

/** The head is not complete yet. */
export const INCOMPLETE = 0;
/** The head breaks the grammar. */
export const MALFORMED = -1;
/** More fields than the limit. */
export const TOO_MANY_FIELDS = -2;

/** Field names that a `Connection` header may not remove: the gateway or the application depends on them. */
const NOT_NOMINABLE = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'authorization',
  'cookie',
  'set-cookie',
  'content-type',
  'content-encoding',
  'cache-control',
  'forwarded',
  'via',
  'traceparent',
  'tracestate',
  'date',
  'location',
]);

/** Fields of one head, as offsets into `text` (the head's bytes as Latin-1). */
export class FieldTable {
  readonly names: NameTable;
  /** The whole head, first line included, as Latin-1; offsets below are relative to it. */
  text = '';
  count = 0;
  readonly #countMax: number;
  readonly #start: Int32Array;
  readonly #nameEnd: Int32Array;
  readonly #end: Int32Array;
  readonly #id: Int32Array;
  readonly #dropped: Uint8Array;
  /** Unknown fields that begin like what proxies say of clients. */
  readonly #claims: Int32Array;
  #claimCount = 0;
  /** Per known id: how often it occurred, and its first value. */
  readonly #seen: Uint8Array;
  readonly #valueStart: Int32Array;
  readonly #valueEnd: Int32Array;

  constructor(names: NameTable, countMax: number) {
    this.names = names;
    this.#countMax = countMax;
    this.#start = new Int32Array(countMax);
    this.#nameEnd = new Int32Array(countMax);
    this.#end = new Int32Array(countMax);
    this.#id = new Int32Array(countMax);
    this.#dropped = new Uint8Array(countMax);
    this.#claims = new Int32Array(countMax);
    this.#seen = new Uint8Array(names.size);
    this.#valueStart = new Int32Array(names.size);
    this.#valueEnd = new Int32Array(names.size);
  }

  /**
   * Scans fields from `from` to the empty line.
   * @param base offset of the head's first byte, so that offsets become relative to `text`.
   * @returns offset after the empty line, or `INCOMPLETE`, `MALFORMED`, `TOO_MANY_FIELDS`.
   */
  scan(bytes: Uint8Array, base: number, from: number, end: number): number {
    this.count = 0;
    this.#claimCount = 0;
    this.#seen.fill(0);
    let p = from;
    while (p < end) {
      if (bytes[p] === CR) return p + 1 >= end ? INCOMPLETE : bytes[p + 1] === LF ? p + 2 : MALFORMED;
      const next = this.#scanField(bytes, base, p, end);
      if (next <= 0) return next;
      p = next;
    }
    return INCOMPLETE;
  }

  #scanField(bytes: Uint8Array, base: number, start: number, end: number): number {
    let p = start;
    let hash = 0;
    for (; p < end; p++) {
      const folded = TOKEN_FOLD[bytes[p] as number] as number;
      if (folded === 0) break;
      hash = hashStep(hash, folded);
    }
    if (p >= end) return INCOMPLETE;
    if (bytes[p] !== COLON || p === start) return MALFORMED;
    const nameEnd = p++;
    while (p < end && (bytes[p] === SP || bytes[p] === HTAB)) p++;
    const valueStart = p;
    while (p < end && FIELD_VALUE[bytes[p] as number] === 1) p++;
    if (p + 1 >= end) return p < end && bytes[p] !== CR ? MALFORMED : INCOMPLETE;
    if (bytes[p] !== CR || bytes[p + 1] !== LF) return MALFORMED;
    if (this.count === this.#countMax) return TOO_MANY_FIELDS;
    let valueEnd = p;
    while (valueEnd > valueStart && (bytes[valueEnd - 1] === SP || bytes[valueEnd - 1] === HTAB)) valueEnd--;
    const i = this.count++;
    const id = this.names.find(hash, bytes, start, nameEnd);
    this.#start[i] = start - base;
    this.#nameEnd[i] = nameEnd - base;
    this.#end[i] = p + 2 - base;
    this.#id[i] = id;
    this.#dropped[i] = id < 0 ? 1 : 0;
    if (id === 0 && isClaim(bytes, start, nameEnd)) this.#claims[this.#claimCount++] = i;
    if (id > 0) this.#note(id, valueStart - base, valueEnd - base);
    return p + 2;
  }

  #note(id: number, valueStart: number, valueEnd: number): void {
    const seen = this.#seen[id] as number;
    if (seen === 0) {
      this.#valueStart[id] = valueStart;
      this.#valueEnd[id] = valueEnd;
    }
    if (seen < 255) this.#seen[id] = seen + 1;
  }

  /** How often the known field occurred (saturating at 255). */
  seen(id: number): number {
    return this.#seen[id] as number;
  }

  /** First value of the known field, or null. */
  value(id: number): string | null {
    if (this.#seen[id] === 0) return null;
    return this.text.slice(this.#valueStart[id], this.#valueEnd[id]);
  }

  /** Does a tab stand between the first value of a field that is present and the end of its line? */
  endsInTab(id: number): boolean {
    let at = this.#valueEnd[id] as number;
    while (this.text.charCodeAt(at) === SP) at++;
    return this.text.charCodeAt(at) === HTAB;
  }

  /** Calls for every value of a known field that may be repeated; rare fields only. */
  values(id: number): string[] {
    const found: string[] = [];
    for (let i = 0; i < this.count; i++) {
      if (this.#id[i] !== id) continue;
      const line = this.text.slice((this.#nameEnd[i] as number) + 1, (this.#end[i] as number) - 2);
      found.push(line.trim());
    }
    return found;
  }

  /** Leaves every occurrence of a known field out of `kept()`. */
  drop(id: number): void {
    if (this.#seen[id] === 0) return;
    for (let i = 0; i < this.count; i++) if (this.#id[i] === id) this.#dropped[i] = 1;
  }

  /** Leaves out `X-Forwarded-…` and `X-Client-…` fields of whatever name: a client must not speak for a proxy. */
  dropClaims(): void {
    for (let n = 0; n < this.#claimCount; n++) this.#dropped[this.#claims[n] as number] = 1;
  }

  /**
   * Leaves out the fields a `Connection` header nominates, as if they had never been sent.
   * @returns false when it nominates a field that must not be removed (the message is refused).
   * Source: RFC 9110 section 7.6.1.
   */
  dropNominated(nominated: readonly string[], protectedNames: ReadonlySet<string>): boolean {
    for (const name of nominated) {
      if (NOT_NOMINABLE.has(name) || name.startsWith('x-forwarded-') || protectedNames.has(name)) return false;
    }
    for (let i = 0; i < this.count; i++) {
      const name = this.text.slice(this.#start[i], this.#nameEnd[i]).toLowerCase();
      if (!nominated.includes(name)) continue;
      this.#dropped[i] = 1;
      const id = this.#id[i] as number;
      if (id > 0) this.#seen[id] = 0;
    }
    return true;
  }

  /** The fields not dropped, byte for byte in their order, each line with its CRLF. */
  kept(): string {
    let out = '';
    let spanStart = 0;
    let spanEnd = 0;
    for (let i = 0; i < this.count; i++) {
      if (this.#dropped[i] === 1) continue;
      const start = this.#start[i] as number;
      if (start !== spanEnd) {
        if (spanEnd > spanStart) out += this.text.slice(spanStart, spanEnd);
        spanStart = start;
      }
      spanEnd = this.#end[i] as number;
    }
    return spanEnd > spanStart ? out + this.text.slice(spanStart, spanEnd) : out;
  }
}

const CLAIM_PREFIXES = ['x-forwarded-', 'x-client-'].map((prefix) => Buffer.from(prefix, 'latin1'));
const X = 120;

function isClaim(bytes: Uint8Array, start: number, end: number): boolean {
  if (TOKEN_FOLD[bytes[start] as number] !== X) return false;
  for (const prefix of CLAIM_PREFIXES) if (end - start > prefix.length && begins(bytes, start, prefix)) return true;
  return false;
}

function begins(bytes: Uint8Array, start: number, prefix: Uint8Array): boolean {
  for (let i = 0; i < prefix.length; i++) if (TOKEN_FOLD[bytes[start + i] as number] !== prefix[i]) return false;
  return true;
}
