/**
 * Composition of the configuration's way: file and sources ▸ parse ▸ store ▸ workers.
 *
 * ```
 * file event ───┐                                                       ┌─ refused: the last good one stays
 * source event ─┴▶ verify ─▶ parse (a thread, newest wins) ─▶ offer ────┴─ swapped ─▶ every worker acknowledges ─▶ measured
 * ```
 * Whatever goes wrong on it, the last good configuration stays in force.
 */

import { isDeepStrictEqual } from 'node:util';
import { nowMs } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import type { Random } from '../../lib/random.ts';
import { rest } from '../../lib/threads/rest.ts';
import type { GatewayOptions } from '../../model/gateway.ts';
import { failedProblem, formatProblem, type SluiceError, unreadableProblem } from '../../model/problem.ts';
import type { ApplyStatus, SourceStatus } from '../../model/status.ts';
import type { FleetConfig, LockStore } from '../../model/threads/fleet.ts';
import type { SavedBudget } from '../../model/threads/state.ts';
import type { OfferResult } from '../../snapshot/store.ts';
import type { Sources } from '../../sources/build/sources.ts';
import type { Environment } from '../../sources/document/interpolate.ts';
import { mainDocument, type SourceDocument } from '../../sources/document/pieces.ts';
import { withoutKeys } from '../../sources/document/signature/keys.ts';
import { type FileEvent, type FileSource, openFile, UNREF_TIMERS } from '../../sources/file.ts';
import type { Feeds } from '../../sources/follow/feeds.ts';
import type { FollowEvent } from '../../sources/follow/follower.ts';
import { ApplyTimes, ChangeTimes } from '../../sources/follow/times.ts';
import type { Parsed } from '../../sources/parse.ts';
import type { Parser } from '../../sources/parser.ts';
import type { SourceSettings } from '../../sources/stores/settings.ts';
import { placeOfWeights } from '../../sources/stores/write/open.ts';
import { within } from '../../state/within.ts';
import type { Keeper } from '../durable.ts';
import { tellOfSource } from './config-log.ts';
import { Discoveries } from './discoveries.ts';
import type { Revisions } from './revisions/revisions.ts';
import { type Checked, SignedDocuments } from './signed.ts';
import { LossGuard } from './start/loss.ts';
import { feedsOf, locksOf, parserOf, sourcesNamed, startFeeds, vetted } from './start/opening.ts';
import { staleStart } from './start/stale-start.ts';

/** When the sources last said what they hold is written down so often, for a start that cannot ask them; a change that failed is tried again after so long; a start waits so long for changes. */
const [CONFIRM_MS, AGAIN_MS, CAUGHT_UP_MS] = [30_000, 10_000, 1000];

export interface ConfigurationDeps {
  readonly options: Pick<GatewayOptions, 'configFile' | 'configKeyFile' | 'isFreshRequired'>;
  /** That is running. */
  readonly release: string;
  readonly environment: Environment;
  readonly log: Log;
  readonly store: Omit<Revisions, 'command' | 'revert' | 'recall' | 'recalled' | 'save'>;
  readonly random: Random;
  /** Puts into force what came of an offer; resolves when every worker has it. */
  readonly apply: (result: OfferResult) => Promise<void>;
  /** Keeps rows for the next process. */
  readonly save: (rows: ReadonlyMap<string, SavedBudget>) => void;
  /** Another process is taking over: what changes now is for that one, or comes when it has failed. */
  readonly isHeld: () => boolean;
}

/** Documents that may be made a configuration of. */
type Sound = Checked & { readonly kind: 'sound' };

/** A change under way. */
interface Change {
  /** 1, 2, … in the order in which they were begun. */
  readonly number: number;
  readonly times: ChangeTimes;
  /** Names of the sources that changed. */
  readonly origin: Set<string>;
}

export class Configuration {
  readonly #deps: ConfigurationDeps;
  /** Verifies documents, where there are keys. */
  readonly signed: SignedDocuments;
  /** What documents of this machine may name. */
  readonly environment: Environment;
  readonly #parser: Parser;
  readonly #discoveries: Discoveries;
  readonly #loss: LossGuard;
  #feeds: Feeds | null = null;
  #sources: Sources | null = null;
  #file: FileSource | null = null;
  #main: SourceDocument;
  #phase: 'starting' | 'following' | 'closed' = 'starting';
  /** What changed before events are taken, or while another process was taking over; the newest. */
  #missed: string | null = null;
  #newest: Change | null = null;
  #changes = 0;
  /** Changes that not every worker has yet, and looks at the file so far. */
  #pending = 0;
  #parsing: Promise<void> = Promise.resolve();
  #looks = 0;
  /** Number of the last one whose documents were refused unread. */
  #refused = 0;
  /** Documents of the start, until it is known what an earlier process had taken. */
  #first: Sound | null = null;
  /** Of the newest configuration that was not refused. */
  #accepted: readonly SourceDocument[] = [];
  /** Ends the wait for a document or signature that is to come, or looks again. */
  #laterTimer: unknown = null;
  #confirming: NodeJS.Timeout | null = null;
  readonly #times = new ApplyTimes();

