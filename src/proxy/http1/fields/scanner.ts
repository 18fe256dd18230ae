/**
 * Scans header fields: `scan.wat`, with the memory it works on. Hot path.
 *
 * WebAssembly because it looks at sixteen bytes at once, which JavaScript cannot (docs/adr/0017-scan-in-webassembly.md).
 * Bytes that are read into `readMemory` are scanned where they stand, all others are copied first, a little at a time.
 * There is one memory per thread. A scan's findings stand until the next one of the same side, in whatever scanner: as
 * with the parsers, whoever reads them does so before anything else happens.
 */

import { SCAN_WASM } from './scan.wasm.ts';

/** The head is not complete yet. */
export const INCOMPLETE = 0;
/** The head breaks the grammar. */
export const MALFORMED = -1;
/** More fields than the limit. */
export const TOO_MANY_FIELDS = -2;

/**
 * Words per field: where its line begins, where its name ends, where its line ends with its CRLF, and its name's hash, in
 * which two bits say more.
 */
export const FIELD_WORDS = 4;
/** A known name may have this hash. */
export const MAY_BE_KNOWN = 1;
/** The name is `X-Forwarded-…` or `X-Client-…`, with more behind it. */
export const IS_CLAIM = 2;
/** The bits that are the hash. */
export const HASH_BITS = ~3;

/** The most fields that there is room for. */
export const FIELDS_MAX = 10_000;
/** Length of a filter: a bit for each value of the hash's sixteen bits from `HASH_SHIFT`. */
export const FILTER_BYTES = 8192;
export const HASH_SHIFT = 2;

/** Which messages a scanner reads: the findings about both stand at the same time. */
export type Side = 'request' | 'response';

/** Layout of the memory, in bytes; the rest is `scan.wat`'s. */
const COUNT_AT = 0;
const FILTER_AT = 1024;
const LINES_AT = FILTER_AT + FILTER_BYTES;
const LINES_BYTES = FIELDS_MAX * FIELD_WORDS * 4;
const COPY_AT = LINES_AT + 2 * LINES_BYTES;
/** The longest head there may be (1 MiB), and what is read behind it. */
const COPY_BYTES = 1_048_576 + 65_536;
const READ_AT = COPY_AT + COPY_BYTES;
const READ_BYTES = 65_536;
/** Of bytes that must be copied so many are at first: nearly all heads are shorter. */
const FIRST_COPY_BYTES = 1024;

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  scan(from: number, end: number, fieldsMax: number, linesAt: number, base: number): number;
}

/** The little of WebAssembly that is used here; the types of Node name none of it. */
declare const WebAssembly: {
  readonly Module: new (code: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: Exports };
};

const wasm = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(SCAN_WASM, 'base64'))).exports;
const memory = wasm.memory.buffer;
const whole = Buffer.from(memory);
const words = new Int32Array(memory);
/** The filter that stands in the memory. */
let filterInUse: Uint8Array | null = null;

/** What all client connections of this thread read into. */
export const readMemory: Buffer = whole.subarray(READ_AT, READ_AT + READ_BYTES);

/** Scans the heads of one side for one table of names. */
export class FieldScanner {
  /** The last scan's findings, `FIELD_WORDS` for each field. */
  readonly lines: Int32Array;
  readonly #linesAt: number;
  readonly #fieldsMax: number;
  readonly #filter: Uint8Array;

  /**
   * @param filter see `NameTable`
   * @throws {RangeError} for more fields than there is room for.
   */
  constructor(side: Side, fieldsMax: number, filter: Uint8Array) {
    if (fieldsMax > FIELDS_MAX) throw new RangeError(`at most ${FIELDS_MAX} fields can be scanned, not ${fieldsMax}`);
    this.#linesAt = side === 'request' ? LINES_AT : LINES_AT + LINES_BYTES;
    this.lines = words.subarray(this.#linesAt / 4, (this.#linesAt + LINES_BYTES) / 4);
    this.#fieldsMax = fieldsMax;
    this.#filter = filter;
  }

  /**
   * Scans the fields in `bytes[from..end)`, which begin with a field or the empty line.
   * @param base offset that the findings count from.
   * @returns the offset behind the empty line, or `INCOMPLETE`, `MALFORMED`, `TOO_MANY_FIELDS`.
   * Cost: O(head). No allocation.
   */
  scan(bytes: Buffer, base: number, from: number, end: number): number {
    if (this.#filter !== filterInUse) this.#use();
    if (bytes !== readMemory) return this.#copyAndScan(bytes, base, from, end);
    const result = wasm.scan(READ_AT + from, READ_AT + end, this.#fieldsMax, this.#linesAt, READ_AT + base);
    return result > INCOMPLETE ? result - READ_AT : result;
  }

  #copyAndScan(bytes: Buffer, base: number, from: number, end: number): number {
    const length = Math.min(end - from, COPY_BYTES);
    const shift = COPY_AT - from;
    let copied = 0;
    for (let next = FIRST_COPY_BYTES; ; next *= 8) {
      const to = Math.min(next, length);
      bytes.copy(whole, COPY_AT + copied, from + copied, from + to);
      copied = to;
      const result = wasm.scan(COPY_AT, COPY_AT + copied, this.#fieldsMax, this.#linesAt, base + shift);
      if (result > INCOMPLETE) return result - shift;
      if (result < INCOMPLETE || copied === length) return result;
    }
  }

  #use(): void {
    whole.set(this.#filter, FILTER_AT);
    filterInUse = this.#filter;
  }

  /** How many fields the last complete scan found. */
  get count(): number {
    return words[COUNT_AT / 4] as number;
  }
}

/** Hash of a field name, which must be a token; the same for any case, and for `_` and `-`. */
export function hashOf(name: Uint8Array): number {
  whole.set(name, COPY_AT);
  const end = COPY_AT + name.length;
  whole.set(NO_VALUE, end);
  wasm.scan(COPY_AT, end + NO_VALUE.length, 1, LINES_AT, COPY_AT);
  return (words[LINES_AT / 4 + 3] as number) & HASH_BITS;
}

const NO_VALUE = Buffer.from(':\r\n\r\n', 'latin1');
