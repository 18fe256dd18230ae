/**
 * The accepted configurations, newest first: bounded in count and in bytes, in rows for the state store.
 *
 * Beyond `keep` the oldest are forgotten; beyond `bytesMax` the contents of the oldest go, and they stay listed. Numbers
 * go on over restarts: what this process accepts is counted on from the newest that it recalls, however late that is.
 */

import type { Config } from '../../model/config.ts';
import { REVISIONS_MAX, type RevisionEntry, type RevisionsConfig } from '../../model/threads/revision.ts';
import { fromRow, packConfig, type RevisionHead, toRow, unpackConfig } from './packed.ts';

/** What is told of a configuration when it is accepted. */
export type Accepted = Pick<RevisionHead, 'revision' | 'hash' | 'at' | 'origin'> & {
  readonly config: Config;
  /** The entry whose content it is, where it was rolled back to. */
  readonly contentOf: Kept | null;
};

/** An entry with its content; opaque to others. */
export interface Kept {
  readonly head: Omit<RevisionHead, 'number' | 'contentOf'>;
  /** Of the entries that this process made: 1, 2, …; null for those that were recalled. */
  own: number | null;
  /** Of those that were recalled. */
  number: number;
  contentOf: Kept | number | null;
  /** As long as it is not packed. */
  config: Config | null;
  packed: Uint8Array | null;
  /** Made once: many are asked for again and again. */
  row: { readonly key: string; readonly bytes: Uint8Array } | null;
}

type Limits = Pick<RevisionsConfig, 'keep' | 'bytesMax'>;

const FREE = new Uint8Array(0);

export class History {
  readonly #release: string;
  /** Newest first. */
  #entries: Kept[] = [];
  #limits: Limits = { keep: REVISIONS_MAX, bytesMax: Number.POSITIVE_INFINITY };
  /** Highest number that was recalled: own entries go on from it. */
  #base = 0;
  #owns = 0;
  /** Slots that hold, or held, a row. */
  readonly #slotsUsed = new Set<number>();

  /** @param release that is running */
  constructor(release: string) {
    this.#release = release;
  }

  /** Takes in how much is to be kept. */
  limit(limits: Limits): void {
    this.#limits = limits;
    this.#bound();
  }

