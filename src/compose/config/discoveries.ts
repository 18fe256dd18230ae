/**
 * Composition of discovery: lookups ▸ store ▸ workers, beside the configuration's own way.
 *
 * ```
 * a configuration is read ─▶ its lookups are opened and waited for ─▶ it is offered, endpoints and all
 * a lookup has changed ─▶ paced ─▶ endpoints are looked up again ─▶ a snapshot of the same configuration
 * ```
 * Nothing is parsed, merged or hashed for it, and no rollout begins anew. One lookup that nobody answers is a version with
 * the endpoints that an earlier process knew (start/endpoints.ts), or without any, never a gateway that does not start.
 */

import { nowMs, wallTime } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import type { Random } from '../../lib/random.ts';
import type { Config } from '../../model/config.ts';
import type { EndpointsFrom } from '../../model/health.ts';
import { formatProblem } from '../../model/problem.ts';
import type { SourceStatus } from '../../model/status.ts';
import type { OfferResult, Store } from '../../snapshot/store.ts';
import type { Sources } from '../../sources/build/sources.ts';
import { UNREF_TIMERS } from '../../sources/file.ts';
import { Discovery } from '../../sources/follow/discover/discovery.ts';
import type { FollowEvent } from '../../sources/follow/follower.ts';
import { CALM_MS, Pace, QUICK_MS } from '../../sources/follow/pace.ts';
import { shown } from './config-log.ts';
import { KeptEndpoints, type KeptEndpointsDeps, type StaleRules } from './start/endpoints.ts';

const ALIVE_MS = 1000;
/** In a storm the wait for all lookups together is so many times what taking them in took: a tenth of this thread. */
const WAIT_RATIO = 10;

export interface DiscoveriesDeps extends Pick<StaleRules, 'isFreshRequired'>, Pick<KeptEndpointsDeps, 'save'> {
  readonly log: Log;
  readonly store: Pick<Store, 'current' | 'discoverBy' | 'rediscover'>;
  readonly random: Random;
  /** Configurations of before that may be put in force again at any time: their lookups stay. */
  readonly ready: () => readonly Config[];
  /** Logs what following a lookup has to say, but for its changes. */
  readonly tell: (source: string, event: FollowEvent) => void;
  /** Puts a snapshot with other endpoints into force. `atMs`: when the first word of them came. */
  readonly settle: (result: OfferResult, atMs: number) => void;
}

export class Discoveries {
  readonly #deps: DiscoveriesDeps;
  readonly #pace = new Pace();
  /** What outlives the process. */
  readonly kept: KeptEndpoints;
  /** How long it took last time. */
  #tookMs = 0;
  #discovery: Discovery | null = null;
  /** The last one whose lookups were opened: it may be about to be offered. */
  #next: Config | null = null;
  /** Those of before that are waited for, to be put in force again. */
  readonly #held = new Set<Config>();
  #isFollowing = false;
  #timer: NodeJS.Timeout | null = null;
  #changedAtMs: number | null = null;
  /** What was told of each lookup's registrations that is not followed. */
  readonly #told = new Map<string, string>();

  constructor(deps: DiscoveriesDeps) {
    this.#deps = deps;
    this.kept = new KeptEndpoints({ ...deps, recalled: () => this.#turn() });
  }

  /** Takes whom to ask, and waits for the lookups of the first configuration. */
  async begin({ follow, discovery, staleStart }: Sources, config: Config): Promise<void> {
    this.#discovery = new Discovery({
      registries: discovery,
      settings: follow,
      timers: UNREF_TIMERS,
      nowMs,
      wallTime,
      draw: () => this.#deps.random.nextFloat(),
      onEvent: (source, event) => this.#onEvent(source, event),
    });
    this.kept.begin(this.#discovery, { ...staleStart, isFreshRequired: this.#deps.isFreshRequired });
    this.#deps.store.discoverBy((from, terms) => this.#discovery?.find(from, terms) ?? []);
    // Nothing else keeps the process alive yet: the timers of those who follow never do.
    const alive = setInterval(() => undefined, ALIVE_MS);
    try {
      await this.prepare(config);
    } finally {
      clearInterval(alive);
    }
  }

  /** Opens the lookups of a configuration that is to be offered. Resolves with whether they had to be waited for. */
  async prepare(config: Config): Promise<boolean> {
    this.#next = config;
    const waiting = this.#open(config);
    if (waiting === null) return false;
    await waiting;
    return true;
  }

  /**
   * The same of a configuration of before; null: there is nothing to wait for. Resolves with what is to be called when it was
   * offered: until then its lookups stay.
   */
  hold(config: Config): Promise<() => void> | null {
    const waiting = this.#open(config);
    if (waiting === null) return null;
    this.#held.add(config);
    const release = (): void => {
      this.#held.delete(config);
      this.offered();
    };
    return waiting.then(() => release);
  }

  #open(config: Config): Promise<void> | null {
    const waiting = this.#discovery?.open(wantedBy(config)) ?? null;
    if (waiting === null) return null;
    return waiting.then((unanswered) => {
      if (unanswered.length > 0) this.#deps.log.warn('discovery_unanswered', { lookups: shown(unanswered) });
      this.kept.unanswered(unanswered);
    });
  }

