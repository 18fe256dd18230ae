/**
 * The page while it is looked at: what is read, how often, and who is told.
 *
 * ```
 * every 250 ms    has something happened? ─▶ events at once, and the moment with them
 * every second    one reading of the totals of the routes that are shown ─▶ history; to readers, the moment
 * every 5 s       which routes are shown: those that readers ask for, then those with the least budget left
 *                 (every 30 s while nobody looks)
 * ```
 * While nobody looks a second costs the reading of `ROUTES_MAX` routes, of those whose seconds were asked for lately, and nothing
 * else, however many are configured.
 */

import type { ServerResponse } from 'node:http';
import { bothClocks, nowMs } from '../../lib/clock.ts';
import { every } from '../../lib/threads/ticker.ts';
import { type Answer, problemReply, streamHeaders } from '../reply.ts';
import { History, type VersionTotals } from './history.ts';
import { Stream, type StreamCounts } from './stream.ts';
import type { Board, BoardEvent, GatewayPart, RouteHistory, RouteView, Second } from './view/board.ts';

/** Routes that are shown. */
export const ROUTES_MAX = 24;
const LOOK_MS = 250;
const LOOKS_PER_SECOND = 1000 / LOOK_MS;
/** Routes whose newest second is asked for besides, and how long after the last question they are followed. */
const POLLED_MAX = 24;
const POLLED_MS = 15_000;
const CHOOSE_S = 5;
const CHOOSE_IDLE_S = 30;

/** A route as it stands, without what the page itself knows of it. */
export type RouteReading = Omit<RouteView, 'heat' | 'now'>;

/** The newest second of routes that were asked for. */
export interface LatestSeconds {
  /** Wall clock, ms since 1970. */
  readonly atMs: number;
  readonly routes: readonly { readonly route: string; readonly versions: readonly Second[] }[];
}

/** Where the page's numbers come from. */
export interface BoardSource {
  /** Names of the routes to show, at most `max`: those asked for that exist, and the ones with the least budget left. */
  choose(asked: readonly string[], max: number): readonly string[];
  /** Totals of a route's versions; empty when there is no such route. */
  totals(route: string): readonly VersionTotals[];
  /** Routes that are gone are left out. */
  routes(names: readonly string[]): readonly RouteReading[];
  gateway(): GatewayPart;
  services(): Board['services'];
  routesTotal(): number;
  isReadOnly(): boolean;
  /** Changes whenever something happened. */
  eventsKey(): string;
  /** Newest first, a bounded number. */
  events(): readonly BoardEvent[];
}

export class Live {
  readonly #source: BoardSource;
  readonly #onFailure: (where: string, error: unknown) => void;
  readonly #history = new History();
  readonly #stream = new Stream(nowMs);
  /** What readers ask for, each by its own token. */
  readonly #asked = new Map<object, string>();
  /** Routes whose newest second was asked for, the latest last, and until when they are followed. */
  readonly #polled = new Map<string, number>();
  readonly #stop: () => void;
  #shown: readonly string[] = [];
  #key = '';
  #looks = 0;
  #number = 0;

  constructor(source: BoardSource, onFailure: (where: string, error: unknown) => void) {
    this.#source = source;
    this.#onFailure = onFailure;
    this.#stop = every(LOOK_MS, () => this.#turn());
  }

  get counts(): StreamCounts {
    return this.#stream.counts;
  }

