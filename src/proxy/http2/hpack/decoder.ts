/**
 * Header blocks of a peer, decoded. Hot path.
 *
 * ```
 * 1xxxxxxx           a field of a table
 * 01xxxxxx           a literal, which enters the table     xxxxxx: its name's index, or 0 and the name
 * 0001xxxx 0000xxxx  a literal, which does not
 * 001xxxxx           the table's new size, at the beginning of a block and at most twice
 * ```
 * A text of a table is handed out itself each time, so that a thousand references to a large one cost nothing but their place.
 * Texts are as they came, each octet a character: which characters they may have is for `rules.ts` to say. Whether a peer wants a
 * field never indexed is not told apart: behind this gateway there is no table to keep it out of.
 * Source: RFC 7541 sections 3.2, 4, 5, 6. Cost: O(bytes); allocates the texts of literals, and an entry for those that enter the table.
 */

import { bufferOf, latin1Of } from '../../../lib/latin1.ts';
import { DynamicTable, sizeOf, TABLE_BYTES, type TableEntry } from './dynamic-table.ts';
import { huffmanText } from './huffman.ts';
import { STATIC_LAST, STATIC_NAMES, STATIC_VALUES } from './static-table.ts';

/** Largest integer that is taken; none that means anything here comes near. */
const INTEGER_MAX = 2 ** 31;
/** Octets of an integer behind the first one. */
const INTEGER_OCTETS_MAX = 5;
const SIZE_UPDATES_MAX = 2;

/** How much of a block is handed out. */
export interface FieldLimits {
  readonly countMax: number;
  /** Names, values, and 32 bytes for each field: RFC 9113 section 6.5.2. */
  readonly listBytesMax: number;
}

/** One direction of a connection. After an error it must not be used again: both sides' tables are no longer the same. */
export class HeaderDecoder {
  readonly #table = new DynamicTable<TableEntry>();
  /** What the size of the table may be set to. */
  readonly #tableBytesMax: number;
  /** What it is set to. */
  #tableBytes: number;
  /** In the block that is decoded: what is next, where it ends, and what may still be handed out. */
  #at = 0;
  #end = 0;
  #countLeft = 0;
  #bytesLeft = 0;
  /** The last block had more than the limits allow. */
  isTooLarge = false;

  /**
   * @param tableBytesMax what our SETTINGS_HEADER_TABLE_SIZE says. Less than 4096 holds from the first block on, so it must not be
   * decoded before the peer has acknowledged that; more than 4096 holds when the peer says so.
   */
  constructor(tableBytesMax: number) {
    this.#tableBytesMax = tableBytesMax;
    this.#tableBytes = Math.min(TABLE_BYTES, tableBytesMax);
  }

  /**
   * Decodes the whole block `bytes[from..end)`. Names and values are appended to `fields` in turn, up to the first one that exceeds
   * `limits`: from there on all are only decoded, for the table's sake, and `isTooLarge` says so.
   * @returns false: COMPRESSION_ERROR, the connection is lost
   */
  // biome-ignore lint/complexity/useMaxParams: the part of a buffer is three of them, and an object for each block would be garbage
  decode(bytes: Uint8Array, from: number, end: number, fields: string[], limits: FieldLimits): boolean {
    const octets = bufferOf(bytes);
    this.#at = from;
    this.#end = end;
    this.#countLeft = limits.countMax;
    this.#bytesLeft = limits.listBytesMax;
    this.isTooLarge = false;
    if (!this.#resize(octets)) return false;
    while (this.#at < end) {
      const first = octets[this.#at] as number;
      if (!(first >= 0x80 ? this.#indexed(octets, fields) : this.#literal(octets, first, fields))) return false;
    }
    return true;
  }

  /** Size updates, which stand before all fields. */
  #resize(octets: Buffer): boolean {
    for (let updates = 0; this.#at < this.#end && isSizeUpdate(octets[this.#at] as number); updates++) {
      const bytes = this.#integer(octets, 0x1f);
      if (bytes < 0 || bytes > this.#tableBytesMax || updates === SIZE_UPDATES_MAX) return false;
      this.#tableBytes = bytes;
      this.#shrink(bytes);
    }
    return true;
  }

  #indexed(octets: Buffer, fields: string[]): boolean {
    const index = this.#integer(octets, 0x7f);
    if (!this.#isIndex(index)) return false;
    if (index <= STATIC_LAST) {
      this.#give(fields, STATIC_NAMES[index] as string, STATIC_VALUES[index] as string);
    } else {
      const entry = this.#table.at(index - STATIC_LAST - 1);
      this.#give(fields, entry.name, entry.value);
    }
    return true;
  }

  #literal(octets: Buffer, first: number, fields: string[]): boolean {
    const isAdded = first >= 0x40;
    if (!isAdded && isSizeUpdate(first)) return false;
    const index = this.#integer(octets, isAdded ? 0x3f : 0x0f);
    const name = index === 0 ? this.#text(octets) : this.#nameAt(index);
    if (name === null) return false;
    const value = this.#text(octets);
    if (value === null) return false;
    if (isAdded) this.#add(name, value);
    this.#give(fields, name, value);
    return true;
  }

  #nameAt(index: number): string | null {
    if (!this.#isIndex(index)) return null;
    return index <= STATIC_LAST ? (STATIC_NAMES[index] as string) : this.#table.at(index - STATIC_LAST - 1).name;
  }

  /** Neither 0, nor what is no integer, nor beyond the tables. */
  #isIndex(index: number): boolean {
    return index > 0 && index <= STATIC_LAST + this.#table.count;
  }

  #give(fields: string[], name: string, value: string): void {
    const bytes = sizeOf(name, value);
    if (this.isTooLarge || this.#countLeft === 0 || bytes > this.#bytesLeft) {
      this.isTooLarge = true;
      return;
    }
    this.#countLeft--;
    this.#bytesLeft -= bytes;
    fields.push(name, value);
  }

  /** One that is larger than the table empties it, which is no error (RFC 7541 section 4.4). */
  #add(name: string, value: string): void {
    const bytes = sizeOf(name, value);
    this.#shrink(Math.max(0, this.#tableBytes - bytes));
    if (bytes <= this.#tableBytes) this.#table.add({ name, value });
  }

  #shrink(bytes: number): void {
    while (this.#table.bytes > bytes) this.#table.evict();
  }

  /**
   * The integer that begins in the octet at hand, which there is.
   * @param most of the bits that it has there; in full: it goes on behind (RFC 7541 section 5.1)
   * @returns -1 when it is cut short or too large
   */
  #integer(octets: Buffer, most: number): number {
    let value = (octets[this.#at++] as number) & most;
    if (value < most) return value;
    let scale = 1;
    for (let i = 0; i < INTEGER_OCTETS_MAX && this.#at < this.#end; i++) {
      const octet = octets[this.#at++] as number;
      value += (octet & 0x7f) * scale;
      if (octet < 0x80) return value <= INTEGER_MAX ? value : -1;
      scale *= 0x80;
    }
    return -1;
  }

  /** @returns null when it is cut short, or is not what its code may be */
  #text(octets: Buffer): string | null {
    if (this.#at >= this.#end) return null;
    const isCoded = (octets[this.#at] as number) >= 0x80;
    const length = this.#integer(octets, 0x7f);
    const from = this.#at;
    if (length < 0 || length > this.#end - from) return null;
    this.#at = from + length;
    return isCoded ? huffmanText(octets, from, from + length) : latin1Of(octets, from, from + length);
  }
}

function isSizeUpdate(first: number): boolean {
  return first >> 5 === 1;
}