  /** A configuration was offered: lookups that it leaves behind end. */
  offered(): void {
    const current = this.#deps.store.current?.config;
    const wanted = [current, this.#next, ...this.#held, ...this.#deps.ready()].flatMap((config) =>
      config === undefined || config === null ? [] : [config],
    );
    this.#discovery?.retain(wanted.flatMap(wantedBy));
    this.kept.changed();
    const names = new Set(this.status().map(({ name }) => name));
    for (const name of this.#told.keys()) if (!names.has(name)) this.#told.delete(name);
  }

  /** Puts changes into force from now on, and those that came before. */
  follow(): void {
    this.#isFollowing = true;
    this.#turn();
  }

  /** Asks everybody; sudden losses that were not believed are believed. */
  reload(): void {
    this.#discovery?.reload();
  }

  status(): SourceStatus[] {
    return this.#discovery?.status() ?? [];
  }

  /** Idempotent. */
  close(): void {
    this.#isFollowing = false;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.kept.close();
    this.#discovery?.close();
  }

  #onEvent(source: string, event: FollowEvent): void {
    if (event.kind !== 'changed') {
      if (event.kind !== 'fresh' || this.kept.answered(source)) this.#deps.tell(source, event);
      return;
    }
    const { added, removed, changed } = event.changes;
    const counts = { added: added.length, removed: removed.length, changed: changed.length };
    this.#deps.log.info('endpoints_changed', { source, revision: event.revision, ...counts });
    this.#tellIgnored(source);
    this.kept.changed();
    this.#changedAtMs ??= event.atMs;
    if (this.#isFollowing) this.#timer ??= setTimeout(() => this.#turn(), this.#nextMs()).unref();
  }

  #nextMs(): number {
    return this.#pace.next(nowMs(), Math.min(CALM_MS, Math.max(QUICK_MS, WAIT_RATIO * this.#tookMs)));
  }

  #turn(): void {
    this.#timer = null;
    const startedAtMs = nowMs();
    const atMs = this.#changedAtMs ?? startedAtMs;
    this.#changedAtMs = null;
    const result = this.#deps.store.rediscover();
    if (result !== null) this.#tell(result, atMs);
    this.#tookMs = nowMs() - startedAtMs;
  }

  #tell(result: OfferResult, atMs: number): void {
    if (result.kind === 'refused') {
      const snapshot = this.#deps.store.current?.snapshot.revision;
      this.#deps.log.error('endpoints_refused', { snapshot, problems: result.problems.map(formatProblem) });
    } else this.#deps.settle(result, atMs);
  }

  #tellIgnored(source: string): void {
    const ignored = this.#discovery?.ignored(source) ?? [];
    const text = ignored.join('\n');
    if ((this.#told.get(source) ?? '') === text) return;
    this.#told.set(source, text);
    if (ignored.length > 0) this.#deps.log.warn('discovery_ignored', { source, ignored: shown(ignored) });
  }
}

function wantedBy({ services }: Config): EndpointsFrom[] {
  return services.flatMap(({ versions }) => versions.flatMap(({ from }) => (from === undefined ? [] : [from])));
}
