/**
 * Composition of configuration revisions: what sources offer is taken, or a pin holds against it; people go back and forth.
 *
 * ```
 * sources ─▶ offer ── pinned against just this ─▶ unchanged: the pinned one stays
 *                 └── anything else ─▶ store ── swapped ─▶ history ─▶ state store      the pin ends
 * rollback ─▶ a kept configuration ─▶ store ─▶ workers; pinned until the sources hold something else, or unpin
 * ```
 * A rollback asks no source: it works while all of them are away. What belongs to the process (listeners, threads, state, the
 * fleet, the token of the admin server) stays as it is: a token that was withdrawn does not come back.
 */

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
import { History, type Kept } from '../../../snapshot/revisions/history.ts';
import { packPin, pinOf } from '../../../snapshot/revisions/pin.ts';
import type { Current, OfferResult, Store } from '../../../snapshot/store.ts';
import type { Durable } from '../../durable.ts';
import { HELD } from '../../rollouts.ts';
import { compareRevisions, unknownRevision } from './diff.ts';
import { COMMAND_WAIT_MS, Preparation, type PrepareEndpoints } from './preparation.ts';
import { FORMAT, KEY_PREFIX, PIN_KEY, RevisionRows } from './rows.ts';
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

/** What the sources hold, as far as it could be read. */
type Sourced = ParseResult & { readonly ok: true } & { readonly hash: string };

export class Revisions {
  readonly #deps: RevisionsDeps;
  readonly #preparation = new Preparation();
  /** Resolves when a pin of the process before holds again. */
  ready: Promise<void> = Promise.resolve();
  /** Reverts what made a route fail. */
  readonly watch: RevisionWatch;
  readonly #history: History;
  readonly #rows: RevisionRows;
  #sourced: Sourced | null = null;
  /** The newest of what the sources hold could not be used. */
  #isRefused = false;
  #pin: Pin | null = null;
  #pinRow: Uint8Array = new Uint8Array(0);
  #rollbacks = { api: 0, sluice: 0 };
  #isFromSources = true;

  constructor(deps: RevisionsDeps) {
    this.#deps = deps;
    this.#history = new History(deps.release);
    this.#rows = new RevisionRows(this.#history);
    const reverted = (revert: Revert): void => deps.durable().reverted(revert);
    this.watch = new RevisionWatch({ log: deps.log, totals: deps.totals, revisions: this, reverted });
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
      this.#sourced = sourced;
      this.#isRefused = false;
      return { kind: 'unchanged', current: this.current, warnings: parsed.warnings };
    }
    const result = this.#put(sourced, origin, null, true);
    this.#isRefused = result.kind === 'refused';
    if (result.kind === 'refused') return result;
    this.#sourced = sourced;
    if (this.#pin !== null) this.#unpin('sources', 'the sources hold something else than what was rolled back from');
    return result;
  }

  /** Obeys a person. Resolves when every worker does. */
  async command(command: ConfigCommand): Promise<ConfigCommandResult> {
    return command.name === 'rollback' ? this.#rollback(command) : this.#release(command);
  }

