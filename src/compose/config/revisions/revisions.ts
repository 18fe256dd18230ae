/**
 * Composition of configuration revisions: what sources offer is taken, or a pin holds against it; people go back and forth.
 *
 * ```
 * sources ─▶ offer ── pinned against just this ─▶ unchanged: the pinned one stays
 *                 └── anything else ─▶ store ── swapped ─▶ history ─▶ state store      the pin ends
 * rollback ─▶ a kept configuration ─▶ store ─▶ workers; pinned until the sources hold something else, or unpin
 * ```
 * A rollback asks no source: it works while all of them are away. What belongs to the process (`sources/build/process/own.ts`) stays as
 * it is: a token that was withdrawn does not come back, nor a listener that asked for no certificates.
 */

import { bothClocks, wallTime } from '../../../lib/clock.ts';
import type { Log } from '../../../lib/log.ts';
import { rest } from '../../../lib/threads/rest.ts';
import type { Config } from '../../../model/config.ts';
import type { ParseResult } from '../../../model/problem.ts';
import type { SourceStatus } from '../../../model/status.ts';
import type {
  ConfigCommand,
  ConfigCommandResult,
  DiffResult,
  Pin,
  Revert,
  RevisionEntry,
  RevisionsStatus,
} from '../../../model/threads/revision.ts';
import type { SavedBudget } from '../../../model/threads/state.ts';
import type { Totals } from '../../../slo/totals/totals.ts';
import { hashConfig } from '../../../snapshot/hash.ts';
import { confirmedOf } from '../../../snapshot/revisions/confirmed.ts';
import { History, type Kept } from '../../../snapshot/revisions/history.ts';
import { pinOf } from '../../../snapshot/revisions/pin.ts';
import type { Current, OfferResult, Store } from '../../../snapshot/store.ts';
import { withOwn } from '../../../sources/build/process/own.ts';
import type { Durable } from '../../durable.ts';
import { HELD } from '../../rollouts.ts';
import { entryInForce, type LastInForce, STALE_ORIGIN, tellOfStart, toldOf, unverified } from '../start/stale-start.ts';
import { type Asked, RevisionCommands, type Sound } from './commands.ts';
import { compareRevisions } from './diff.ts';
import { differenceOf } from './difference.ts';
import { COMMAND_WAIT_MS, Preparation, type PrepareEndpoints } from './preparation.ts';
import { resume } from './resume.ts';
import { CONFIRMED_KEY, FORMAT, KEY_PREFIX, PIN_KEY, RevisionRows } from './rows.ts';
import { RevisionWatch } from './watch.ts';

const CHANGED = 'the configuration has just changed; look again';

export interface RevisionsDeps {
  readonly store: Store;
  readonly totals: Totals;
  readonly log: Log;
  /** Version of the release that is running. */
  readonly release: string;
  /** Puts into force what came of an offer; resolves when every worker has it. */
  readonly apply: (result: OfferResult) => Promise<void>;
  /** Keeps rows for the next process, and writes reverts down. */
  readonly durable: () => Pick<Durable, 'keep' | 'reverted'>;
  /** Nothing may be decided now: another process is taking over. */
  readonly isHeld: () => boolean;
}

export class Revisions {
  readonly #deps: RevisionsDeps;
  readonly #preparation = new Preparation();
  /** Resolves when a pin of the process before holds again. */
  ready: Promise<void> = Promise.resolve();
  /** Reverts what made a route fail. */
  readonly watch: RevisionWatch;
  readonly #history: History;
  readonly #rows: RevisionRows;
  readonly #commands: RevisionCommands;
  #sourced: Sound | null = null;
  /** The newest of what the sources hold could not be used. */
  #isRefused = false;
  #pin: Pin | null = null;
  /** What was started with; null as soon as what the sources hold was taken. */
  #staleStart: LastInForce | null = null;
  #rollbacks = { api: 0, sluice: 0 };
  #isFromSources = true;
  /** Keys that documents must be verified with; null: none need be. */
  #prints: () => readonly string[] | null = () => null;

