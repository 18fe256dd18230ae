/**
 * Shows requests to people who look at them live: finds those that a tap asks for, and no more than it can take. Hot path.
 *
 * Exists only while somebody looks. Each tap has a rate, kept by the generic cell rate algorithm: the theoretical arrival
 * time of the next request advances by 1/rate for each one that is shown, and may be ahead of the clock by a second at most.
 * So few requests are all shown, and of many the shown ones are spread over time instead of being the first of each second.
 * What is found and not shown is counted by cause.
 * Source: ITU-T I.371, annex A (virtual scheduling). Cost: 2 ns for a request that a tap does not ask for, 13 ns where it is
 * one of many of which 10 a second are shown (`npm run bench:micro`); allocates for what is shown alone.
 */

import { REASONS, type Reason } from '../../model/reason.ts';
import type { AccessRecord } from '../../model/threads/requests/access.ts';
import type { Tap, TapBatch, TapCounts, TapFilter, TapRow } from '../../model/threads/requests/tap.ts';
import type { Exchange } from '../exchange.ts';
import { exchangeRecord, fallenOf, isFailure, versionOf } from './access-log.ts';

/** Requests that wait until they are handed over: of all taps at their highest rate a second's. */
export const ROWS_MAX = 512;
/** How much may be shown at once, as time at the tap's rate. */
const BURST_MS = 1000;

/** A rate that is kept over time. */
export class Pace {
  readonly #gapMs: number;
  /** When the next one is due, if all came evenly. */
  #dueAtMs = Number.NEGATIVE_INFINITY;

  constructor(perSecond: number) {
    this.#gapMs = 1000 / perSecond;
  }

  /** Counts one; false: it is too many. @param nowMs may go back a little, as ends of exchanges do */
  admits(nowMs: number): boolean {
    const dueAtMs = Math.max(this.#dueAtMs, nowMs) + this.#gapMs;
    if (dueAtMs - nowMs > BURST_MS + this.#gapMs / 2) return false;
    this.#dueAtMs = dueAtMs;
    return true;
  }
}

/** One tap, and what it was not told yet. */
class OpenTap {
  readonly id: number;
  readonly filter: TapFilter;
  readonly pace: Pace;
  matched = 0;
  overRate = 0;
  dropped = 0;

  constructor({ id, filter, perSecond }: Tap) {
    this.id = id;
    this.filter = filter;
    this.pace = new Pace(perSecond);
  }

  take(): TapCounts {
    const { matched, overRate, dropped } = this;
    this.matched = 0;
    this.overRate = 0;
    this.dropped = 0;
    return { matched, overRate, dropped };
  }
}

/** All taps of one worker. */
export class Taps {
  #taps: readonly OpenTap[] = [];
  #rows: TapRow[] = [];

  /** From now on these look, and no others. Those that go on looking keep what is theirs. */
  configure(taps: readonly Tap[]): void {
    const before = new Map(this.#taps.map((tap) => [tap.id, tap]));
    this.#taps = taps.map((tap) => before.get(tap.id) ?? new OpenTap(tap));
    this.#rows = this.#rows.filter(([id]) => taps.some((tap) => tap.id === id));
  }

  /** The exchange is over. */
  end(x: Exchange): void {
    let record: AccessRecord | null = null;
    for (let i = 0; i < this.#taps.length; i++) {
      const tap = this.#taps[i] as OpenTap;
      if (!matches(tap.filter, x) || !this.#mayShow(tap, x.endedAtMs)) continue;
      record ??= exchangeRecord(x);
      this.#rows.push([tap.id, x.isPinned, record]);
    }
  }

  /** A request that never became an exchange. */
  refused(record: AccessRecord, reason: Reason, nowMs: number): void {
    const { status } = REASONS[reason] as (typeof REASONS)[number];
    for (const tap of this.#taps) {
      const { route, version, color } = tap.filter;
      if (route !== null || version !== null || color !== null) continue;
      if (!fits(tap.filter, status, reason, status >= 500) || !this.#mayShow(tap, nowMs)) continue;
      this.#rows.push([tap.id, false, record]);
    }
  }

  /** What nobody was told yet; null: nothing. */
  take(): TapBatch | null {
    if (this.#taps.every(({ matched }) => matched === 0)) return null;
    const rows = this.#rows;
    this.#rows = [];
    return { rows, counts: new Map(this.#taps.map((tap) => [tap.id, tap.take()])) };
  }

  #mayShow(tap: OpenTap, nowMs: number): boolean {
    tap.matched++;
    if (!tap.pace.admits(nowMs)) tap.overRate++;
    else if (this.#rows.length >= ROWS_MAX) tap.dropped++;
    else return true;
    return false;
  }
}

function matches(filter: TapFilter, x: Exchange): boolean {
  const { route, version, color } = filter;
  if (route !== null && (x.route === null || x.route.name !== route)) return false;
  const failed = x.retrying === null ? null : x.retrying.rescuedFrom;
  if (version !== null && versionOf(x) !== version && (failed === null || failed.version !== version)) return false;
  if (color !== null) {
    const pinned = x.isPinned && x.route !== null ? x.route.byColor.get(color) : undefined;
    if (pinned === undefined || (pinned !== x.split && pinned !== failed)) return false;
  }
  const fallen = fallenOf(x);
  return fits(filter, x.status, fallen === null ? x.reason : fallen.reason, isFailure(x));
}

function fits({ status, outcome }: TapFilter, answered: number, reason: Reason, hasFailed: boolean): boolean {
  if (status !== null && (answered < status[0] || answered > status[1])) return false;
  if (outcome === null) return true;
  return typeof outcome === 'number' ? outcome === reason : hasFailed === (outcome === 'failed');
}