  constructor(deps: ConfigurationDeps) {
    this.#deps = deps;
    const { configFile: file, configKeyFile: keyFile } = deps.options;
    this.#main = mainDocument('', file);
    this.signed = new SignedDocuments({
      ...{ file, keyFile, environment: deps.environment, log: deps.log, nowMs, save: deps.save },
      sourceName: (source) => this.#feeds?.nameOf(source) ?? '',
      changed: (name) => this.#renew(nowMs(), name),
      verified: (prints) => deps.store.verified(prints),
    });
    this.environment = withoutKeys(deps.environment);
    this.#parser = parserOf(this.environment, deps.log);
    this.#discoveries = new Discoveries({
      ...{ ...deps, ...deps.options, store: deps.store.store },
      ready: () => deps.store.watch.bases,
      tell: (name, event) => this.#onSource(name, event, Number.POSITIVE_INFINITY),
      settle: (result, atMs) => void this.#settle(result, new ChangeTimes(atMs)),
    });
    deps.store.verifyBy(() => this.signed.prints);
    this.#loss = new LossGuard({ log: deps.log, timers: UNREF_TIMERS, again: () => this.#renew(nowMs(), 'start') });
    deps.store.prepareBy(
      (config) => this.#discoveries.hold(config),
      () => this.#discoveries.offered(),
    );
  }

  /**
   * Reads the file, asks its sources, and offers what they are together, or what was in force last where they do not answer.
   * @throws SluiceError SLU_CONFIG_UNREADABLE, SLU_CONFIG_INVALID (with all problems), SLU_SOURCE_UNAVAILABLE, SLU_USAGE (keys)
   */
  async open(): Promise<OfferResult> {
    const { options, store } = this.#deps;
    await this.signed.open();
    const { text, source } = await openFile(options.configFile, (event) => this.#onFile(event));
    this.#file = source;
    this.#main = mainDocument(text, options.configFile);
    // Nobody is asked for anything on the word of a document that is not sound itself.
    const main = await this.signed.first(() => [this.#main]);
    if (main.kind !== 'sound') return store.offer({ ok: false, problems: main.problems });
    // The one that was verified: another may have come meanwhile.
    const late = await this.#openSources((main.documents[0] as SourceDocument).text);
    if (late !== null) return this.#startStale(main, late);
    const checked = await this.signed.first(() => this.#documents());
    if (checked.kind !== 'sound') return store.offer({ ok: false, problems: checked.problems });
    this.#first = checked;
    this.#accepted = checked.documents;
    // What came until here is in the documents; what comes while they are parsed is not.
    this.#missed = null;
    const read = (await this.#parser.parse(checked.documents)) ?? { ok: false, problems: [] };
    const parsed = vetted(read, options.configFile);
    if (parsed.ok) {
      this.#sources = parsed.sources;
      await this.#discoveries.begin(parsed.sources, parsed.config);
    }
    return store.offer(parsed, ['start']);
  }

  /** Sources go on being asked. @throws SluiceError SLU_SOURCE_UNAVAILABLE where there is nothing of before to start with */
  async #startStale(main: Sound, late: SluiceError): Promise<OfferResult> {
    const { options, release, store } = this.#deps;
    const started = { ...options, release, environment: this.environment, prints: this.signed.prints };
    const { last, parsed } = staleStart(late, (main.documents[0] as SourceDocument).text, started);
    this.#first = main;
    this.#accepted = main.documents;
    this.#sources = parsed.sources;
    this.#missed = 'start';
    await this.#discoveries.begin(parsed.sources, parsed.config);
    return store.startStale(last, parsed, late.message);
  }

  /** What the start was made of counts as taken. @throws SluiceError SLU_CONFIG_INVALID when an earlier process had later ones */
  async confirm(): Promise<void> {
    if (this.#first !== null) this.signed.confirm(this.#first);
    this.#first = null;
  }

  /** Takes changes from now on. Resolves when those are in force that came since `open`, or it takes too long. */
  async follow(): Promise<void> {
    const { store } = this.#deps;
    this.#phase = 'following';
    this.#discoveries.follow();
    const feeds = this.#feeds;
    if (feeds !== null) this.#confirming = setInterval(() => store.confirmed(feeds.staleMs), CONFIRM_MS).unref();
    this.catchUp();
    await within(CAUGHT_UP_MS, this.#parsing);
  }

  /** Takes what was missed. */
  catchUp(): void {
    const origin = this.#missed;
    this.#missed = null;
    if (origin !== null) this.#renew(nowMs(), origin);
  }

  /** Reads everything again; sudden losses that were not believed are believed. */
  reload(): void {
    this.#file?.reload();
    this.signed.reload();
    this.#feeds?.reload();
    this.#discoveries.reload();
    this.#loss.confirm();
  }

  /** How far the reading has got: looks at the file, sources of documents, changes that not every worker has. */
  get reading(): { readonly looks: number; readonly pending: number; readonly sources: readonly SourceStatus[] } {
    return { looks: this.#looks, pending: this.#pending, sources: this.#feeds?.status() ?? [] };
  }

  /** What outlives the process. */
  get keepers(): readonly Keeper[] {
    return [this.signed, this.#discoveries.kept];
  }

  /** Those of documents first, then those of endpoints. */
  sources(): SourceStatus[] {
    return [...(this.#feeds?.status() ?? []), ...this.#discoveries.status()];
  }

  /** The documents that were accepted last. */
  get documents(): readonly SourceDocument[] {
    return this.#accepted;
  }

  /** Where the weights of a route are kept, or would be; null: in no source that can be written. */
  weightsAt(route: string): SourceSettings | null {
    return placeOfWeights(route, this.#sources?.list ?? [], this.#feeds?.documents() ?? []);
  }

  /** Where the locks of a fleet are; null: in its Redis. @throws SluiceError SLU_SOURCE_UNAVAILABLE (certificates) */
  locksOf(fleet: FleetConfig | null): LockStore | null {
    return locksOf(fleet, this.#sources?.list ?? []);
  }

  applied(): ApplyStatus {
    return this.#times.status();
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#phase = 'closed';
    if (this.#confirming !== null) clearInterval(this.#confirming);
    this.#loss.close();
    this.#file?.close();
    this.signed.close();
    UNREF_TIMERS.clear(this.#laterTimer);
    this.#feeds?.close();
    this.#discoveries.close();
    await this.#parser.close();
  }

  /** @returns that they have not answered in time; null: they have, or there are none */
  async #openSources(text: string): Promise<SluiceError | null> {
    const sources = sourcesNamed(text, this.#main.name, this.environment);
    if (sources === null) return null;
    this.#feeds = feedsOf(sources, {
      random: this.#deps.random,
      isSigned: this.signed.isRequired,
      onEvent: (name, event) => this.#onSource(name, event, sources.follow.changesWarn),
    });
    return startFeeds(this.#feeds);
  }

  #documents(): SourceDocument[] {
    return [this.#main, ...(this.#feeds?.documents() ?? [])];
  }

  // ── events ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #onFile(event: FileEvent): void {
    const { log, store } = this.#deps;
    const { name: file } = this.#main;
    if (event.kind !== 'unwatched') this.#looks++;
    if (event.kind === 'unwatched') log.warn('config_unwatched', { file, error: event.error.message });
    else if (event.kind === 'text') {
      this.#main = mainDocument(event.text, file);
      this.#renew(nowMs(), file);
    } else if (this.#phase === 'starting') this.#missed = file;
    else if (this.#phase === 'following') {
      void this.#settle(store.offer({ ok: false, problems: [unreadableProblem(file, event.error)] }), null);
    }
  }

  #onSource(source: string, event: FollowEvent, changesWarn: number): void {
    tellOfSource(this.#deps.log, source, event, this.#phase === 'following' ? changesWarn : Number.POSITIVE_INFINITY);
    if (event.kind === 'changed') this.#renew(event.atMs, source);
  }

  /** Parses and offers everything. @param origin what changed */
  #renew(atMs: number, origin: string): void {
    if (this.#phase === 'starting' || this.#deps.isHeld()) this.#missed = origin;
    if (this.#phase !== 'following' || this.#missed !== null) return;
    // What was started with stays whole until all of its sources have spoken.
    if (this.#deps.store.isStale && this.#feeds?.haveAnswered === false) return;
    UNREF_TIMERS.clear(this.#laterTimer);
    rest();
    const checked = this.signed.check(this.#documents());
    if (checked.kind === 'waiting') this.#awaitHalf(checked, () => this.#renew(atMs, origin));
    else if (checked.kind === 'sound') this.#parse(checked, atMs, origin);
    else {
      // What is parsed still was there before: it must not come after this.
      this.#refused = ++this.#changes;
      void this.#settle(this.#deps.store.offer({ ok: false, problems: checked.problems }), null);
    }
  }

  #parse(checked: Sound, atMs: number, origin: string): void {
    const times = new ChangeTimes(atMs);
    times.end(nowMs());
    const change: Change = { number: ++this.#changes, times, origin: new Set([origin]) };
    this.#newest = change;
    this.#pending++;
    const parsing = this.#parser.parse(checked.documents).then((parsed) => this.#prepare(parsed, change));
    const done = parsing.then(
      (parsed) => {
        const isOurs = this.#phase === 'following' && change.number > this.#refused;
        if (parsed !== null && isOurs) return this.#offer(parsed, checked, change);
        // Overtaken: the newer one brings this change to the workers too.
        if (parsed === null && this.#newest !== null) {
          this.#newest.times.include(change.times);
          for (const name of change.origin) this.#newest.origin.add(name);
        }
        return undefined;
      },
      (error: unknown) => this.#failed(error, change),
    );
    this.#parsing = done.finally(() => this.#pending--);
  }

  #awaitHalf({ forMs, problems }: Checked & { readonly kind: 'waiting' }, look: () => void): void {
    this.#laterTimer = UNREF_TIMERS.set(look, forMs);
    this.#deps.log.info('config_unpaired', { forMs: Math.round(forMs), problems: problems.map(formatProblem) });
  }

  /** The same when its endpoints are there; null when a newer one came while they were waited for. */
  async #prepare(read: Parsed | null, change: Change): Promise<Parsed | null> {
    const parsed = read === null ? null : vetted(read, this.#main.name);
    if (parsed?.ok !== true || !(await this.#discoveries.prepare(parsed.config))) return parsed;
    return this.#newest === change ? parsed : null;
  }

  #offer(parsed: Parsed, checked: Sound, change: Change): Promise<void> {
    if (this.#deps.isHeld()) this.#missed = [...change.origin].join(', ');
    if (this.#missed !== null) return Promise.resolve();
    try {
      if (parsed.ok && !isDeepStrictEqual(parsed.sources, this.#sources)) {
        const text = 'sources, follow or discovery changed; the change takes effect at the next start';
        this.#deps.log.warn('config_warning', { text });
      }
      const { isStale, current } = this.#deps.store;
      const confirmMs = isStale ? (this.#sources?.follow.shrinkConfirmMs ?? 0) : 0;
      const isLoss = parsed.ok && current !== null && !this.#loss.believes(current.intended, parsed.config, confirmMs);
      if (isLoss) return Promise.resolve();
      change.times.end(nowMs());
      rest();
      const result = this.#deps.store.offer(parsed, [...change.origin]);
      change.times.end(nowMs());
      if (result.kind !== 'refused') this.#accept(checked);
      const settled = this.#settle(result, change.times);
      this.#discoveries.offered();
      return settled;
    } catch (error) {
      return this.#failed(error, change);
    }
  }

  #accept(checked: Sound): void {
    this.#accepted = checked.documents;
    this.signed.accept(checked);
  }

  /** Resolves when every worker has it; never rejects. */
  #settle(result: OfferResult, times: ChangeTimes | null): Promise<void> {
    return this.#deps.apply(result).then(
      () => {
        if (result.kind !== 'swapped' || times === null) return;
        times.end(nowMs());
        this.#times.add(times.tookMs);
        if (times.stages !== null) this.#deps.log.debug('config_timed', times.stages);
      },
      (error: unknown) => this.#failed(error, null),
    );
  }

  /** Whatever a change is worth, it is not in force: it counts as refused, and is tried again unless another one comes. */
  #failed(error: unknown, change: Change | null): Promise<void> {
    const { log, store } = this.#deps;
    log.error('config_failed', { kept: store.number, error });
    if (this.#phase !== 'following' || change !== this.#newest || change === null) return Promise.resolve();
    this.#laterTimer = UNREF_TIMERS.set(() => this.#renew(nowMs(), [...change.origin].join(', ')), AGAIN_MS);
    return this.#settle(store.offer({ ok: false, problems: [failedProblem(this.#main.name, error)] }), null);
  }
}