  /**
   * Goes back by itself to a configuration that was in force, and holds it against the sources.
   * @returns why it is not in force; empty: it is
   */
  async revert(config: Config, reason: string): Promise<string> {
    const own = this.#asOwn(config);
    const hash = hashConfig(own);
    const entry = this.#history.find(hash);
    const result = await this.#asked(own, () => {
      const put = this.#put({ ok: true, config: own, warnings: [], hash }, ['rollback by sluice'], entry);
      if (put.kind === 'swapped') this.#hold('sluice', reason);
      return put;
    });
    if (typeof result === 'string') return result;
    if (result.kind === 'refused') return `it cannot be used now: ${result.problems[0]?.got ?? ''}`;
    if (result.kind === 'unchanged') return 'what was in force before is the same';
    await this.#deps.apply(result);
    return '';
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

  /** @param sources how well they are kept up with */
  status(sources: readonly SourceStatus[]): RevisionsStatus {
    return {
      number: this.number,
      sourceHash: this.#isRefused ? null : (this.#sourced?.hash ?? null),
      staleMs: Math.max(0, ...sources.map(({ staleMs }) => staleMs)),
      pin: this.#pin,
      difference: this.#difference(),
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
    if (key !== PIN_KEY) this.#history.recall(key.slice(KEY_PREFIX.length), bytes);
    // What a person said in this process is newer.
    else if (this.#rollbacks.api + this.#rollbacks.sluice === 0) this.#setPin(pinOf(bytes));
    return true;
  }

  /** Everything that is saved was recalled: a pin holds again. */
  recalled(): void {
    const pin = this.#pin;
    const isHeld = pin !== null && pin.from === this.#sourced?.hash && pin.hash !== this.current?.snapshot.hash;
    if (isHeld) {
      this.ready = this.#holdAgain(pin).then(() => this.#settled());
      return;
    }
    this.#history.settle();
    if (pin !== null && pin.from !== this.#sourced?.hash) this.#unpin('sources', 'they were changed meanwhile');
    this.#settled();
  }

  #settled(): void {
    if (this.current !== null) this.#history.limit(this.current.config.revisions);
    this.#keep();
  }

  /** Every worker obeys what was accepted. Whoever waits for that hears of it before thousands of routes are packed. */
  applied(): void {
    setImmediate(() => this.#keep());
  }

  save(): Map<string, SavedBudget> {
    return this.#rows.all(this.#pinRow);
  }

  #put(sourced: Sourced, origin: readonly string[], contentOf: Kept | null, isFromSources = false): OfferResult {
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
  #asked(config: Config, put: () => OfferResult): Promise<OfferResult | string> {
    return this.#prepared(config, () => (this.#deps.isHeld() ? HELD.detail : put()), COMMAND_WAIT_MS);
  }

  async #rollback({ to, by, reason }: ConfigCommand & { readonly name: 'rollback' }): Promise<ConfigCommandResult> {
    const newest = this.#history.newest;
    const entry = to === '' ? newest && this.#history.before(newest) : this.#history.find(to);
    if (entry === null) return unknownRevision(this.#history, to);
    const number = this.#history.numberOf(entry);
    if (entry.head.hash === this.current?.snapshot.hash) {
      return { kind: 'refused', detail: `revision ${number} is what is in force` };
    }
    let config: Config;
    try {
      config = this.#asOwn(this.#history.configOf(entry));
    } catch (error) {
      return { kind: 'refused', detail: messageOf(error) };
    }
    const before = this.number;
    const own = { ok: true, config, warnings: [], hash: hashConfig(config) } as const;
    const result = await this.#asked(config, () => {
      const put = this.#put(own, [`rollback by ${by}`], entry);
      if (put.kind !== 'refused') this.#hold(by, reason);
      return put;
    });
    if (typeof result === 'string') return { kind: 'refused', detail: result };
    if (result.kind === 'refused') {
      return { kind: 'refused', detail: `revision ${number} cannot be used now: ${result.problems[0]?.got ?? ''}` };
    }
    await this.#deps.apply(result);
    const pinned = this.#pin === null ? 'as the sources hold it' : 'pinned until the sources hold something else';
    return this.#done(`configuration rolled back from revision ${before} to ${number}, ${pinned}`);
  }

  /** The process keeps what it was started with. */
  #asOwn(config: Config): Config {
    const { listen, admin, adminTokenHash, workers, state, fleet } = this.current?.config ?? config;
    return { ...config, listen, admin, adminTokenHash, workers, state, fleet };
  }

  async #release({ by, reason }: ConfigCommand): Promise<ConfigCommandResult> {
    if (this.#pin === null) return { kind: 'refused', detail: 'the configuration is not pinned' };
    const sourced = this.#sourced as Sourced;
    const result = await this.#asked(sourced.config, () => {
      const put = this.#put(sourced, [`unpinned by ${by}`], this.#history.find(sourced.hash));
      if (put.kind !== 'refused') this.#unpin(by, reason);
      return put;
    });
    if (typeof result === 'string') return { kind: 'refused', detail: result };
    if (result.kind === 'refused') {
      return { kind: 'refused', detail: `what the sources hold cannot be used now: ${result.problems[0]?.got ?? ''}` };
    }
    await this.#deps.apply(result);
    return this.#done('the pin is lifted: what the sources hold is in force');
  }

  #done(sentence: string): ConfigCommandResult {
    return { kind: 'done', sentence, number: this.number, hash: this.current?.snapshot.hash ?? '' };
  }

  /** What is in force is not what the sources hold, and is to stay. */
  #hold(by: string, reason: string): void {
    const { snapshot, at } = this.current as Current;
    const from = this.#sourced?.hash ?? '';
    const to = this.list()[0]?.contentOf ?? 0;
    this.#setPin(from === snapshot.hash ? null : { from, to, hash: snapshot.hash, at, by, reason });
    const who = by === 'sluice' ? 'sluice' : 'api';
    this.#rollbacks = { ...this.#rollbacks, [who]: this.#rollbacks[who] + 1 };
    this.#deps.log.warn('config_rolled_back', { to, hash: snapshot.hash, by, reason, pinned: this.#pin !== null });
    this.#saveNews();
  }

  /** The process before this one was told to hold it; sources still hold what was rolled back from. */
  async #holdAgain(pin: Pin): Promise<void> {
    let because = 'its revision is not kept any more';
    try {
      const entry = this.#history.find(pin.hash);
      if (entry !== null) {
        const config = this.#asOwn(this.#history.configOf(entry));
        const own = { ok: true, config, warnings: [], hash: hashConfig(config) } as const;
        const result = await this.#prepared(config, () => {
          const put = this.#deps.store.offer(own);
          if (put.kind !== 'swapped') return put;
          this.#isFromSources = false;
          this.#history.settle(pin.hash);
          return put;
        });
        // Somebody has said something else while endpoints were waited for.
        if (typeof result === 'string') {
          this.#history.settle();
          return;
        }
        if (result.kind === 'swapped') {
          this.#deps.log.warn('config_pinned', { ...pin });
          this.#deps.apply(result).catch((error: unknown) => this.#deps.log.error('config_failed', { error }));
          return;
        }
        if (result.kind === 'refused') because = result.problems[0]?.got ?? because;
      }
    } catch (error) {
      because = messageOf(error);
    }
    this.#history.settle();
    this.#setPin(null);
    this.#deps.log.error('config_pin_lost', { ...pin, because, now: 'what the sources hold is in force' });
  }

  #setPin(pin: Pin | null): void {
    this.#pin = pin;
    this.#pinRow = packPin(pin);
  }

  #unpin(by: string, reason: string): void {
    this.#setPin(null);
    this.#deps.log.warn('config_unpinned', { by, reason });
    this.#saveNews();
  }

  /** Rows are written when they are packed. */
  #keep(): void {
    const failed = (error: unknown): void => this.#deps.log.error('config_not_kept', { error });
    void this.#history
      .pack()
      .catch(failed)
      .then(() => this.#saveNews());
  }

  #saveNews(): void {
    const news = this.#rows.news(this.#pinRow);
    if (news.size > 0) this.#deps.durable().keep(news);
  }

  #difference(): string {
    const { current } = this;
    if (current === null) return 'none was accepted yet';
    if (this.#pin !== null) return `pinned to revision ${this.#pin.to} by ${this.#pin.by}: ${this.#pin.reason}`;
    if (this.#isRefused) return 'what the sources hold was refused; the last good configuration is in force';
    return this.#sourced?.hash === current.snapshot.hash ? '' : 'what the sources hold is not in force yet';
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