  /** The moment, read now. @param asked a route to show whatever its budget; empty: none */
  board(asked: string): Board {
    if (this.#shown.length === 0 || (asked !== '' && !this.#shown.includes(asked))) this.#choose(asked);
    const { clients, max, refused } = this.counts;
    const source = this.#source;
    return {
      number: this.#number,
      atMs: bothClocks().wallMs,
      gateway: source.gateway(),
      routes: source.routes(this.#shown).map((reading) => this.#withHistory(reading)),
      routesTotal: source.routesTotal(),
      services: source.services(),
      isReadOnly: source.isReadOnly(),
      viewers: { now: clients, max, refused },
    };
  }

  events(): readonly BoardEvent[] {
    return this.#source.events();
  }

  /** The newest second of routes, at most 24, by version; nothing is known in the first one of a route that was not asked for lately. */
  seconds(routes: readonly string[]): LatestSeconds {
    const asked = routes.slice(0, POLLED_MAX);
    for (const route of asked) {
      this.#polled.delete(route);
      this.#polled.set(route, nowMs() + POLLED_MS);
    }
    this.#follow();
    return {
      atMs: bothClocks().wallMs,
      routes: asked.map((route) => ({ route, versions: this.#history.latest(route) })),
    };
  }

  /** The last minutes of a route; null when it is not shown. */
  history(route: string): RouteHistory | null {
    return this.#history.of(route);
  }

  /** Lets a reader in: events, the moment, and then every moment. */
  attach(asked: string): Answer {
    if (!this.#stream.admit()) {
      const { max } = this.counts;
      const detail = `${max} readers look already, and no more are let in: the page works without this stream`;
      return problemReply(503, detail, { 'retry-after': '10', connection: 'close' });
    }
    return { take: (response) => this.#begin(response, asked) };
  }

  close(): void {
    this.#stop();
    this.#stream.close();
  }

  #begin(response: ServerResponse, asked: string): void {
    const token = {};
    if (asked !== '') this.#asked.set(token, asked);
    const tell = this.#stream.add(response, STREAM_HEADERS, () => this.#asked.delete(token));
    tell('events', JSON.stringify(this.#source.events()));
    tell('board', JSON.stringify(this.board(asked)));
  }

  /** A reading that throws is reported, and the next one is tried. */
  #turn(): void {
    try {
      this.#look();
    } catch (error) {
      this.#onFailure('live page', error);
    }
  }

  #look(): void {
    const isSecond = this.#looks++ % LOOKS_PER_SECOND === 0;
    const isWatched = this.#stream.counts.clients > 0;
    if (isSecond) this.#second(isWatched);
    if (!isWatched) return;
    const key = this.#source.eventsKey();
    const hasNews = key !== this.#key;
    this.#key = key;
    if (hasNews) this.#stream.send('events', JSON.stringify(this.#source.events()));
    if (hasNews || isSecond) this.#stream.send('board', JSON.stringify(this.board('')));
  }

  #second(isWatched: boolean): void {
    const seconds = Math.floor(this.#looks / LOOKS_PER_SECOND);
    if (seconds % (isWatched ? CHOOSE_S : CHOOSE_IDLE_S) === 0) this.#choose('');
    this.#number++;
    this.#history.sample(bothClocks().wallMs, (route) => this.#source.totals(route));
  }

  #choose(asked: string): void {
    const wanted = [...new Set([...this.#asked.values(), ...(asked === '' ? [] : [asked])])];
    this.#shown = this.#source.choose(wanted, ROUTES_MAX);
    this.#follow();
  }

  #follow(): void {
    const [surplus, atMs] = [this.#polled.size - POLLED_MAX, nowMs()];
    for (const [n, [route, untilMs]] of [...this.#polled].entries()) {
      if (n < surplus || untilMs < atMs) this.#polled.delete(route);
    }
    this.#history.follow([...new Set([...this.#shown, ...this.#polled.keys()])]);
  }

  #withHistory(reading: RouteReading): RouteView {
    const { name } = reading.route;
    const slo = reading.slos.find(({ indicator }) => indicator === 'availability');
    const burn = (ratio: number | null): number | null =>
      slo === undefined || ratio === null ? null : ratio / (1 - slo.targetRatio);
    return { ...reading, heat: this.#history.errorRatios(name).map(burn), now: this.#history.latest(name) };
  }
}

const STREAM_HEADERS = { ...streamHeaders('text/event-stream; charset=utf-8'), 'x-accel-buffering': 'no' };
