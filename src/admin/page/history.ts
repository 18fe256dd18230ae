/**
 * How the shown routes went, second by second, for as long as the charts reach back.
 *
 * Totals are read once a second; what is kept of each version is how much they grew: exchanges, bad ones, and the 99th
 * percentile of that second's latencies. One ring per version, all turned together, so memory is bounded by the number of
 * routes that are followed and `VERSIONS_MAX`: about 13 KB a version. A version that is new begins empty; a second without a
 * reading is a gap, not zero.
 */

import { HISTOGRAM_BUCKETS, quantile } from '../../lib/histogram.ts';
import { HISTORY_S, type RouteHistory, type Second } from './view/board.ts';
import { HEAT_BUCKETS, HEAT_S } from './view/heat.js';

/** Versions of a route that are charted, in the order of the route. */
export const VERSIONS_MAX = 8;

/** Totals of one version since the start. `histogram` may change later: it is copied. */
export interface VersionTotals {
  readonly version: string;
  readonly finished: number;
  readonly bad: number;
  readonly histogram: ArrayLike<number>;
}

interface Series {
  readonly version: string;
  readonly finished: Float64Array;
  readonly bad: Float64Array;
  readonly p99Ms: Float64Array;
  /** Totals at the last reading; null before the first. */
  last: { finished: number; bad: number; readonly histogram: Float64Array } | null;
}

export class History {
  readonly #times = new Float64Array(HISTORY_S);
  readonly #routes = new Map<string, Series[]>();
  readonly #fresh = new Float64Array(HISTOGRAM_BUCKETS);
  /** Readings so far: the place of the next one is this modulo `HISTORY_S`. */
  #count = 0;

  /** Keeps the history of these routes, and of no others. */
  follow(routes: readonly string[]): void {
    const kept = new Set(routes);
    for (const name of this.#routes.keys()) if (!kept.has(name)) this.#routes.delete(name);
    for (const name of routes) if (!this.#routes.has(name)) this.#routes.set(name, []);
  }

  /** Takes one reading of every route that is followed. @param atMs wall clock, since 1970 */
  sample(atMs: number, read: (route: string) => readonly VersionTotals[]): void {
    const at = this.#count++ % HISTORY_S;
    this.#times[at] = Math.floor(atMs / 1000);
    for (const [route, series] of this.#routes) {
      const totals = read(route).slice(0, VERSIONS_MAX);
      const next = totals.map(({ version }) => series.find((one) => one.version === version) ?? emptySeries(version));
      next.forEach((one, n) => this.#take(one, totals[n] as VersionTotals, at));
      this.#routes.set(route, next);
    }
  }

  /** The seconds of a route, oldest first; null when it is not followed. */
  of(route: string): RouteHistory | null {
    const series = this.#routes.get(route);
    if (series === undefined) return null;
    const order = this.#order();
    const pick = (ring: Float64Array): (number | null)[] => order.map((at) => orNull(ring[at] as number));
    return {
      route,
      times: order.map((at) => this.#times[at] as number),
      versions: series.map(({ version, finished, bad, p99Ms }) => {
        return { version, finished: pick(finished), bad: pick(bad), p99Ms: pick(p99Ms) };
      }),
    };
  }

  /** The newest second of a route. */
  latest(route: string): Second[] {
    if (this.#count === 0) return [];
    const at = (this.#count - 1) % HISTORY_S;
    return (this.#routes.get(route) ?? []).map(({ version, finished, bad, p99Ms }) => {
      const [done = 0, failed = 0, p99 = Number.NaN] = [finished[at], bad[at], p99Ms[at]];
      return { version, finished: orNull(done) ?? 0, bad: orNull(failed) ?? 0, p99Ms: orNull(p99) };
    });
  }

  /** Share of bad exchanges of a route by cells of the heat map, oldest first; null where none finished. */
  errorRatios(route: string): (number | null)[] {
    const series = this.#routes.get(route) ?? [];
    return Array.from({ length: HEAT_BUCKETS }, (_, cell) => {
      const [from, to] = [(HEAT_BUCKETS - cell) * HEAT_S, (HEAT_BUCKETS - cell - 1) * HEAT_S];
      let [finished, bad] = [0, 0];
      for (let back = from; back > to; back--) {
        if (back > this.#count) continue;
        const at = (this.#count - back) % HISTORY_S;
        for (const one of series) {
          finished += orNull(one.finished[at] as number) ?? 0;
          bad += orNull(one.bad[at] as number) ?? 0;
        }
      }
      return finished === 0 ? null : bad / finished;
    });
  }

  #order(): number[] {
    const length = Math.min(this.#count, HISTORY_S);
    return Array.from({ length }, (_, n) => (this.#count - length + n) % HISTORY_S);
  }

  #take(series: Series, { finished, bad, histogram }: VersionTotals, at: number): void {
    const { last } = series;
    // Totals that fell are of another cell: it was given to something else.
    if (last === null || finished < last.finished || bad < last.bad) {
      series.last = { finished, bad, histogram: Float64Array.from(histogram) };
      for (const ring of [series.finished, series.bad, series.p99Ms]) ring[at] = Number.NaN;
      return;
    }
    for (let n = 0; n < HISTOGRAM_BUCKETS; n++) {
      const now = histogram[n] as number;
      this.#fresh[n] = Math.max(0, now - (last.histogram[n] as number));
      last.histogram[n] = now;
    }
    series.finished[at] = finished - last.finished;
    series.bad[at] = bad - last.bad;
    series.p99Ms[at] = quantile(this.#fresh, 0, 0.99) ?? Number.NaN;
    last.finished = finished;
    last.bad = bad;
  }
}

function emptySeries(version: string): Series {
  const ring = (): Float64Array => new Float64Array(HISTORY_S).fill(Number.NaN);
  return { version, finished: ring(), bad: ring(), p99Ms: ring(), last: null };
}

function orNull(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}
