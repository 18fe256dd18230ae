/**
 * Header blocks for a peer. Hot path.
 *
 * A field of a table is its index, one octet mostly. What is in none is a literal, and enters the table when it repeats
 * (`encoder-table.ts`) unless its name says better (`known-names.ts`). Literals are not in Huffman code: it took 0.2 us to make 22 octets
 * of a date’s 29, which are written in 0.03 us.
 * Source: RFC 7541 sections 4.2, 5, 6, 7.1. Cost: O(fields) and the text of literals; allocates what enters the table.
 */

import { bufferOf, putLatin1 } from '../../../lib/latin1.ts';
import { TABLE_BYTES } from './dynamic-table.ts';
import { EncoderTable } from './encoder-table.ts';
import { INDEXED, KNOWN_NAMES, type Literal, NOT_INDEXED, UNKNOWN_NAME } from './known-names.ts';

/** Octets that a field takes at most besides its name and its value, and so do two size updates: two integers below 2^31, and one more. */
const FIELD_BYTES_MAX = 13;
/** What is before an integer in its first octet, and the most that the rest of that octet says: RFC 7541 sections 5.2, 6.1, 6.3. */
const INDEX_FIRST = 0x80;
const INDEX_MOST = 0x7f;
const SIZE_FIRST = 0x20;
const SIZE_MOST = 0x1f;
const TEXT_MOST = 0x7f;
/** Texts up to here are written octet by octet, which costs 1 to 3 ns each; a call of `putLatin1` is 20 to 50 ns, whatever the length. */
const SHORT = 16;

/** One direction of a connection: blocks must be sent in the order in which they were encoded, and none left out. */
export class HeaderEncoder {
  readonly #table = new EncoderTable();
  /** Size of the table as it is now, as the peer was told, and the least in between. */
  #tableBytes = TABLE_BYTES;
  #toldBytes = TABLE_BYTES;
  #leastBytes = TABLE_BYTES;
  #at = 0;

  /** What the peer's SETTINGS_HEADER_TABLE_SIZE allows; no more than 4096 is used. The next block begins with the change. */
  limitTable(bytes: number): void {
    this.#tableBytes = Math.min(bytes, TABLE_BYTES);
    this.#leastBytes = Math.min(this.#leastBytes, this.#tableBytes);
    this.#table.limit(this.#tableBytes);
  }

  /**
   * Writes the block of these fields to `into[at..]`.
   * @param fields names, in lower case, and values in turn, of Latin-1 characters.
   * @returns where it ends; -1: `into` has less room than `blockBytesMax`, and nothing has changed
   */
  encode(fields: readonly string[], into: Uint8Array, at: number): number {
    if (into.length - at < blockBytesMax(fields)) return -1;
    const octets = bufferOf(into);
    this.#at = at;
    if (this.#leastBytes !== this.#toldBytes || this.#tableBytes !== this.#toldBytes) this.#tell(octets);
    for (let i = 0; i < fields.length; i += 2) this.#field(octets, fields[i] as string, fields[i + 1] as string);
    return this.#at;
  }

  /** The least size first: what it has pushed out is gone on the other side too (RFC 7541 section 4.2). */
  #tell(octets: Buffer): void {
    if (this.#leastBytes < Math.min(this.#toldBytes, this.#tableBytes))
      this.#integer(octets, SIZE_FIRST, SIZE_MOST, this.#leastBytes);
    this.#integer(octets, SIZE_FIRST, SIZE_MOST, this.#tableBytes);
    this.#toldBytes = this.#tableBytes;
    this.#leastBytes = this.#tableBytes;
  }

  #field(octets: Buffer, name: string, value: string): void {
    const known = KNOWN_NAMES.get(name) ?? UNKNOWN_NAME;
    const nth = known.values.indexOf(value);
    if (nth >= 0) {
      this.#integer(octets, INDEX_FIRST, INDEX_MOST, known.index + nth);
    } else if (known.literal !== null) {
      this.#literal(octets, known.literal, known.index, name);
      this.#text(octets, value);
    } else {
      this.#repeating(octets, known.index, name, value);
    }
  }

  /** @param staticIndex of the name, or 0 */
  #repeating(octets: Buffer, staticIndex: number, name: string, value: string): void {
    const found = this.#table.find(name, value);
    if (found > 0) {
      this.#integer(octets, INDEX_FIRST, INDEX_MOST, found);
      return;
    }
    const isAdded = this.#table.isWanted(name, value);
    this.#literal(octets, isAdded ? INDEXED : NOT_INDEXED, staticIndex > 0 ? staticIndex : -found, name);
    this.#text(octets, value);
    if (isAdded) this.#table.add(name, value);
  }

  /** A literal as far as its value. @param index of the name; 0: the name itself is written */
  #literal(octets: Buffer, { first, indexMost }: Literal, index: number, name: string): void {
    this.#integer(octets, first, indexMost, index);
    if (index === 0) this.#text(octets, name);
  }

  #text(octets: Buffer, text: string): void {
    const { length } = text;
    this.#integer(octets, 0, TEXT_MOST, length);
    if (length > SHORT) {
      this.#at += putLatin1(octets, text, this.#at);
      return;
    }
    let at = this.#at;
    for (let i = 0; i < length; i++) octets[at++] = text.charCodeAt(i);
    this.#at = at;
  }

  /** @param first the bits before the integer. @param most of the bits that it has in their octet */
  #integer(octets: Buffer, first: number, most: number, value: number): void {
    if (value < most) {
      octets[this.#at++] = first | value;
      return;
    }
    octets[this.#at++] = first | most;
    let left = value - most;
    for (; left >= 0x80; left >>= 7) octets[this.#at++] = (left & 0x7f) | 0x80;
    octets[this.#at++] = left;
  }
}

/** Room that `encode` wants for these fields: more than their block takes. */
export function blockBytesMax(fields: readonly string[]): number {
  let bytes = (1 + fields.length / 2) * FIELD_BYTES_MAX;
  for (let i = 0; i < fields.length; i++) bytes += (fields[i] as string).length;
  return bytes;
}
