/**
 * Scans header fields: `bytes.wat`, with the part of its memory that it works on. Hot path.
 *
 * Bytes that stand in the memory are scanned where they stand, all others are copied first, a little at a time.
 * There is one memory per thread. A scan's findings stand until the next one of the same side, in whatever scanner: as
 * with the parsers, whoever reads them does so before anything else happens.
 */

import { code, offsetOf, reserve, whole, words } from '../../wire/memory/memory.ts';

/** The head is not complete yet. */
export const INCOMPLETE = 0;
/** The head breaks the grammar. */
export const MALFORMED = -1;
/** More fields than the limit. */
export const TOO_MANY_FIELDS = -2;

/**
 * Words per field: where its line begins, where its name ends, where its line ends with its CRLF, and its id. Where the
 * name must be looked up that is its hash, in which two bits say more.
 */
export const FIELD_WORDS = 4;
/** The name must be looked up: a name may have this hash that not every gateway knows. */
export const MAY_BE_KNOWN = 1;
/** The name is `X-Forwarded-…` or `X-Client-…`, with more behind it. */
export const IS_CLAIM = 2;
/** Words per field that may be known: which one it is, its id or 0 = look it up, where its value begins and ends. */
export const KNOWN_WORDS = 4;
/** Marks of a field, as `bytes.wat` has them: goes on; left out; left out if the sender is not trusted. */
export const KEPT = 0;
export const DROPPED = 1;
export const CLAIM = 2;
/** The bits that are the hash. */
export const HASH_BITS = ~3;

/** The most fields that there is room for. */
export const FIELDS_MAX = 10_000;
/** Length of a filter: a bit for each value of the hash's sixteen bits from `HASH_SHIFT`. */
export const FILTER_BYTES = 8192;
export const HASH_SHIFT = 2;

/** Which messages a scanner reads: the findings about both stand at the same time. */
export type Side = 'request' | 'response';

/** Layout of the memory, in bytes, as `bytes.wat` has it. */
const FILTER_AT = 1024;
const SLOTS_AT = FILTER_AT + FILTER_BYTES;
const SLOTS = 256;
const NAMES_AT = SLOTS_AT + SLOTS;
const NAME_BYTES = 48;
const NAME_LENGTH_AT = 32;
/** And of what is found, for each side. */
const POLICY_AT = 64;
const MARKS_AT = 128;
const KNOWN_AT = 10_368;
const LINES_AT = 170_368;
const SIDE_BYTES = LINES_AT + FIELDS_MAX * FIELD_WORDS * 4;

/** Ids of names that every gateway knows are less than this. */
export const IDS_MAX = MARKS_AT - POLICY_AT;

/** The longest head there may be (1 MiB), and what is read behind it. */
const COPY_BYTES = 1_048_576 + 65_536;
/** Of bytes that must be copied so many are at first: nearly all heads are shorter. */
const FIRST_COPY_BYTES = 1024;

/** Where the findings of a side stand, and the policy that stands beside them. */
interface Findings {
  readonly at: number;
  policy: Uint8Array | null;
}

const FINDINGS: Readonly<Record<Side, Findings>> = {
  request: { at: reserve(SIDE_BYTES), policy: null },
  response: { at: reserve(SIDE_BYTES), policy: null },
};
const COPY_AT = reserve(COPY_BYTES);

/** The filter that stands in the memory. */
let filterInUse: Uint8Array | null = null;

/** Scans the heads of one side for one table of names. */
export class FieldScanner {
  /** Where the findings stand in the memory. */
  readonly side: number;
  /** The last scan's findings, `FIELD_WORDS` for each field. */
  readonly lines: Int32Array;
  /** Of these fields those that may be known, `KNOWN_WORDS` for each. */
  readonly known: Int32Array;
  /** What becomes of each field, as the policy has it for those that every gateway knows; not of those to be looked up. */
  readonly marks: Uint8Array;
  readonly #findings: Findings;
  readonly #fieldsMax: number;
  readonly #filter: Uint8Array;
  readonly #policy: Uint8Array;