  constructor(deps: RevisionsDeps) {
    this.#deps = deps;
    this.#history = new History(deps.release);
    this.#rows = new RevisionRows(this.#history, { log: deps.log, save: (rows) => deps.durable().keep(rows) });
    const reverted = (revert: Revert): void => deps.durable().reverted(revert);
    this.watch = new RevisionWatch({ log: deps.log, totals: deps.totals, revisions: this, reverted });
    this.#commands = new RevisionCommands({
      history: this.#history,
      current: () => this.current,
      pin: () => this.#pin,
      sourced: () => this.#sourced,
      asOwn: (config) => this.#asOwn(config),
      put: (asked, then) => this.#asked(asked, then),
      hold: (by, reason) => this.#hold(by, reason),
      unpin: (by, reason) => this.#unpin(by, reason),
      apply: deps.apply,
    });
  }

  /** What is in force, null before the first accepted configuration. */
  get current(): Current | null {
    return this.#deps.store.current;
  }

  /** The cell that holds it. */
  get store(): Store {
    return this.#deps.store;
  }

  /** Has endpoints of configurations of before looked up by `open`. @param unwatched told when the watch needs none any more */
  prepareBy(open: PrepareEndpoints, unwatched: () => void = () => undefined): void {
    this.#preparation.by(open, unwatched);
  }

  /** Has what is kept believed only where it was verified. @param prints of the keys that count, as `printOf` has them; null: none */
  verifyBy(prints: () => readonly string[] | null): void {
    this.#prints = prints;
  }

  /** Nobody goes back by himself now: what was kept ready for it may go. */
  unwatched(): void {
    this.#preparation.unwatched();
  }

  /** Whether what is in force came from the sources, and not by a person's word or a revert. */
  get isFromSources(): boolean {
    return this.#isFromSources;
  }

  /** Takes what the sources hold. @param origin names of what changed */
  offer(parsed: ParseResult, origin: readonly string[] = []): OfferResult {
    if (!parsed.ok) {
      this.#isRefused = true;
      return this.#deps.store.offer(parsed);
    }
    const hash = parsed.hash ?? hashConfig(parsed.config);
    const sourced = { ...parsed, hash };
    if (this.#pin !== null && this.#pin.from === hash && this.current !== null) {
      this.#believe(sourced);
      return { kind: 'unchanged', current: this.current, warnings: parsed.warnings };
    }
    const result = this.#put(sourced, origin, null, true);
    this.#isRefused = result.kind === 'refused';
    if (result.kind === 'refused') return result;
    this.#believe(sourced);
    if (this.#pin !== null) this.#unpin('sources', 'the sources hold something else than what was rolled back from');
    return result;
  }

  /**
   * Goes on with what an earlier process had in force, until the sources have answered.
   * @param parsed the same under the main document of now. @param because of which it is not what the sources hold
   */
  startStale(last: LastInForce, parsed: ParseResult & { readonly ok: true }, because: string): OfferResult {
    const result = this.#put({ ...parsed, hash: hashConfig(parsed.config) }, [STALE_ORIGIN], null);
    if (result.kind === 'refused') return result;
    this.#staleStart = last;
    // The same content, under what the main document says of the process, which was verified now.
    if (result.kind === 'swapped' && last.verifiedWith !== null)
      this.#history.verified(result.current.snapshot.hash, last.verifiedWith);
    tellOfStart(this.#deps.log, last, { directory: parsed.config.state.directory, because });
    return result;
  }

  /** What was taken of the sources was verified with these keys, and no document put back to an earlier revision; null: one was. */
  verified(prints: readonly string[] | null): void {
    if (this.#sourced !== null && this.#history.verified(this.#sourced.hash, prints)) this.#rows.saveNews();
  }

  /** Whether what the sources hold is not known since the start. */
  get isStale(): boolean {
    return this.#staleStart !== null;
  }

  /** The sources said so long ago that they hold what was taken of them. */
  confirmed(staleMs: number): void {
    if (this.#sourced === null || this.#isRefused) return;
    const at = new Date(bothClocks().wallMs - staleMs).toISOString();
    this.#rows.setConfirmed({ hash: this.#sourced.hash, at, passedOver: '' });
    this.#rows.saveNews();
  }

  /** Obeys a person. Resolves when every worker does. */
  command(command: ConfigCommand): Promise<ConfigCommandResult> {
    return this.#commands.obey(command);
  }

  /** Goes back by itself, and holds that against the sources. @returns why it is not in force; empty: it is */
  revert(config: Config, reason: string): Promise<string> {
    return this.#commands.revert(config, reason);
  }

  /** Of what is in force, in the history; 0 before the first. */
  get number(): number {
    const { newest } = this.#history;
    return newest === null ? 0 : this.#history.numberOf(newest);
  }

  /** Newest first. */
  list(): RevisionEntry[] {
    return this.#history.list();
  }

  /** What differs from `before` to `after`: numbers, beginnings of hashes, `sources`; empty: what is in force, and the one before. */
  diff(before: string, after: string): DiffResult {
    const inForce = this.current?.intended ?? null;
    return compareRevisions({ history: this.#history, inForce, sourced: this.#sourced?.config ?? null }, before, after);
  }

  /** @param sources of documents: how well they are kept up with */
  status(sources: readonly SourceStatus[]): RevisionsStatus {
    const staleStart = this.#staleStart && toldOf(this.#staleStart, sources, bothClocks().wallMs);
    const inForce = { hash: this.current?.snapshot.hash ?? null, sourceHash: this.#sourced?.hash ?? null };
    return {
      number: this.number,
      sourceHash: this.#isRefused ? null : (this.#sourced?.hash ?? null),
      staleMs: Math.max(staleStart?.confirmedMs ?? 0, ...sources.map(({ staleMs }) => staleMs)),
      pin: this.#pin,
      staleStart,
      difference: differenceOf({ ...inForce, staleStart, pin: this.#pin, isRefused: this.#isRefused }),
      kept: this.#history.count,
      keptBytes: this.#history.bytes,
      rollbacks: this.#rollbacks,
      notReverted: this.watch.notReverted,
    };
  }

  // ── what outlives the process ───────────────────────────────────────────────────────────────────────────────────

  /** Whether a saved budget is none, but a revision or the pin; then it is taken in. @throws Error when it is damaged */
  recall(key: string, { format, bytes }: SavedBudget): boolean {
    if (!key.startsWith(KEY_PREFIX)) return false;
    if (format !== FORMAT) throw new Error(`format ${format} is not ${FORMAT}`);
    if (bytes.length === 0) return true;
    if (key === CONFIRMED_KEY) this.#rows.recallConfirmed(confirmedOf(bytes));
    else if (key !== PIN_KEY) this.#history.recall(key.slice(KEY_PREFIX.length), bytes);
    // What a person said in this process is newer.
    else if (this.#rollbacks.api + this.#rollbacks.sluice === 0) this.#setPin(pinOf(bytes));
    return true;
  }

  /** Everything that is saved was recalled: a pin holds again, and who was started stale sees whether he went by the last word. */
  recalled(): void {
    // Where documents must be verified, no pin holds what was accepted without that.
    const pinned = this.#pin === null ? null : this.#history.find(this.#pin.hash);
    const because = pinned?.verifiedWith === null ? this.#unverified(pinned) : '';
    if (this.#pin !== null && because !== '') this.#losePin(this.#pin, because);
    const [pin, last] = [this.#pin, this.#staleStart];
    const kept = last === null ? null : entryInForce(this.#history, pin);
    const passedOver = this.#unverified(kept);
    const entry = passedOver === '' ? kept : null;
    // What is gone on with is the newest for the next start, and it would have the time of what was passed over.
    if (last !== null && passedOver !== '') this.#rows.setConfirmed({ ...last.sourced, passedOver });
    const isHeld = pin !== null && pin.from === this.#sourced?.hash && pin.hash !== this.current?.snapshot.hash;
    if (isHeld || (last !== null && entry !== null && entry.head.hash !== last.hash)) {
      const going = isHeld ? this.#holdAgain(pin) : this.#catchUp(last as LastInForce, entry as Kept);
      this.ready = going.then(() => this.#settled());
      return;
    }
    this.#history.settle();
    const isOver = last === null && pin !== null && pin.from !== this.#sourced?.hash;
    if (isOver) this.#unpin('sources', 'they were changed meanwhile');
    this.#settled();
  }

  #settled(): void {
    if (this.current !== null) this.#history.limit(this.current.config.revisions);
    this.#rows.keep();
  }

  /** Every worker obeys what was accepted. Whoever waits for that hears of it before thousands of routes are packed. */
  applied(): void {
    setImmediate(() => this.#rows.keep());
  }

  save(): Map<string, SavedBudget> {
    return this.#rows.all();
  }

  #put(sourced: Sound, origin: readonly string[], contentOf: Kept | null, isFromSources = false): OfferResult {
    const result = this.#deps.store.offer(sourced);
    if (result.kind !== 'swapped') return result;
    this.#isFromSources = isFromSources;
    const { intended: config, snapshot, at } = result.current;
    rest();
    this.#history.limit(config.revisions);
    this.#history.add({ config, revision: snapshot.revision, hash: snapshot.hash, at, origin, contentOf });
    return result;
  }

  /**
   * Puts a configuration of before in force when its endpoints are there, or says why not: what came while they were waited for
   * is newer than what was asked for, and was not known to who asked.
   */
  #prepared(config: Config, put: () => OfferResult | string, waitMs?: number): Promise<OfferResult | string> {
    const [intended, from, pin] = [this.current?.intended, this.#sourced?.hash, this.#pin];
    return this.#preparation.run(
      config,
      () => {
        const isSame = this.current?.intended === intended && this.#sourced?.hash === from && this.#pin === pin;
        return isSame ? put() : CHANGED;
      },
      waitMs,
    );
  }

  /** The same of what somebody asks for, who waits for the answer. */
  #asked({ sound, origin, contentOf }: Asked, then: (result: OfferResult) => void): Promise<OfferResult | string> {
    const put = (): OfferResult => {
      const result = this.#put(sound, [origin], contentOf);
      then(result);
      return result;
    };
    return this.#prepared(sound.config, () => (this.#deps.isHeld() ? HELD.detail : put()), COMMAND_WAIT_MS);
  }

  /** The process keeps what it was started with. */
  #asOwn(config: Config): Config {
    return withOwn(config, this.current?.config ?? config);
  }

  /** What is in force is not what the sources hold, and is to stay. */
  #hold(by: string, reason: string): void {
    const { snapshot, at } = this.current as Current;
    const from = this.#sourced?.hash ?? this.#staleStart?.sourced.hash ?? '';
    const to = this.list()[0]?.contentOf ?? 0;
    this.#setPin(from === snapshot.hash ? null : { from, to, hash: snapshot.hash, at, by, reason });
    const who = by === 'sluice' ? 'sluice' : 'api';
    this.#rollbacks = { ...this.#rollbacks, [who]: this.#rollbacks[who] + 1 };
    this.#deps.log.warn('config_rolled_back', { to, hash: snapshot.hash, by, reason, pinned: this.#pin !== null });
    this.#rows.saveNews();
  }

  /** Why an entry may not be gone on with; empty: it may, or there is none. */
  #unverified(entry: Kept | null): string {
    return entry === null ? '' : unverified(this.#history, entry, this.#prints());
  }

  #losePin(pin: Pin, because: string): void {
    this.#setPin(null);
    this.#deps.log.error('config_pin_lost', { ...pin, because, now: 'what the sources hold counts' });
  }

  /** The process before this one was told to hold it; sources still hold what was rolled back from. */
  async #holdAgain(pin: Pin): Promise<void> {
    const because = await this.#goOn(pin.hash, () => this.#deps.log.warn('config_pinned', { ...pin }));
    if (because !== '') this.#losePin(pin, because);
  }

  /** The process before this one had gone on since what was started with was looked up. */
  async #catchUp(last: LastInForce, entry: Kept): Promise<void> {
    const { number, hash, at } = this.#history.describe(entry);
    const because = await this.#goOn(hash, () => {
      this.#staleStart = { ...last, number, hash, acceptedAt: at };
    });
    const fields = { from: last.number, to: number, hash };
    if (because === '') this.#deps.log.info('config_caught_up', fields);
    else this.#deps.log.error('config_not_caught_up', { ...fields, because });
  }

  /** `done` is called before anybody obeys it. @returns why not; empty: it is in force, or something newer came meanwhile */
  #goOn(hash: string, done: () => void): Promise<string> {
    return resume(hash, done, {
      ...this.#deps,
      history: this.#history,
      asOwn: (config) => this.#asOwn(config),
      prepared: (config, put) => this.#prepared(config, put),
      offer: (own) => {
        const result = this.#deps.store.offer(own);
        if (result.kind === 'swapped') this.#isFromSources = false;
        return result;
      },
    });
  }

  #setPin(pin: Pin | null): void {
    this.#pin = pin;
    this.#rows.setPin(pin);
  }

  #unpin(by: string, reason: string): void {
    this.#setPin(null);
    this.#deps.log.warn('config_unpinned', { by, reason });
    this.#rows.saveNews();
  }

  /** What was taken of the sources is what they hold now. */
  #believe(sourced: Sound): void {
    this.#sourced = sourced;
    this.#isRefused = false;
    this.#rows.setConfirmed({ hash: sourced.hash, at: wallTime(), passedOver: '' });
    if (this.#staleStart === null) return;
    const { number, hash } = this.#staleStart;
    this.#staleStart = null;
    this.#deps.log.info('config_fresh', { startedWith: number, isSame: hash === sourced.hash });
  }
}
