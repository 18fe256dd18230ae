/**
 * Header section of an HTTP/1.1 message: strict scan into a reusable field table. Hot path.
 *
 * Shared by requests and responses. One instance per worker and direction: parsing and everything that reads the
 * result are synchronous, so no connection needs a table of its own. Nothing is guessed: bare CR or LF, obs-fold,
 * white space before the colon, control characters and empty names are refused.
 * Source: RFC 9112 sections 2.2, 5, 5.1, 5.2.
 */

import { hash32, hashLatin1 } from '../../../lib/hash.ts';
import { latin1Of } from '../../../lib/latin1.ts';
import { HTAB, SP } from '../chars.ts';
import { compactHead, putHead, type Room, type Scanned } from './moving.ts';
import { FIELD, type NameTable } from './names.ts';
import {
  CLAIM,
  DROPPED,
  FIELD_WORDS,
  FieldScanner,
  HASH_BITS,
  IDS_MAX,
  INCOMPLETE,
  IS_CLAIM,
  KEPT,
  KNOWN_WORDS,
  type Side,
} from './scanner.ts';

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

/** What becomes of a known field when a message is forwarded. */
export type FieldPolicy = 'keep' | 'drop' | 'claim';

/** Fields of one head, as offsets into `text` (the head's bytes as Latin-1). */
export class FieldTable implements Scanned {
  readonly names: NameTable;
  /** The whole head as text once somebody asked for it, and before that where it stands. */
  #text: string | null = '';
  held: Buffer = NOTHING;
  heldFrom = 0;
  heldEnd = 0;
  count = 0;
  readonly found: FieldScanner;
  /** As the scanner leaves them; the fourth word is or becomes the field's id. */
  readonly #lines: Int32Array;
  readonly #known: Int32Array;
  readonly #marks: Uint8Array;
  readonly #policy: Uint8Array;
  /** Per known id: how often it occurred, and its first value. */
  readonly #seen: Uint8Array;
  /** The known ids that occurred, to be forgotten before the next head. */
  readonly #noted: Int32Array;
  #notedCount = 0;
  readonly #valueStart: Int32Array;
  readonly #valueEnd: Int32Array;
  /** Values in place of those that were read, by id; null for nearly every head. */
  #replaced: Map<number, string> | null = null;