  /**
   * @param filter see `NameTable`
   * @param policy marks of the fields that every gateway knows, by id
   * @throws {RangeError} for more fields than there is room for.
   */
  constructor(of: Side, fieldsMax: number, filter: Uint8Array, policy: Uint8Array) {
    if (fieldsMax > FIELDS_MAX) throw new RangeError(`at most ${FIELDS_MAX} fields can be scanned, not ${fieldsMax}`);
    this.#findings = FINDINGS[of];
    this.side = this.#findings.at;
    this.lines = wordsAt(this.side + LINES_AT, FIELDS_MAX * FIELD_WORDS);
    this.known = wordsAt(this.side + KNOWN_AT, FIELDS_MAX * KNOWN_WORDS);
    this.marks = whole.subarray(this.side + MARKS_AT, this.side + MARKS_AT + FIELDS_MAX);
    this.#fieldsMax = fieldsMax;
    this.#filter = filter;
    this.#policy = policy;
  }

  /**
   * Scans the fields in `bytes[from..end)`, which begin with a field or the empty line.
   * @param base offset that the findings count from.
   * @returns the offset behind the empty line, or `INCOMPLETE`, `MALFORMED`, `TOO_MANY_FIELDS`.
   * Cost: O(head). No allocation.
   */
  scan(bytes: Buffer, base: number, from: number, end: number): number {
    if (this.#filter !== filterInUse || this.#policy !== this.#findings.policy) this.#use();
    const at = offsetOf(bytes);
    if (at < 0) return this.#copyAndScan(bytes, base, from, end);
    const result = code.scan(at + from, at + end, this.#fieldsMax, this.side, at + base);
    return result > INCOMPLETE ? result - at : result;
  }

  #copyAndScan(bytes: Buffer, base: number, from: number, end: number): number {
    const length = Math.min(end - from, COPY_BYTES);
    const shift = COPY_AT - from;
    let copied = 0;
    for (let next = FIRST_COPY_BYTES; ; next *= 8) {
      const to = Math.min(next, length);
      bytes.copy(whole, COPY_AT + copied, from + copied, from + to);
      copied = to;
      const result = code.scan(COPY_AT, COPY_AT + copied, this.#fieldsMax, this.side, base + shift);
      if (result > INCOMPLETE) return result - shift;
      if (result < INCOMPLETE || copied === length) return result;
    }
  }

  #use(): void {
    whole.set(this.#filter, FILTER_AT);
    filterInUse = this.#filter;
    whole.set(this.#policy, this.side + POLICY_AT);
    this.#findings.policy = this.#policy;
  }

  /** How many fields the last complete scan found. */
  get count(): number {
    return words[this.side >> 2] as number;
  }

  /** How many of these may be known. */
  get knownCount(): number {
    return words[(this.side >> 2) + 1] as number;
  }
}

function wordsAt(at: number, count: number): Int32Array {
  return words.subarray(at / 4, at / 4 + count);
}

/** Hash of a field name, which must be a token; the same for any case, and for `_` and `-`. */
export function hashOf(name: Uint8Array): number {
  whole.set(name, COPY_AT);
  return code.hash(COPY_AT, name.length);
}

/**
 * Has every scan know these names, which are in lower case: their places are their ids, from 1.
 * @throws {RangeError} for more or longer ones than there is room for.
 */
export function knowEverywhere(names: readonly string[]): void {
  if (names.length > IDS_MAX) throw new RangeError(`at most ${IDS_MAX} names, not ${names.length}`);
  for (let id = 1; id < names.length; id++) {
    const name = Buffer.from(names[id] as string, 'latin1');
    if (name.length > NAME_LENGTH_AT) throw new RangeError(`${names[id]} is longer than ${NAME_LENGTH_AT} bytes`);
    let slot = (hashOf(name) >>> HASH_SHIFT) % SLOTS;
    while (whole[SLOTS_AT + slot] !== 0) slot = (slot + 1) % SLOTS;
    whole[SLOTS_AT + slot] = id;
    whole.set(name, NAMES_AT + id * NAME_BYTES);
    whole[NAMES_AT + id * NAME_BYTES + NAME_LENGTH_AT] = name.length;
  }
}
