/**
 * What the metrics page is made from: readings of the tallies and the status. Those of routes and objectives are live, and stay
 * while the configuration does; all others are taken at each scrape.
 */

import type { AlertStatus, RescueCounts, RolloutStatus, RouteState, SloStatus, Status } from '../model/status.ts';
import type { FallbackCounts } from '../model/threads/answers/fallback.ts';
import type { RetryCounts } from '../model/threads/answers/retries.ts';
import type { FaultKind } from '../model/threads/faults.ts';
import type { Exemplar } from './family.ts';

/** Totals of one cell since the start, merged over workers, as of the last `refresh`; they only ever grow, `inFlight` apart. */
export interface CellReading {
  readonly inFlight: number;
  /** Exchanges that are good or bad. */
  readonly finished: number;
  readonly bad: number;
  readonly ignored: number;
  /** Finished exchanges above the route's latency threshold. */
  readonly slow: number;
  /** Sum of the latencies in the histogram, in seconds. */
  readonly secondsSum: number;
  /** Index n counts responses n00..n99, 1 to 5. Length 6. */
  readonly statusClasses: ArrayLike<number>;
  /** Exchanges by reason number (`model/reason.ts`). */
  readonly reasons: ArrayLike<number>;
  /** Upgraded connections that are open. */
  readonly sessions: number;
  /** Upgraded connections that ended, by number of `SESSION_ENDS` (`model/tallies.ts`). */
  readonly sessionEnds: ArrayLike<number>;
  /** Copies for the route's mirror by outcome. */
  readonly mirrored: { readonly sent: number; readonly skipped: number; readonly failed: number };
  readonly retries: RetryCounts;
  /** Exchanges that failed first and are good, where a canary is rescued. */
  readonly mended: number;
  /** Exchanges that failed on the version and went on with stable. */
  readonly rescued: RescueCounts;
  /** Exchanges of the route that fell back. */
  readonly fallbacks: FallbackCounts;
  /** At the limit of the version; `limit` 0 = it has none. */
  readonly admission: { readonly limit: number; readonly inFlight: number; readonly queued: number };
  /** Workers that leave the version alone because it failed, and those that try it out. */
  readonly breaker: { readonly open: number; readonly halfOpen: number };
  /** Exchanges that the limit refused, by priority (`PRIORITIES`, model/config.ts). */
  readonly shed: ArrayLike<number>;
  /** Streams that are over, by `STREAM_BOUNDS_MS` (`model/tallies.ts`), longer ones last, and how long they lasted in all. */
  readonly streams: ArrayLike<number>;
  readonly streamSeconds: number;
  /** Counts of the exponential histogram (`lib/histogram.ts`), HISTOGRAM_BUCKETS long. */
  readonly histogram: ArrayLike<number>;
}

export interface VersionReading {
  readonly service: string;
  readonly version: string;
  readonly hasBreaker: boolean;
  readonly cell: CellReading;
}

export interface RouteReading {
  readonly route: string;
  /** Path of the route's first match: the bounded stand-in for the raw path, as `http.route` wants it. */
  readonly httpRoute: string;
  /** Latency SLO threshold in ms; Infinity without one. */
  readonly slowMs: number;
  readonly cell: CellReading;
  readonly versions: readonly VersionReading[];
  /** Takes in what was counted since the last time. */
  refresh(): void;
}

/** An objective, as of its last evaluation. */
export interface SloReading extends Pick<SloStatus, 'indicator' | 'name' | 'scope' | 'targetRatio'> {
  readonly remainingRatio: SloStatus['remainingRatio'];
  readonly burnRates: SloStatus['burnRates'];
  readonly alerts: readonly Pick<AlertStatus, 'isFiring' | 'long' | 'severity'>[];
  readonly eventsTotal: SloStatus['eventsTotal'];
  readonly errors: SloStatus['errors'];
  readonly score: SloStatus['score'];
}

/** Rollbacks of one canary since the start. */
export interface RollbackCount {
  readonly route: string;
  readonly version: string;
  readonly count: number;
}

/** Lines of the access log that were not written, by cause. */
export interface AccessLosses {
  /** Too many records waited for the main thread. */
  readonly queueFull: number;
  /** Too many failures within a second. */
  readonly failureRate: number;
  /** Nobody read the stream fast enough, or writing failed. */
  readonly stream: number;
}

/** What came of tokens and of signed colors, by number of `TOKEN_RESULTS` and `SIGNATURE_RESULTS`. */
export interface ColorCounts {
  readonly tokens: ArrayLike<number>;
  readonly signatures: ArrayLike<number>;
}

/** Faults of one kind injected on a route since the start. */
export interface InjectedCount {
  readonly route: string;
  readonly kind: FaultKind;
  readonly count: number;
}

/** Readers of the live page's stream: now, and since the start those that found no place or took nothing. */
export interface ViewerCounts {
  readonly clients: number;
  readonly refused: number;
  readonly dropped: number;
}

/** What came of scrapes since the start, those under way included. */
export interface ScrapeCounts {
  readonly text: number;
  readonly openMetrics: number;
  readonly protobuf: number;
  /** Too many were under way. */
  readonly refused: number;
  /** Ended by the scraper, or cut because it took too long to read. */
  readonly aborted: number;
  /** Series that no page had room for. */
  readonly seriesLeftOut: number;
}

/** What grows with the number of routes is given one by one, so that it can be taken in slices. */
export interface MetricsSource {
  /** Another number after every change of the configuration: `traffic` and `routes` are asked again then. */
  generation(): number;
  traffic(): Iterable<RouteReading>;
  routes(): Iterable<RouteState>;
  /** Of all objectives; the same one until there are others. */
  slos(): Iterable<SloReading>;
  /** From here on: called once per reading each. */
  status(): Omit<Status, 'routes' | 'slos'>;
  /** By route. */
  rollouts(): ReadonlyMap<string, RolloutStatus>;
  exemplars(route: string, version: string): readonly Exemplar[];
  /** Requests refused before they had a route, by reason number. */
  refused(): ArrayLike<number>;
  colors(): ColorCounts;
  /** Connections to listeners with TLS, by number of `HANDSHAKE_RESULTS`. */
  handshakes(): ArrayLike<number>;
  /** Connections that begin with a PROXY header, by number of `PROXY_HEADER_RESULTS`. */
  proxyHeaders(): ArrayLike<number>;
  /** Words of HTTP/2 (`model/threads/load/http2.ts`). */
  http2(): ArrayLike<number>;
  rollbacks(): readonly RollbackCount[];
  accessLosses(): AccessLosses;
  /** Bytes that workers keep of answers for fallbacks. */
  staleBytes(): number;
  /** Keys that rate limits gave up while they still counted (model/overload.ts). */
  ratesForgotten(): number;
  /** Samples for the limits of versions that were lost between workers (model/threads/load/pool.ts). */
  samplesLost(): number;
  /** Of the routes that have faults. */
  injected(): readonly InjectedCount[];
  viewers(): ViewerCounts;
}
