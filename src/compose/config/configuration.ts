/**
 * Composition of the configuration's way: file and sources ▸ parse ▸ store ▸ workers.
 *
 * ```
 * file event ───┐                                             ┌─ refused: the last good one stays
 * source event ─┴▶ parse (a thread, newest wins) ─▶ offer ────┴─ swapped ─▶ every worker acknowledges ─▶ measured
 * ```
 * Whatever goes wrong on it, the last good configuration stays in force.
 */

import { isDeepStrictEqual } from 'node:util';
import { nowMs, wallTime } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import type { Random } from '../../lib/random.ts';
import { unreadableProblem } from '../../model/problem.ts';
import type { ApplyStatus, SourceStatus } from '../../model/status.ts';
import type { OfferResult } from '../../snapshot/store.ts';
import type { Sources } from '../../sources/build/sources.ts';
import type { Environment } from '../../sources/document/interpolate.ts';
import { mainDocument, type SourceDocument } from '../../sources/document/pieces.ts';
import { createPartReader } from '../../sources/document/reader.ts';
import { type FileEvent, type FileSource, openFile, UNREF_TIMERS } from '../../sources/file.ts';
import { Feeds } from '../../sources/follow/feeds.ts';
import type { FollowEvent } from '../../sources/follow/follower.ts';
import { type Parsed, parseDocuments, readMain } from '../../sources/parse.ts';
import { Parser } from '../../sources/parser.ts';
import { openStore } from '../../sources/stores/open.ts';
import type { SourceSettings } from '../../sources/stores/settings.ts';
import { placeOfWeights } from '../../sources/stores/write/open.ts';
import { Discoveries } from './discoveries.ts';
import type { Revisions } from './revisions.ts';

/** As source or as built. */
const THREAD_FILE = new URL(
  import.meta.url.endsWith('.ts') ? './parse-thread.ts' : './parse-thread.js',
  import.meta.url,
);
/** Upper bounds of the time from an event to the last worker's acknowledgement, in ms. */
const APPLY_BOUNDS_MS = [10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000];
const ALIVE_MS = 1000;
/** Names of changed documents that one line of the log tells. */
const NAMES_LOGGED_MAX = 20;

export interface ConfigurationDeps {
  readonly file: string;
  readonly environment: Environment;
  readonly log: Log;
  readonly store: Pick<Revisions, 'offer' | 'current' | 'store' | 'prepareBy'>;
  readonly random: Random;
  /** Puts into force what came of an offer; resolves when every worker has it. */
  readonly apply: (result: OfferResult) => Promise<void>;
}

/** A change under way, and when the first event of it came. */
interface Change {
  atMs: number;
  /** Names of the sources that changed. */
  readonly origin: Set<string>;
}

export class Configuration {
  readonly #deps: ConfigurationDeps;
  readonly #parser: Parser;
  readonly #discoveries: Discoveries;
  #feeds: Feeds | null = null;
  #sources: Sources | null = null;
  #file: FileSource | null = null;
  #main: SourceDocument;
  /** Events are taken from the moment the workers run; one that came before is looked for then. */
  #phase: 'starting' | 'following' | 'closed' = 'starting';
  #hasMissed = false;
  #newest: Change | null = null;
  #counts = APPLY_BOUNDS_MS.map(() => 0);
  #apply = { lastMs: null as number | null, count: 0, sumMs: 0 };