  /** Adds the newest. It can be read at once; its row is there when it is packed. */
  add({ config, contentOf, ...head }: Accepted): Kept {
    const entry: Kept = {
      head: { ...head, routes: config.routes.length, release: this.#release },
      own: ++this.#owns,
      number: 0,
      contentOf,
      config,
      packed: null,
      row: null,
    };
    this.#entries.unshift(entry);
    this.#bound();
    return entry;
  }

  /** Packs what is not packed yet. Resolves with whether something was. */
  async pack(): Promise<boolean> {
    const waiting = this.#entries.filter(({ config, packed }) => config !== null && packed === null);
    for (const entry of waiting) {
      const packed = await packConfig(entry.config as Config);
      // Forgotten meanwhile.
      if (entry.config === null) continue;
      entry.config = null;
      entry.packed = packed;
    }
    this.#bound();
    return waiting.length > 0;
  }

  /** Takes in a row of an earlier process. @throws Error when it is damaged */
  recall(row: Uint8Array): void {
    const { head, packed } = fromRow(row);
    const { number, contentOf, ...rest } = head;
    if (this.#entries.some((entry) => entry.own === null && entry.number === number)) return;
    this.#base = Math.max(this.#base, number);
    this.#slotsUsed.add(number % REVISIONS_MAX);
    this.#entries.push({ head: rest, own: null, number, contentOf, config: null, packed, row: null });
    this.#entries.sort((a, b) => this.numberOf(b) - this.numberOf(a));
  }

  /**
   * All rows are recalled: what this process accepted first is no news where it goes on with what the last one had in force.
   * @param hash of what it goes on with; default what it accepted first
   */
  settle(hash = this.#first?.head.hash): void {
    const first = this.#first;
    const last = this.#entries.find(({ own }) => own === null);
    const goesOn = first !== undefined && last?.head.hash === hash && last?.head.release === this.#release;
    if (goesOn && last?.packed !== null) {
      this.#entries.splice(this.#entries.indexOf(first), 1);
      this.#base -= 1;
    }
    this.#bound();
  }

  /** Newest first. */
  list(): RevisionEntry[] {
    return this.#entries.map((entry) => this.describe(entry));
  }

  describe(entry: Kept): RevisionEntry {
    const { revision, hash, at, origin, routes, release } = entry.head;
    const number = this.numberOf(entry);
    const bytes = entry.packed?.length ?? 0;
    const isKept = entry.config !== null || entry.packed !== null;
    const contentOf = this.#contentOf(entry);
    return { number, revision, hash, at, origin, contentOf, routes, bytes, release, isKept };
  }

  numberOf({ own, number }: Kept): number {
    return own === null ? number : this.#base + own;
  }

  /** By number, or the beginning of a hash (at least four digits); the newest where several fit. */
  find(name: string): Kept | null {
    const number = /^#?\d{1,9}$/.test(name) ? Number(name.replace('#', '')) : null;
    const byNumber = this.#entries.find((entry) => this.numberOf(entry) === number);
    if (byNumber !== undefined) return byNumber;
    if (!/^[0-9a-f]{4,64}$/.test(name)) return null;
    return this.#entries.find(({ head }) => head.hash.startsWith(name)) ?? null;
  }

  /** The newest entry. */
  get newest(): Kept | null {
    return this.#entries[0] ?? null;
  }

  /** The newest entry before another's content that has other content; null: there is none. */
  before(entry: Kept): Kept | null {
    const from = this.#contentOf(entry);
    return this.#entries.find((one) => this.numberOf(one) < from && one.head.hash !== entry.head.hash) ?? null;
  }

  /** @throws Error when its content is not kept, or is of another release */
  configOf(entry: Kept): Config {
    if (entry.config !== null) return entry.config;
    const number = this.numberOf(entry);
    if (entry.packed === null) throw new Error(`the content of revision ${number} was let go (revisions.bytesMax)`);
    const { release } = entry.head;
    if (release === this.#release) return unpackConfig(entry.packed);
    throw new Error(`revision ${number} was accepted by release ${release}, and this is ${this.#release}`);
  }

  get bytes(): number {
    return this.#entries.reduce((sum, { packed }) => sum + (packed?.length ?? 0), 0);
  }

  get count(): number {
    return this.#entries.length;
  }

  /** Every row by its slot, the same bytes as long as it stays what it is; an empty one is free. */
  rows(): Map<number, Uint8Array> {
    const rows = new Map<number, Uint8Array>();
    for (const slot of this.#slotsUsed) rows.set(slot, FREE);
    for (const entry of this.#entries.toReversed()) {
      // Not before it is packed: a row says what it holds.
      if (entry.config !== null && entry.packed === null) continue;
      rows.set(this.numberOf(entry) % REVISIONS_MAX, this.#rowOf(entry));
    }
    for (const slot of rows.keys()) this.#slotsUsed.add(slot);
    return rows;
  }

  get #first(): Kept | undefined {
    return this.#entries.find(({ own }) => own === 1);
  }

  #rowOf(entry: Kept): Uint8Array {
    const [number, contentOf] = [this.numberOf(entry), this.#contentOf(entry)];
    const key = `${number} ${contentOf} ${entry.packed === null}`;
    if (entry.row?.key !== key) {
      entry.row = { key, bytes: toRow({ ...entry.head, number, contentOf }, entry.packed) };
    }
    return entry.row.bytes;
  }

  #contentOf(entry: Kept): number {
    if (entry.contentOf === null) return this.numberOf(entry);
    return typeof entry.contentOf === 'number' ? entry.contentOf : this.#contentOf(entry.contentOf);
  }

  #bound(): void {
    // Others may name them still, as what their content is of.
    for (const entry of this.#entries.splice(this.#limits.keep)) {
      entry.config = null;
      entry.packed = null;
    }
    let bytes = this.bytes;
    for (const entry of this.#entries.toReversed()) {
      if (bytes <= this.#limits.bytesMax) break;
      bytes -= entry.packed?.length ?? 0;
      entry.packed = null;
    }
  }
}
