/**
 * A store on virtual time that can be slow, down, frozen, silent, wiped and restored; and what it ever held.
 */

import type { Random } from '#src/lib/random.ts';
import { hashOfPieces } from '#src/sources/follow/guard.ts';
import type { Listing, Piece, Store, WatchWord } from '#src/sources/follow/source.ts';
import { Ahead } from '#src/sources/stores/consul/ahead.ts';
import type { VirtualTime } from './virtual.ts';

export const LATENCY_MS_MAX = 50;
export const WAIT_MS = 5000;
/** After which a question to a frozen store fails. */
export const TIMEOUT_MS = 2000;

type Mode = 'up' | 'down' | 'frozen';

/** What it holds when it tells of a change, and in which life. */
interface Told {
  readonly listing: Listing;
  readonly life: number;
}

export class ModelStore implements Store {
  readonly kind = 'consul';
  readonly name: string;
  readonly isForeign = true;
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #pieces = new Map<string, string>();
  /** Of the last change of each piece. */
  readonly #changedAt = new Map<string, number>();
  /** The listings that it gave, with the life that they are of. */
  readonly #lives = new WeakMap<Listing, number>();
  /** Of what changed; null: the store has changed again. */
  readonly #ahead = new Ahead<Told, Listing | null>();
  #told: Told | null = null;
  #revision = 1;
  #saved: ReadonlyMap<string, string> = new Map();
  mode: Mode = 'up';
  /** Watches are told of changes that were none, and of each one twice. */
  isJumpy = false;
  /** Listings that were made of what changed since another one. */
  partial = 0;
  /** Of these, the ones that were begun before they were asked for. */
  ahead = 0;
  /** Looks ahead that were void. */
  voids = 0;
  /** Watches are not told of changes. */
  isSilent = false;
  isClosed = false;
  lists = 0;
  /** `revision hash` of everything it ever held, and since when. */
  readonly #history = new Set<string>();
  readonly #times: { readonly atMs: number; readonly hash: string }[] = [];
  #wakeups: (() => void)[] = [];
  #life = 0;

  constructor(time: VirtualTime, random: Random, name = 'consul model') {
    this.name = name;
    this.#time = time;
    this.#random = random;
    this.#note();
  }

  // ── what happens to it ──────────────────────────────────────────────────────────────────────────────────────────

  put(name: string, text: string): void {
    this.#pieces.set(name, text);
    this.#changedAt.set(name, this.#revision + 1);
    this.#change();
  }