  constructor(deps: ConfigurationDeps) {
    this.#deps = deps;
    this.#main = mainDocument('', deps.file);
    const reader = createPartReader(deps.environment);
    this.#parser = new Parser({
      file: THREAD_FILE,
      setup: { environment: { ...deps.environment } },
      parseHere: (documents) => {
        return parseDocuments(documents, reader.read, reader.known);
      },
      onDeath: (because) => deps.log.error('parser_died', { because }),
    });
    this.#discoveries = new Discoveries({
      log: deps.log,
      store: deps.store.store,
      random: deps.random,
      tell: (name, event) => this.#onSource(name, event, Number.POSITIVE_INFINITY),
      settle: (result, atMs) => this.#settle(result, { atMs }),
    });
    deps.store.prepareBy((config) => this.#discoveries.hold(config));
  }

  /**
   * Reads the file, asks its sources, and offers what they are together.
   * @throws SluiceError SLU_CONFIG_UNREADABLE, SLU_CONFIG_INVALID (with all problems), SLU_SOURCE_UNAVAILABLE
   */
  async open(): Promise<OfferResult> {
    const { file, environment, store } = this.#deps;
    const { text, source } = await openFile(file, (event) => this.#onFile(event));
    this.#file = source;
    this.#main = mainDocument(text, file);
    await this.#openSources(text, environment);
    // What came until here is in the documents; what comes while they are parsed is not.
    this.#hasMissed = false;
    const parsed = (await this.#parser.parse(this.#documents())) ?? { ok: false, problems: [] };
    if (parsed.ok) {
      this.#sources = parsed.sources;
      await this.#discoveries.begin(parsed.sources, parsed.config);
    }
    return store.offer(parsed, ['start']);
  }

  /** Takes changes from now on, and those that came since `open`. */
  follow(): void {
    this.#phase = 'following';
    this.#discoveries.follow();
    if (this.#hasMissed) this.#renew(nowMs(), 'start');
  }

  /** Reads everything again; sudden losses that were not believed are believed. */
  reload(): void {
    this.#file?.reload();
    this.#feeds?.reload();
    this.#discoveries.reload();
  }

  /** Those of documents first, then those of endpoints. */
  sources(): SourceStatus[] {
    return [...(this.#feeds?.status() ?? []), ...this.#discoveries.status()];
  }

  /** What documents of this machine may name. */
  get environment(): Environment {
    return this.#deps.environment;
  }

  /** Where the weights of a route are kept, or would be; null: in no source that can be written. */
  weightsAt(route: string): SourceSettings | null {
    return placeOfWeights(route, this.#sources?.list ?? [], this.#feeds?.documents() ?? []);
  }

  applied(): ApplyStatus {
    const buckets = APPLY_BOUNDS_MS.map((leMs, index) => ({ leMs, count: this.#counts[index] as number }));
    return { ...this.#apply, buckets };
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#phase = 'closed';
    this.#file?.close();
    this.#feeds?.close();
    this.#discoveries.close();
    await this.#parser.close();
  }

  /** A document with many routes is not read twice: without the word in it, it names no sources. */
  async #openSources(text: string, environment: Environment): Promise<void> {
    if (!/\bsources\b/.test(text)) return;
    const { sources } = readMain(text, this.#deps.file, environment);
    // What is wrong with the document is told when all of it is parsed.
    if (sources === null || sources.list.length === 0) return;
    const draw = (): number => this.#deps.random.nextFloat();
    this.#feeds = new Feeds({
      stores: sources.list.map((settings) => openStore(settings, draw)),
      settings: sources.follow,
      timers: UNREF_TIMERS,
      nowMs,
      wallTime,
      draw,
      onEvent: (name, event) => this.#onSource(name, event, sources.follow.changesWarn),
    });
    // Nothing else keeps the process alive yet: the timers of those who follow never do.
    const alive = setInterval(() => undefined, ALIVE_MS);
    try {
      await this.#feeds.start();
    } finally {
      clearInterval(alive);
    }
  }

  #documents(): SourceDocument[] {
    return [this.#main, ...(this.#feeds?.documents() ?? [])];
  }

  // ── events ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #onFile(event: FileEvent): void {
    const { log, store, file } = this.#deps;
    if (event.kind === 'unwatched') log.warn('config_unwatched', { file, error: event.error.message });
    else if (event.kind === 'text') {
      this.#main = mainDocument(event.text, file);
      this.#renew(nowMs(), file);
    } else if (this.#phase === 'starting') this.#hasMissed = true;
    else if (this.#phase === 'following') {
      this.#settle(store.offer({ ok: false, problems: [unreadableProblem(file, event.error)] }), null);
    }
  }

  #onSource(source: string, event: FollowEvent, changesWarn: number): void {
    const { log } = this.#deps;
    if (event.kind === 'failed') log.warn('source_failed', { source, ...event });
    else if (event.kind === 'recovered') log.info('source_recovered', { source, ...event });
    else if (event.kind === 'drifted') log.warn('source_drifted', { source, ...event });
    else if (event.kind === 'shrunk') {
      const hint = 'it is kept as it was until this has lasted, or a reload confirms it';
      log.error('source_shrunk', { source, ...event, hint });
    } else {
      const { added, removed, changed } = event.changes;
      const count = added.length + removed.length + changed.length;
      const [few, many] = [log.info, log.warn];
      const fields = { added: shown(added), removed: shown(removed), changed: shown(changed) };
      const isMany = count > changesWarn && this.#phase === 'following';
      (isMany ? many : few)('source_changed', { source, revision: event.revision, count, ...fields });
      this.#renew(event.atMs, source);
    }
  }

  /** Parses and offers everything. @param origin what changed */
  #renew(atMs: number, origin: string): void {
    if (this.#phase === 'starting') this.#hasMissed = true;
    if (this.#phase !== 'following') return;
    const change: Change = { atMs, origin: new Set([origin]) };
    this.#newest = change;
    const parsing = this.#parser.parse(this.#documents()).then((parsed) => this.#prepare(parsed, change));
    parsing.then(
      (parsed) => {
        if (parsed !== null && this.#phase === 'following') this.#offer(parsed, change);
        // Overtaken: the newer one brings this change to the workers too.
        else if (parsed === null && this.#newest !== null) {
          this.#newest.atMs = Math.min(this.#newest.atMs, change.atMs);
          for (const name of change.origin) this.#newest.origin.add(name);
        }
      },
      (error: unknown) => this.#failed(error),
    );
  }

  /** The same when its endpoints are there; null when a newer one came while they were waited for. */
  async #prepare(parsed: Parsed | null, change: Change): Promise<Parsed | null> {
    if (parsed?.ok !== true || !(await this.#discoveries.prepare(parsed.config))) return parsed;
    return this.#newest === change ? parsed : null;
  }

  #offer(parsed: Parsed, change: Change): void {
    try {
      if (parsed.ok && !isDeepStrictEqual(parsed.sources, this.#sources)) {
        const text = 'sources, follow or discovery changed; the change takes effect at the next start';
        this.#deps.log.warn('config_warning', { text });
      }
      this.#settle(this.#deps.store.offer(parsed, [...change.origin]), change);
      this.#discoveries.offered();
    } catch (error) {
      this.#failed(error);
    }
  }

  #settle(result: OfferResult, change: Pick<Change, 'atMs'> | null): void {
    this.#deps.apply(result).then(
      () => {
        if (result.kind === 'swapped' && change !== null) this.#measure(nowMs() - change.atMs);
      },
      (error: unknown) => this.#failed(error),
    );
  }

  #measure(tookMs: number): void {
    this.#apply = { lastMs: tookMs, count: this.#apply.count + 1, sumMs: this.#apply.sumMs + tookMs };
    for (const [index, leMs] of APPLY_BOUNDS_MS.entries()) {
      if (tookMs <= leMs) this.#counts[index] = (this.#counts[index] as number) + 1;
    }
  }

  #failed(error: unknown): void {
    const kept = this.#deps.store.current?.snapshot.revision;
    this.#deps.log.error('config_failed', { kept, error });
  }
}

function shown(names: readonly string[]): readonly string[] {
  if (names.length <= NAMES_LOGGED_MAX) return names;
  return [...names.slice(0, NAMES_LOGGED_MAX), `and ${names.length - NAMES_LOGGED_MAX} more`];
}