  /**
   * @param policyOf what becomes of a known field; `keep` for all without it.
   * @throws {RangeError} for more fields than the scan has room for.
   */
  constructor(side: Side, names: NameTable, countMax: number, policyOf: (id: number) => FieldPolicy = () => 'keep') {
    this.names = names;
    this.#policy = Uint8Array.from({ length: names.size }, (_, id) => MARK_OF[policyOf(id)]);
    this.found = new FieldScanner(side, countMax, names.filter, this.#policy.subarray(0, IDS_MAX));
    this.#lines = this.found.lines;
    this.#known = this.found.known;
    this.#marks = this.found.marks;
    this.#seen = new Uint8Array(names.size);
    // What `replace` adds to a full head stands here as well.
    this.#noted = new Int32Array(countMax + names.size);
    this.#valueStart = new Int32Array(names.size);
    this.#valueEnd = new Int32Array(names.size);
  }

  /**
   * Scans fields from `from` to the empty line.
   * @param base offset of the head's first byte, so that offsets become relative to `text`.
   * @returns offset after the empty line, or `INCOMPLETE`, `MALFORMED`, `TOO_MANY_FIELDS`.
   */
  scan(bytes: Buffer, base: number, from: number, end: number): number {
    for (let i = 0; i < this.#notedCount; i++) this.#seen[this.#noted[i] as number] = 0;
    this.#notedCount = 0;
    this.#replaced = null;
    const next = this.found.scan(bytes, base, from, end);
    if (next <= INCOMPLETE) {
      this.count = 0;
      return next;
    }
    this.count = this.found.count;
    const known = this.#known;
    const knownEnd = this.found.knownCount * KNOWN_WORDS;
    for (let at = 0; at < knownEnd; at += KNOWN_WORDS) {
      const id = known[at + 1] as number;
      if (id === FIELD.unknown) this.#recognize(bytes, base, known[at] as number);
      else this.#note(id, known[at + 2] as number, known[at + 3] as number);
    }
    return next;
  }

  /** Looks up the name of field `i`, which is none that every gateway knows as it is spelled. */
  #recognize(bytes: Buffer, base: number, i: number): void {
    const line = i * FIELD_WORDS;
    const start = base + (this.#lines[line] as number);
    const nameEnd = base + (this.#lines[line + 1] as number);
    const name = this.#lines[line + 3] as number;
    const id = this.names.find(name & HASH_BITS, bytes, start, nameEnd);
    this.#lines[line + 3] = id;
    if (id < 0) this.#marks[i] = DROPPED;
    else if (id === 0) this.#marks[i] = (name & IS_CLAIM) === 0 ? KEPT : CLAIM;
    else {
      this.#marks[i] = this.#policy[id] as number;
      let from = nameEnd + 1;
      let to = base + (this.#lines[line + 2] as number) - 2;
      while (from < to && isSpace(bytes[from] as number)) from++;
      while (to > from && isSpace(bytes[to - 1] as number)) to--;
      this.#note(id, from - base, to - base);
    }
  }

  /** Remembers a known field's first value, which is without the white space around it. */
  #note(id: number, from: number, end: number): void {
    const seen = this.#seen[id] as number;
    if (seen < 255) this.#seen[id] = seen + 1;
    if (seen !== 0) return;
    this.#noted[this.#notedCount++] = id;
    this.#valueStart[id] = from;
    this.#valueEnd[id] = end;
  }

  /** Says where the head stands, instead of its text; the bytes must not change while the table is read. */
  hold(bytes: Buffer, from: number, end: number): void {
    this.#text = null;
    this.held = bytes;
    this.heldFrom = from;
    this.heldEnd = end;
  }

  /** The whole head, first line included, as Latin-1; offsets are relative to it. */
  get text(): string {
    if (this.#text === null) this.#text = latin1Of(this.held, this.heldFrom, this.heldEnd);
    return this.#text;
  }

  /** How often the known field occurred (saturating at 255). */
  seen(id: number): number {
    return this.#seen[id] as number;
  }

  /** First value of the known field, or null. */
  value(id: number): string | null {
    if (this.#seen[id] === 0) return null;
    if (this.#replaced !== null && this.#replaced.has(id)) return this.#replaced.get(id) as string;
    return this.slice(this.#valueStart[id] as number, this.#valueEnd[id] as number);
  }

  /**
   * Character `at` of the first value of a field that is present, -1 behind its end. What is only compared or counted is
   * read so, and costs no string.
   */
  valueCode(id: number, at: number): number {
    if (this.#text !== null || this.#replaced !== null) {
      const value = this.value(id) as string;
      return at < value.length ? value.charCodeAt(at) : -1;
    }
    const from = this.#valueStart[id] as number;
    return at < (this.#valueEnd[id] as number) - from ? (this.held[this.heldFrom + from + at] as number) : -1;
  }

  /** Is this, Latin-1, the first value of a field that is present? Cost: O(length), allocates nothing. */
  says(id: number, text: string): boolean {
    if (this.#text !== null || this.#replaced !== null) return this.value(id) === text;
    const from = this.#valueStart[id] as number;
    if ((this.#valueEnd[id] as number) - from !== text.length) return false;
    const held = this.held;
    const start = this.heldFrom + from;
    for (let at = 0; at < text.length; at++) if (held[start + at] !== text.charCodeAt(at)) return false;
    return true;
  }

  /** `hash32` of the first value of a field that is present, as a signed integer. Cost: O(length), allocates nothing. */
  valueHash(id: number): number {
    if (this.#text !== null || this.#replaced !== null) return hash32(this.value(id) as string) | 0;
    const from = this.heldFrom + (this.#valueStart[id] as number);
    return hashLatin1(this.held, from, this.heldFrom + (this.#valueEnd[id] as number)) | 0;
  }

  /** First value of the field of this lower-case name, known or not, or null. Cost: O(fields), strings where lengths agree. */
  find(name: string): string | null {
    const lines = this.#lines;
    for (let line = 0; line < this.count * FIELD_WORDS; line += FIELD_WORDS) {
      const from = lines[line] as number;
      const end = lines[line + 1] as number;
      if (end - from !== name.length || this.slice(from, end).toLowerCase() !== name) continue;
      return this.slice(end + 1, lines[line + 2] as number).trim();
    }
    return null;
  }

  /** Part of the head; offsets are relative to it. Cost: a string of its length. */
  slice(from: number, end: number): string {
    if (this.#text !== null) return this.#text.slice(from, end);
    return latin1Of(this.held, this.heldFrom + from, this.heldFrom + end);
  }

  /** Does a tab stand between the first value of a field that is present and the end of its line? */
  endsInTab(id: number): boolean {
    let at = this.#valueEnd[id] as number;
    while (this.text.charCodeAt(at) === SP) at++;
    return this.text.charCodeAt(at) === HTAB;
  }

  /** Every value of a known field that may be repeated; rare fields only. */
  values(id: number): string[] {
    const replaced = this.#replaced?.get(id);
    if (replaced !== undefined) return [replaced];
    const found: string[] = [];
    for (let i = 0; i < this.count; i++) {
      const line = i * FIELD_WORDS;
      if (this.#lines[line + 3] !== id) continue;
      const value = this.text.slice((this.#lines[line + 1] as number) + 1, (this.#lines[line + 2] as number) - 2);
      found.push(value.trim());
    }
    return found;
  }

  /** Leaves every occurrence of a known field out of `kept()`. */
  drop(id: number): void {
    if (this.#seen[id] !== 0) this.#mark(id, DROPPED);
  }

  /** As `drop`, and as if the field had never been sent: nothing that routes or decides sees it any more. */
  forget(id: number): void {
    this.drop(id);
    this.#seen[id] = 0;
  }

  /**
   * Has a known field say something else, whatever it said before: routing and deciding see it so, the lines that were
   * read do not go on, `replacedLines` do. An empty value is no field at all.
   */
  replace(id: number, value: string): void {
    this.drop(id);
    this.#replaced ??= new Map();
    this.#replaced.set(id, value);
    if (this.#seen[id] === 0) this.#noted[this.#notedCount++] = id;
    this.#seen[id] = value === '' ? 0 : 1;
  }

  /** The fields that `replace` made, each line with its CRLF; not those whose names begin with a colon, which are no fields. */
  replacedLines(): string {
    let lines = '';
    if (this.#replaced === null) return lines;
    for (const [id, value] of this.#replaced) {
      const name = this.names.names[id] as string;
      if (value !== '' && !name.startsWith(':')) lines += `${name}: ${value}\r\n`;
    }
    return lines;
  }

  /** Lets every occurrence of a known field go on, whatever its policy. */
  keep(id: number): void {
    if (this.#seen[id] !== 0) this.#mark(id, KEPT);
  }

  #mark(id: number, mark: number): void {
    for (let i = 0; i < this.count; i++) if (this.#lines[i * FIELD_WORDS + 3] === id) this.#marks[i] = mark;
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
      const line = i * FIELD_WORDS;
      const name = this.text.slice(this.#lines[line], this.#lines[line + 1]).toLowerCase();
      if (!nominated.includes(name)) continue;
      this.#marks[i] = DROPPED;
      const id = this.#lines[line + 3] as number;
      if (id > 0) this.#seen[id] = 0;
    }
    return true;
  }

  /**
   * Moves the first line and the fields not dropped together where they stand, so that `room` bytes are free between them
   * and the empty line. For a table that holds bytes with at least `room` before them; it is of no use afterwards.
   * @returns where the first line begins now; -1 when it takes more than that, and nothing was moved.
   */
  compact(room: number): number {
    return compactHead(this, room);
  }

  /**
   * The fields not dropped, byte for byte in their order, each line with its CRLF.
   * @param withClaims whether what a client says in a proxy's name goes on: the policy's claims, and
   *   `X-Forwarded-…` and `X-Client-…` fields of whatever name.
   */
  kept(withClaims = true): string {
    const markMax = withClaims ? CLAIM : KEPT;
    let out = '';
    let spanStart = 0;
    let spanEnd = 0;
    for (let i = 0; i < this.count; i++) {
      const mark = this.#marks[i] as number;
      if (mark === DROPPED || mark > markMax) continue;
      const start = this.#lines[i * FIELD_WORDS] as number;
      if (start !== spanEnd) {
        if (spanEnd > spanStart) out += this.text.slice(spanStart, spanEnd);
        spanStart = start;
      }
      spanEnd = this.#lines[i * FIELD_WORDS + 2] as number;
    }
    return spanEnd > spanStart ? out + this.text.slice(spanStart, spanEnd) : out;
  }

  /** The first line as it was read, with its CRLF. */
  get firstLine(): string {
    return this.text.slice(0, this.firstEnd);
  }

  /** Length of the first line, where the fields begin. */
  get firstEnd(): number {
    return this.count === 0 ? this.heldEnd - this.heldFrom - 2 : (this.#lines[0] as number);
  }

  /**
   * Copies the first line and what `kept` gives to the beginning of `out`. For a table that holds bytes.
   * @param room bytes that it may take.
   * @returns how many it took; 0 when they are more than that.
   */
  putKept(out: Room, room: number, withClaims: boolean): number {
    return putHead(this, withClaims ? CLAIM : KEPT, out, room);
  }
}

/** Nothing is held. */
const NOTHING = Buffer.alloc(0);

const MARK_OF: Readonly<Record<FieldPolicy, number>> = { keep: KEPT, drop: DROPPED, claim: CLAIM };

function isSpace(byte: number): boolean {
  return byte === SP || byte === HTAB;
}
