/**
 * The accepted configurations, newest first: bounded in count and in bytes, in rows for the state store.
 *
 * ```
 * <number mod REVISIONS_MAX>   an entry, with its content: whole, or a difference to a whole one
 * base/<slot>                  a whole one that entries differ from, and that no entry has itself any more
 * ```
 * Beyond `keep` the oldest are forgotten; beyond `bytesMax` the contents of the oldest go, and they stay listed. Numbers
 * go on over restarts: what this process accepts is counted on from the newest that it recalls, however late that is.
 */

import { isDeepStrictEqual } from 'node:util';
import { rest } from '../../lib/threads/rest.ts';
import type { Config } from '../../model/config.ts';
import { REVISIONS_MAX, type RevisionEntry, type RevisionsConfig } from '../../model/threads/revision.ts';
import { type Content, configOf, contentOf, Packer } from './content.ts';
import { fromBaseRow, fromRow, type RevisionHead, type RowContent, toBaseRow, toRow } from './packed.ts';

/** What is told of a configuration when it is accepted. */
export type Accepted = Pick<RevisionHead, 'revision' | 'hash' | 'at' | 'origin'> & {
  readonly config: Config;
  /** The entry whose content it is, where it was rolled back to. */
  readonly contentOf: Kept | null;
};

/** An entry with its content; opaque to others. */
export interface Kept {
  readonly head: Omit<RevisionHead, 'number' | 'contentOf' | 'verifiedWith'>;
  /** Of the entries that this process made: 1, 2, …; null for those that were recalled. */
  own: number | null;
  /** Of those that were recalled. */
  number: number;
  contentOf: Kept | number | null;
  verifiedWith: RevisionHead['verifiedWith'];
  /** As long as it is not packed. */
  config: Config | null;
  content: Content | null;
  /** Made once: many are asked for again and again. */
  row: { readonly key: string; readonly bytes: Uint8Array } | null;
}

type Limits = Pick<RevisionsConfig, 'keep' | 'bytesMax'>;

const FREE = new Uint8Array(0);
const BASE_PREFIX = 'base/';

