/**
 * The dynamic table of HPACK: the fields that were added last, the newest first. Hot path.
 *
 * A ring with a place for each entry, the number of an entry modulo its length; it doubles when it is full, and holds nothing of
 * entries that are gone. How large the table may be is the business of its owner, who evicts before it adds.
 * ```
 * number    … 7   8   9 | 10          10 = added, 3 = count
 * index       2   1   0               0 is the newest: the first behind the static table
 * ```
 * Source: RFC 7541 sections 2.3.2, 4.1. Cost: O(1); an entry's place is found again at each doubling.
 */

/** What an entry counts besides its text, in bytes. Also what a field counts in a list of them: RFC 9113 section 6.5.2. */
export const ENTRY_BYTES = 32;

/** Of SETTINGS_HEADER_TABLE_SIZE, before anybody says anything: RFC 9113 section 6.5.2. */
export const TABLE_BYTES = 4096;

/** What any kind of entry has. */
export interface TableEntry {
  readonly name: string;
  readonly value: string;
}

/** Places of a ring that is begun. */
const PLACES = 8;

export class DynamicTable<Entry extends TableEntry> {
  #ring: (Entry | null)[] = new Array<Entry | null>(PLACES).fill(null);
  #mask = PLACES - 1;
  /** Entries that were ever added: the number of the next one. */
  added = 0;
  /** Entries that there are. */
  count = 0;
  /** What they count. */
  bytes = 0;

  /** The entry at an index from 0, the newest, to `count - 1`. */
  at(index: number): Entry {
    return this.#ring[(this.added - 1 - index) & this.#mask] as Entry;
  }

  /** The entry becomes the newest. */
  add(entry: Entry): void {
    if (this.count > this.#mask) this.#grow();
    this.#ring[this.added & this.#mask] = entry;
    this.added++;
    this.count++;
    this.bytes += sizeOf(entry.name, entry.value);
  }

  /** Takes the oldest entry out of the table, which must not be empty. */
  evict(): Entry {
    const place = (this.added - this.count) & this.#mask;
    const entry = this.#ring[place] as Entry;
    this.#ring[place] = null;
    this.count--;
    this.bytes -= sizeOf(entry.name, entry.value);
    return entry;
  }

  #grow(): void {
    const mask = 2 * this.#mask + 1;
    const ring = new Array<Entry | null>(mask + 1).fill(null);
    for (let index = 0; index < this.count; index++) ring[(this.added - 1 - index) & mask] = this.at(index);
    this.#ring = ring;
    this.#mask = mask;
  }
}

/** What a field counts, as an entry of a table and in a list of fields, in bytes. */
export function sizeOf(name: string, value: string): number {
  return name.length + value.length + ENTRY_BYTES;
}