  remove(name: string): void {
    if (this.#pieces.delete(name)) this.#change();
  }

  /** Begun anew without its data: connections break, and revisions begin from 1. */
  wipe(): void {
    this.#life += 1;
    this.#pieces.clear();
    this.#revision = 1;
    this.#note();
    this.#wake();
  }

  /** What it holds now is what `restore` brings back. */
  backUp(): void {
    this.#saved = new Map(this.#pieces);
  }

  restore(): void {
    this.#pieces.clear();
    for (const [name, text] of this.#saved) {
      this.#pieces.set(name, text);
      this.#changedAt.set(name, this.#revision + 1);
    }
    this.#change();
  }

  setMode(mode: Mode): void {
    this.mode = mode;
    this.#wake();
  }

  // ── what is true of it ──────────────────────────────────────────────────────────────────────────────────────────

  get names(): readonly string[] {
    return [...this.#pieces.keys()];
  }

  get hash(): string {
    return hashOfPieces(this.#listing().pieces);
  }

  hasHeld(revision: string, pieces: readonly Piece[]): boolean {
    return this.#history.has(`${revision} ${hashOfPieces(pieces)}`);
  }

  /** Whether this is what it held at some moment from `fromMs` to `toMs`. */
  heldWithin(hash: string, fromMs: number, toMs: number): boolean {
    return this.#times.some((held, index) => {
      const untilMs = this.#times[index + 1]?.atMs ?? Number.POSITIVE_INFINITY;
      return held.hash === hash && held.atMs <= toMs && untilMs >= fromMs;
    });
  }

  // ── the contract ────────────────────────────────────────────────────────────────────────────────────────────────

  async list(signal: AbortSignal, since: Listing | null = null): Promise<Listing> {
    this.lists += 1;
    if (since === null) this.#ahead.end();
    const taken = since === null ? null : await this.#ahead.take(signal);
    if (taken?.kind === 'void') this.voids += 1;
    if (taken?.kind === 'found' && taken.found !== null) {
      this.ahead += 1;
      return taken.found;
    }
    const life = this.#life;
    await this.#reach(signal);
    const isKnown = since !== null && this.#lives.get(since) === life;
    const listing = (isKnown ? await this.#listSince(since, signal, life) : null) ?? this.#listing();
    await this.#latency();
    this.#assertUp(signal, life);
    this.#lives.set(listing, life);
    return listing;
  }

  /** Names first, then what changed: null when they are not of one moment. */
  async #listSince(since: Listing, signal: AbortSignal, life: number): Promise<Listing | null> {
    const { pieces: now, revision } = this.#listing();
    await this.#latency();
    this.#assertUp(signal, life);
    if (String(this.#revision) !== revision) return null;
    return this.#partOf({ pieces: now, revision }, since);
  }

  /** Begins as soon as a watch has told of a change: what it told is what the answers must be of. */
  lookAhead(since: Listing): void {
    const told = this.#told;
    if (told === null || this.#lives.get(since) !== told.life) return;
    const { listing, life } = told;
    this.#ahead.begin({
      revision: listing.revision,
      search: async (signal) => {
        await this.#reach(signal);
        this.#assertUp(signal, life);
        if (String(this.#revision) !== listing.revision) return null;
        const found = this.#partOf(listing, since);
        this.#lives.set(found, life);
        await this.#latency();
        this.#assertUp(signal, life);
        return found;
      },
      watch: (signal) => this.#hear(listing.revision, signal),
    });
  }

  /** Right now: what changed since an answer, the rest from there. */
  #partOf({ pieces: now, revision }: Listing, since: Listing): Listing {
    this.partial += 1;
    const before = new Map(since.pieces.map((piece) => [piece.name, piece]));
    const pieces = now.map((piece) => {
      const isNew = (this.#changedAt.get(piece.name) as number) > Number(since.revision);
      return isNew ? piece : (before.get(piece.name) as Piece);
    });
    return { pieces, revision };
  }

  async watch(revision: string, signal: AbortSignal, confirm: () => void): Promise<WatchWord> {
    const word = await this.#ahead.goOn(revision, signal);
    if (word === 'same') confirm();
    this.#told = word === null || word === 'same' ? await this.#hear(revision, signal) : word;
    return { kind: this.#told === null ? 'same' : 'changed' };
  }

  /** What it holds after a change; null: it was asked for long enough. */
  async #hear(revision: string, signal: AbortSignal): Promise<Told | null> {
    const life = this.#life;
    await this.#reach(signal);
    const untilMs = this.#time.nowMs + WAIT_MS;
    this.#assertUp(signal, life);
    while (String(this.#revision) === revision || this.isSilent) {
      this.#assertUp(signal, life);
      if (this.#time.nowMs >= untilMs && !this.isSilent) {
        await this.#latency();
        // The answer was on its way when the change came: the next watch tells.
        return null;
      }
      if (this.mode === 'frozen') await this.#reach(signal);
      // A silent watch lasts until somebody is tired of it.
      if (this.isJumpy && !this.isSilent) break;
      const restMs = this.isSilent ? WAIT_MS : untilMs - this.#time.nowMs;
      await Promise.race([this.#time.wait(Math.max(1, restMs)), this.#woken()]);
      if (signal.aborted) throw new Error('aborted');
    }
    const told = { listing: this.#listing(), life: this.#life };
    await this.#latency();
    return told;
  }

  close(): void {
    this.#ahead.end();
    this.isClosed = true;
  }

  /** A frozen store answers when it thaws, if anybody still waits. */
  async #reach(signal: AbortSignal): Promise<void> {
    await this.#latency();
    const untilMs = this.#time.nowMs + TIMEOUT_MS;
    while (this.mode === 'frozen') {
      if (this.#time.nowMs >= untilMs) throw new Error('no answer');
      await Promise.race([this.#time.wait(untilMs - this.#time.nowMs), this.#woken()]);
      if (signal.aborted) throw new Error('aborted');
    }
    this.#assertUp(signal);
  }

  #assertUp(signal: AbortSignal, life = this.#life): void {
    if (signal.aborted) throw new Error('aborted');
    if (life !== this.#life) throw new Error('connection reset');
    if (this.mode === 'down') throw new Error('connection refused');
  }

  #latency(): Promise<void> {
    return this.#time.wait(1 + this.#random.nextFloat() * (LATENCY_MS_MAX / 2 - 1));
  }

  #listing(): Listing {
    const names = [...this.#pieces.keys()].toSorted();
    const pieces = names.map(
      (name): Piece => ({ name, mount: { kind: 'route', name }, text: this.#pieces.get(name) ?? '' }),
    );
    return { pieces, revision: String(this.#revision) };
  }

  #change(): void {
    this.#revision += 1;
    this.#note();
    this.#wake();
  }

  #note(): void {
    this.#history.add(`${this.#revision} ${this.hash}`);
    this.#times.push({ atMs: this.#time.nowMs, hash: this.hash });
  }

  #wake(): void {
    const wakeups = this.#wakeups;
    this.#wakeups = [];
    for (const wake of wakeups) wake();
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => this.#wakeups.push(resolve));
  }
}