export class History {
  readonly #release: string;
  /** Newest first. */
  #entries: Kept[] = [];
  #limits: Limits = { keep: REVISIONS_MAX, bytesMax: Number.POSITIVE_INFINITY };
  /** Highest number that was recalled: own entries go on from it. */
  #base = 0;
  #owns = 0;
  readonly #packer = new Packer();
  #packing: Promise<unknown> = Promise.resolve();
  /** By name: what was recalled and entries may be differences to. */
  readonly #recalled = new Map<string, Content>();
  /** Whole contents with rows of their own. */
  readonly #slots = new Map<Content, number>();
  readonly #baseRows = new WeakMap<Content, Uint8Array>();
  /** Keys that hold, or held, a row. */
  readonly #keysUsed = new Set<string>();

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
      verifiedWith: contentOf?.verifiedWith ?? null,
      config,
      content: null,
      row: null,
    };
    this.#entries.unshift(entry);
    this.#bound();
    return entry;
  }

  /**
   * What has this hash was verified with these keys just now, or is not to pass for verified: noted of every entry with that content.
   * @returns whether that is news
   */
  verified(hash: string, verifiedWith: RevisionHead['verifiedWith']): boolean {
    const others = this.#entries.filter(
      (entry) => entry.head.hash === hash && !isDeepStrictEqual(entry.verifiedWith, verifiedWith),
    );
    for (const entry of others) entry.verifiedWith = verifiedWith;
    return others.length > 0;
  }

  /** Packs what is not packed yet. Resolves with whether something was. */
  pack(): Promise<boolean> {
    const packing = this.#packing.then(() => this.#packWaiting());
    this.#packing = packing.catch(() => undefined);
    return packing;
  }

  async #packWaiting(): Promise<boolean> {
    const waiting = this.#entries.filter(({ config }) => config !== null);
    for (const entry of waiting.toReversed()) {
      // Forgotten meanwhile, or while it was packed.
      if (entry.config === null) continue;
      rest();
      const content = await this.#packer.pack(entry.config, this.#limits.bytesMax);
      if (entry.config === null) continue;
      entry.config = null;
      entry.content = content;
    }
    this.#bound();
    return waiting.length > 0;
  }

  /** Takes in a row of an earlier process. @throws Error when it is damaged */
  recall(key: string, row: Uint8Array): void {
    if (key.startsWith(BASE_PREFIX)) {
      const base = contentOf(fromBaseRow(row), null);
      this.#recalled.set(base.name, base);
      this.#keysUsed.add(key);
      return;
    }
    const { head, content: saved } = fromRow(row);
    this.#keysUsed.add(key);
    const { number, contentOf: of, verifiedWith, ...rest } = head;
    if (this.#entries.some((entry) => entry.own === null && entry.number === number)) return;
    this.#base = Math.max(this.#base, number);
    const content = saved === null ? null : contentOf(saved.packed, saved.base);
    const told = { head: rest, number, contentOf: of, verifiedWith };
    this.#entries.push({ ...told, own: null, config: null, content, row: null });
    this.#entries.sort((a, b) => this.numberOf(b) - this.numberOf(a));
  }

  /**
   * All rows are recalled: what this process accepted first is no news where it goes on with what the last one had in force.
   * @param hash of what it goes on with; default what it accepted first
   */
  settle(hash = this.#first?.head.hash): void {
    this.#join();
    this.#recalled.clear();
    const first = this.#first;
    const last = this.#entries.find(({ own }) => own === null);
    const goesOn = first !== undefined && last?.head.hash === hash && last?.head.release === this.#release;
    if (goesOn && isKept(last)) {
      // What it goes on with may be pinned, and not what the first one verified.
      if (first.head.hash === hash) last.verifiedWith = first.verifiedWith ?? last.verifiedWith;
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
    const bytes = entry.content?.packed.length ?? 0;
    const of = this.#contentOf(entry);
    const { verifiedWith } = entry;
    const told = { number, revision, hash, at, origin, contentOf: of, routes, bytes, release, verifiedWith };
    return { ...told, isKept: isKept(entry) };
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

  /** The newest of an earlier process; null: none was recalled. */
  get newestRecalled(): Kept | null {
    return this.#entries.find(({ own }) => own === null) ?? null;
  }

  /** The newest of an earlier process whose documents were verified; null: none of those that were recalled was. */
  get newestVerified(): Kept | null {
    return this.#entries.find(({ own, verifiedWith }) => own === null && verifiedWith !== null) ?? null;
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
    if (entry.content === null) throw new Error(`the content of revision ${number} was let go (revisions.bytesMax)`);
    const { release } = entry.head;
    this.#join();
    if (release === this.#release) return configOf(entry.content);
    throw new Error(`revision ${number} was accepted by release ${release}, and this is ${this.#release}`);
  }

  /** What all contents take, packed. */
  get bytes(): number {
    const own = this.#entries.reduce((sum, { content }) => sum + (content?.packed.length ?? 0), 0);
    return [...this.#bases()].reduce((sum, { packed }) => sum + packed.length, own);
  }

  get count(): number {
    return this.#entries.length;
  }

  /** Every row by its key, the same bytes as long as it stays what it is; an empty one is free. */
  rows(): Map<string, Uint8Array> {
    const rows = new Map<string, Uint8Array>();
    for (const key of this.#keysUsed) rows.set(key, FREE);
    for (const entry of this.#entries.toReversed()) {
      // Not before it is packed: a row says what it holds.
      if (entry.config !== null) continue;
      rows.set(String(this.numberOf(entry) % REVISIONS_MAX), this.#rowOf(entry));
    }
    for (const [base, slot] of this.#slotted()) rows.set(`${BASE_PREFIX}${slot}`, this.#baseRowOf(base));
    for (const key of rows.keys()) this.#keysUsed.add(key);
    return rows;
  }

  get #first(): Kept | undefined {
    return this.#entries.find(({ own }) => own === 1);
  }

  #rowOf(entry: Kept): Uint8Array {
    const [number, of] = [this.numberOf(entry), this.#contentOf(entry)];
    const { head, content, verifiedWith } = entry;
    const key = `${number} ${of} ${content === null} ${verifiedWith?.join() ?? ''}`;
    if (entry.row?.key !== key) {
      entry.row = { key, bytes: toRow({ ...head, number, contentOf: of, verifiedWith }, savedOf(content)) };
    }
    return entry.row.bytes;
  }

  #baseRowOf(base: Content): Uint8Array {
    const row = this.#baseRows.get(base) ?? toBaseRow(base.packed);
    this.#baseRows.set(base, row);
    return row;
  }

  /** What entries are differences to, and none has itself. */
  #bases(): Set<Content> {
    const bases = new Set<Content>();
    for (const { content } of this.#entries) {
      if (content !== null && content.base !== null && typeof content.base !== 'string') bases.add(content.base);
    }
    for (const { content } of this.#entries) if (content !== null) bases.delete(content);
    return bases;
  }

  /** The same with their slots, which they keep. */
  #slotted(): ReadonlyMap<Content, number> {
    const bases = this.#bases();
    for (const base of this.#slots.keys()) if (!bases.has(base)) this.#slots.delete(base);
    const taken = new Set(this.#slots.values());
    for (const base of bases) {
      if (this.#slots.has(base)) continue;
      let slot = 0;
      while (taken.has(slot)) slot += 1;
      taken.add(slot);
      this.#slots.set(base, slot);
    }
    return this.#slots;
  }

  /** Finds what was recalled as a difference, whichever of the two rows came first. */
  #join(): void {
    const wholes = new Map(this.#recalled);
    for (const { content } of this.#entries) if (content?.base === null) wholes.set(content.name, content);
    for (const { content } of this.#entries) {
      if (typeof content?.base === 'string') content.base = wholes.get(content.base) ?? content.base;
    }
  }

  #contentOf(entry: Kept): number {
    if (entry.contentOf === null) return this.numberOf(entry);
    return typeof entry.contentOf === 'number' ? entry.contentOf : this.#contentOf(entry.contentOf);
  }

  #bound(): void {
    // Others may name them still, as what their content is of.
    for (const entry of this.#entries.splice(this.#limits.keep)) {
      entry.config = null;
      entry.content = null;
    }
    while (this.bytes > this.#limits.bytesMax) {
      const oldest = this.#oldestToLetGo();
      if (oldest === undefined) break;
      oldest.content = null;
    }
  }

  /** Of those whose content nobody differs from: letting go of another one frees nothing. */
  #oldestToLetGo(): Kept | undefined {
    const bases = new Set(this.#entries.map(({ content }) => content?.base));
    return this.#entries.findLast(({ content }) => content !== null && !bases.has(content) && !bases.has(content.name));
  }
}

/** Its content is there, with what that is a difference to. */
function isKept({ config, content }: Kept): boolean {
  return config !== null || (content !== null && typeof content.base !== 'string');
}

function savedOf(content: Content | null): RowContent | null {
  if (content === null) return null;
  const { packed, base } = content;
  return { packed, base: base === null || typeof base === 'string' ? base : base.name };
}
