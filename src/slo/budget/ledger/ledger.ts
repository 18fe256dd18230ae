/**
 * The events of one objective: the ring of its windows, and the counts of its calendar period.
 *
 * No memory until the first event. While it is not known what an earlier process saved (`keepApart`), what this one counts
 * is kept a second time by itself; once that is known (`adopt`) the two are one, and nothing is counted twice or lost.
 */

import { Ring, type WindowCounts } from '../ring.ts';
import { type CalendarCounts, type CalendarUnit, countInto, joined, startCalendar } from './calendar.ts';

/** Both clocks: the monotonic one moves windows, the wall clock names calendar periods. */
export interface Instant {
  readonly nowMs: number;
  readonly wallMs: number;
}

/** What an earlier process saved. */
export interface SavedLedger {
  /** `Ring.toBytes`. */
  readonly ring: Uint8Array;
  readonly calendar: CalendarCounts | null;
}

const NOTHING: WindowCounts = { good: 0, bad: 0 };

export class Ledger {
  #ring: Ring | null = null;
  #calendar: CalendarCounts | null = null;
  #own: Ledger | null = null;

  /** Null before the first event. */
  get ring(): Ring | null {
    return this.#ring;
  }

  /** Counts what happened now. @param unit null: no calendar */
  add(news: WindowCounts, unit: CalendarUnit | null, now: Instant): void {
    this.#ring ??= new Ring(now.nowMs);
    this.#ring.add(now.nowMs, news.good, news.bad);
    if (unit !== null) this.#calendar = this.calendar(unit, now.wallMs, news);
    if (this.#own !== null) this.#own.add(news, unit, now);
  }

  /** The calendar's counts as they stand at `wallMs`, with `news` added. */
  calendar(unit: CalendarUnit, wallMs: number, news: WindowCounts = NOTHING): CalendarCounts {
    return countInto(this.#calendar ?? startCalendar(unit, wallMs), unit, wallMs, news);
  }

  /** The periods are others from now on. */
  forgetCalendar(): void {
    this.#calendar = null;
    if (this.#own !== null) this.#own.#calendar = null;
  }

  /** What was counted, or what is kept apart of it; null before the first event. */
  save(nowMs: number): SavedLedger | null {
    if (this.#own !== null) return this.#own.save(nowMs);
    if (this.#ring === null) return null;
    this.#ring.advance(nowMs);
    return { ring: this.#ring.toBytes(), calendar: this.#calendar };
  }

  /** What was counted until now, and is from now on, is kept by itself as well. */
  keepApart(nowMs: number): void {
    if (this.#own !== null) return;
    const own = new Ledger();
    own.#ring = this.#ring === null ? null : Ring.fromBytes(this.#ring.toBytes(), nowMs, 0);
    own.#calendar = this.#calendar;
    this.#own = own;
  }

  /** What was to be known is known, or never will be. */
  settle(): void {
    this.#own = null;
  }

  /**
   * Goes on where `saved` stopped, `awayMs` ago, with what was kept apart.
   * @throws SluiceError SLU_STATE_INVALID; nothing has changed then
   */
  adopt(saved: SavedLedger, unit: CalendarUnit | null, { nowMs, awayMs }: { nowMs: number; awayMs: number }): void {
    const ring = Ring.fromBytes(saved.ring, nowMs, awayMs);
    const own = this.#own;
    if (own !== null && own.#ring !== null) ring.absorb(own.#ring, nowMs);
    this.#ring = ring;
    const before = unit === null ? null : saved.calendar;
    const since = unit === null || own === null ? null : own.#calendar;
    this.#calendar =
      before === null || since === null || unit === null ? (before ?? since) : joined(before, since, unit);
  }
}
