/**
 * The dynamic table as an encoder needs it: which entry a field is, and whether it is worth to become one. Hot path.
 *
 * Entries of one name form a chain from the oldest to the newest, which is the order they are evicted in, so that one of a few
 * comparisons finds a field. A field enters the table when it was there before, lately: one of the last `SEEN` that were not in
 * the table, by hash. One that is new each time costs the hash and never a place, and so does the first of its kind.
 * Source: RFC 7541 sections 2.3, 4. Cost: O(values of the name), at most `VALUES_MAX`; of a field that is not in the table O(its length).
 */

import { hash32 } from '../../../lib/hash.ts';
import { ownText } from '../../header/http2.ts';
import { DynamicTable, sizeOf, TABLE_BYTES } from './dynamic-table.ts';
import { STATIC_LAST } from './static-table.ts';

/** Fields that are remembered: of several answers of the largest usual size. */
const SEEN = 64;
/** Entries of one name: with more its value is not one that repeats, and looking through them would take long. */
const VALUES_MAX = 8;
/** A field that takes more of the table would push out nearly all others. */
const SHARE_MAX = 3 / 4;
const GOLDEN = 0x9e3779b1;

interface Entry {
  readonly name: string;
  readonly value: string;
  readonly number: number;
  /** The next one of the name. */
  newer: Entry | null;
}

/** Entries of one name, at least one. */
interface Chain {
  oldest: Entry;
  newest: Entry;
  count: number;
}

export class EncoderTable {
  readonly #entries = new DynamicTable<Entry>();
  readonly #chains = new Map<string, Chain>();
  #bytesMax = TABLE_BYTES;
  /** Hashes of fields that were not in the table, the next one to be forgotten at `#oldest`. */
  readonly #seen = new Int32Array(SEEN);
  #oldest = 0;

  /** Nothing that is larger stays. */
  limit(bytes: number): void {
    this.#bytesMax = bytes;
    this.#shrink(bytes);
  }

  /** The field's index; the negative index of its name when only that is there; 0: neither. */
  find(name: string, value: string): number {
    const chain = this.#chains.get(name);
    if (chain === undefined) return 0;
    for (let entry: Entry | null = chain.oldest; entry !== null; entry = entry.newer) {
      if (entry.value === value) return this.#indexOf(entry);
    }
    return -this.#indexOf(chain.newest);
  }

  /** Is this field, which is not in the table, to be added? It is remembered when not. */
  isWanted(name: string, value: string): boolean {
    if (sizeOf(name, value) > SHARE_MAX * this.#bytesMax) return false;
    if ((this.#chains.get(name)?.count ?? 0) >= VALUES_MAX) return false;
    const hash = (Math.imul(hash32(name), GOLDEN) + hash32(value)) | 0;
    const seen = this.#seen;
    for (let i = 0; i < SEEN; i++) if (seen[i] === hash) return true;
    seen[this.#oldest] = hash;
    this.#oldest = (this.#oldest + 1) % SEEN;
    return false;
  }

  /** Adds a field that is wanted. */
  add(name: string, value: string): void {
    this.#shrink(this.#bytesMax - sizeOf(name, value));
    const chain = this.#chains.get(name);
    const entry: Entry = {
      // Either may be a part of a whole head.
      name: chain === undefined ? ownText(name) : chain.newest.name,
      value: ownText(value),
      number: this.#entries.added,
      newer: null,
    };
    this.#entries.add(entry);
    if (chain === undefined) {
      this.#chains.set(entry.name, { oldest: entry, newest: entry, count: 1 });
      return;
    }
    chain.newest.newer = entry;
    chain.newest = entry;
    chain.count++;
  }

  #indexOf(entry: Entry): number {
    return STATIC_LAST + this.#entries.added - entry.number;
  }

  #shrink(bytes: number): void {
    while (this.#entries.bytes > bytes) this.#unlink(this.#entries.evict());
  }

  /** What is evicted is the oldest of all, and so of its name. */
  #unlink({ name, newer }: Entry): void {
    const chain = this.#chains.get(name) as Chain;
    if (newer === null) {
      this.#chains.delete(name);
      return;
    }
    chain.oldest = newer;
    chain.count--;
  }
}
