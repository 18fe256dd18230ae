/**
 * Good and bad events of one objective over the last 28 days, in at most 12 KB and with sums that are exact.
 *
 * Four tiers count the same events in slots of different widths; each window is read from the finest tier that spans it:
 *
 * ```
 * tier   10 s x 30    1 min x 360       10 min x 432   1 h x 672
 * window 5m           30m, 1h, 6h       3d             28d
 *
 *            cursor
 *              v
 *   [9][2][7][4][.][.][3][8]     a window = the cursor's slot and the n - 1 before it; its sum is kept beside the ring:
 *                                what comes in is added, a slot that falls out is taken off
 * ```
 * - Sums are integers in doubles: no rounding, no drift. They equal the slots at every moment.
 * - A window reaches back between W - slot and W, so its edge is off by at most slot / W (3.3 % for 5m, 0.28 % for 6h).
 * - A gap of any length clears min(missed, slots) slots of each tier; after 28 days nothing is left.
 * - Time is monotonic and an argument; a reading below the newest one moves nothing, and what it brings counts as now.
 * - A slot holds up to 2^32 - 1 events of a kind (1.2 million a second for an hour); what is above is counted in
 *   `saturated` and nowhere else.
 *
 * Source: docs/ARCHITECTURE.md "Objectives and budgets". Cost: add O(1), about 40 ns; 1,494 slots are all it ever walks.
 */

import { SluiceError } from '../../model/problem.ts';

/** The windows that are summed, shortest first. */
export const WINDOWS = ['5m', '30m', '1h', '6h', '3d', '28d'] as const;

export type WindowName = (typeof WINDOWS)[number];

interface Tier {
  readonly slotMs: number;
  readonly slots: number;
  /** First slot of the tier among all. */
  readonly first: number;
}

const TIERS: readonly Tier[] = [
  { slotMs: 10_000, slots: 30, first: 0 },
  { slotMs: 60_000, slots: 360, first: 30 },
  { slotMs: 600_000, slots: 432, first: 390 },
  { slotMs: 3_600_000, slots: 672, first: 822 },
];

interface Span {
  readonly tier: number;
  readonly slots: number;
}

/** Tier and length of each window, in the order of `WINDOWS`. */
const SPANS: readonly Span[] = [
  { tier: 0, slots: 30 },
  { tier: 1, slots: 30 },
  { tier: 1, slots: 60 },
  { tier: 1, slots: 360 },
  { tier: 2, slots: 432 },
  { tier: 3, slots: 672 },
];

const SLOTS = 1494;
const SLOT_MAX = 2 ** 32 - 1;

/** Length of each window in ms. */
export const WINDOW_MS: Readonly<Record<WindowName, number>> = {
  '5m': 300_000,
  '30m': 1_800_000,
  '1h': 3_600_000,
  '6h': 21_600_000,
  '3d': 259_200_000,
  '28d': 2_419_200_000,
};

/** Doubles in front of the slots: cursors, sums, the time and the totals. */
const CURSORS = 0;
const GOOD_SUMS = TIERS.length;
const BAD_SUMS = GOOD_SUMS + WINDOWS.length;
const TIME = BAD_SUMS + WINDOWS.length;
const GOOD_TOTAL = TIME + 1;
const BAD_TOTAL = TIME + 2;
const SATURATED = TIME + 3;
const DOUBLES = TIME + 4;

/** Memory of a ring in bytes. */
export const RING_BYTES = DOUBLES * 8 + SLOTS * 8;

/** What a window saw. */
export interface WindowCounts {
  readonly good: number;
  readonly bad: number;
}

export class Ring {
  readonly #doubles: Float64Array;
  readonly #good: Uint32Array;
  readonly #bad: Uint32Array;
  /** The ring's own time minus the clock: its time goes on where it stopped when it is restored. */
  #offsetMs = 0;

  /** Starts now, empty. */
  constructor(nowMs: number) {
    const memory = new ArrayBuffer(RING_BYTES);
    this.#doubles = new Float64Array(memory, 0, DOUBLES);
    this.#good = new Uint32Array(memory, DOUBLES * 8, SLOTS);
    this.#bad = new Uint32Array(memory, DOUBLES * 8 + SLOTS * 4, SLOTS);
    this.#start(nowMs);
  }

  /** Lets the windows slide up to `nowMs`. */
  advance(nowMs: number): void {
    const timeMs = nowMs + this.#offsetMs;
    if (!(timeMs > this.#at(TIME))) return;
    this.#doubles[TIME] = timeMs;
    for (let tier = 0; tier < TIERS.length; tier++) {
      const slot = Math.floor(timeMs / (TIERS[tier] as Tier).slotMs);
      const missed = slot - this.#at(CURSORS + tier);
      if (missed > 0) this.#roll(tier, missed);
    }
  }

  /** Counts events that happened now. @param good,bad non-negative integers */
  add(nowMs: number, good: number, bad: number): void {
    this.advance(nowMs);
    this.#doubles[GOOD_TOTAL] = this.#at(GOOD_TOTAL) + good;
    this.#doubles[BAD_TOTAL] = this.#at(BAD_TOTAL) + bad;
    for (let tier = 0; tier < TIERS.length; tier++) {
      const { first, slots } = TIERS[tier] as Tier;
      const slot = first + (this.#at(CURSORS + tier) % slots);
      const goodTaken = this.#fill(this.#good, slot, good);
      const badTaken = this.#fill(this.#bad, slot, bad);
      for (let window = 0; window < SPANS.length; window++) {
        if ((SPANS[window] as Span).tier === tier) this.#sum(window, goodTaken, badTaken);
      }
    }
  }

  /** Sums of a window as of the last `advance` or `add`. */
  counts(window: WindowName): WindowCounts {
    const index = WINDOWS.indexOf(window);
    return { good: this.#at(GOOD_SUMS + index), bad: this.#at(BAD_SUMS + index) };
  }

  /** Everything ever added, also what left the windows. */
  get totals(): WindowCounts {
    return { good: this.#at(GOOD_TOTAL), bad: this.#at(BAD_TOTAL) };
  }

  /** Events that a full slot could not take; tiers count for themselves. */
  get saturated(): number {
    return this.#at(SATURATED);
  }

  /** The ring's own time in whole slots of 10 s: windows slide when this changes. */
  get slot(): number {
    return this.#at(CURSORS);
  }

  /** When `slot` changes, by the clock of `advance`: until then every window is what it is, but for what is added. */
  get slotEndsAtMs(): number {
    return (this.slot + 1) * (TIERS[0] as Tier).slotMs - this.#offsetMs;
  }

  /** The ring as bytes, the same on every machine; `fromBytes` gives it back exactly. Cost: about 5 us. */
  toBytes(): Uint8Array {
    const bytes = new Uint8Array(HEAD_BYTES + SLOTS * 8);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, MAGIC, true);
    view.setUint32(4, FORMAT, true);
    for (let n = 0; n < SAVED_DOUBLES.length; n++)
      view.setFloat64(8 + n * 8, this.#at(SAVED_DOUBLES[n] as number), true);
    for (let slot = 0; slot < SLOTS; slot++) {
      view.setUint32(HEAD_BYTES + slot * 4, this.#good[slot] as number, true);
      view.setUint32(HEAD_BYTES + (SLOTS + slot) * 4, this.#bad[slot] as number, true);
    }
    return bytes;
  }

  /**
   * The ring that `toBytes` wrote, going on at `nowMs`.
   * @param awayMs time since it was written, by the wall clock, as the monotonic one begins anew; below 0 counts as 0
   * @throws SluiceError SLU_STATE_INVALID when the bytes are not a ring of this format
   */
  static fromBytes(bytes: Uint8Array, nowMs: number, awayMs: number): Ring {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    checkHead(view);
    const ring = new Ring(nowMs);
    ring.#start(view.getFloat64(8, true));
    for (let n = 0; n < SAVED_DOUBLES.length; n++) {
      ring.#doubles[SAVED_DOUBLES[n] as number] = view.getFloat64(8 + n * 8, true);
    }
    for (let slot = 0; slot < SLOTS; slot++) {
      ring.#good[slot] = view.getUint32(HEAD_BYTES + slot * 4, true);
      ring.#bad[slot] = view.getUint32(HEAD_BYTES + (SLOTS + slot) * 4, true);
    }
    ring.#resum();
    ring.#offsetMs = ring.#at(TIME) + Math.max(0, awayMs) - nowMs;
    ring.advance(nowMs);
    return ring;
  }

  /**
   * Adds what another ring counted, by how long ago it happened; both slide to `nowMs` first. Their slots may begin at
   * different moments, so an event may be taken for up to one slot younger or older. Cost: about 20 us.
   */
  absorb(other: Ring, nowMs: number): void {
    this.advance(nowMs);
    other.advance(nowMs);
    for (const [tier, { first, slots }] of TIERS.entries()) {
      const [here, there] = [this.#at(CURSORS + tier), other.#at(CURSORS + tier)];
      for (let n = 0; n < slots; n++) {
        const from = first + wrap(there - n, slots);
        const to = first + wrap(here - n, slots);
        this.#fill(this.#good, to, other.#good[from] as number);
        this.#fill(this.#bad, to, other.#bad[from] as number);
      }
    }
    for (const index of [GOOD_TOTAL, BAD_TOTAL, SATURATED]) this.#doubles[index] = this.#at(index) + other.#at(index);
    this.#doubles.fill(0, GOOD_SUMS, TIME);
    this.#resum();
  }

  #at(index: number): number {
    return this.#doubles[index] as number;
  }

  #start(timeMs: number): void {
    this.#doubles[TIME] = timeMs;
    for (let tier = 0; tier < TIERS.length; tier++) {
      this.#doubles[CURSORS + tier] = Math.floor(timeMs / (TIERS[tier] as Tier).slotMs);
    }
  }

  #roll(tier: number, missed: number): void {
    const { first, slots } = TIERS[tier] as Tier;
    const cursor = this.#at(CURSORS + tier);
    this.#doubles[CURSORS + tier] = cursor + missed;
    if (missed >= slots) {
      this.#clear(tier);
      return;
    }
    for (let n = 1; n <= missed; n++) {
      const slot = cursor + n;
      for (let window = 0; window < SPANS.length; window++) {
        const span = SPANS[window] as Span;
        if (span.tier !== tier) continue;
        const leaving = first + wrap(slot - span.slots, slots);
        this.#sum(window, -(this.#good[leaving] as number), -(this.#bad[leaving] as number));
      }
      const cleared = first + wrap(slot, slots);
      this.#good[cleared] = 0;
      this.#bad[cleared] = 0;
    }
  }

  #clear(tier: number): void {
    const { first, slots } = TIERS[tier] as Tier;
    this.#good.fill(0, first, first + slots);
    this.#bad.fill(0, first, first + slots);
    for (let window = 0; window < SPANS.length; window++) {
      if ((SPANS[window] as Span).tier !== tier) continue;
      this.#doubles[GOOD_SUMS + window] = 0;
      this.#doubles[BAD_SUMS + window] = 0;
    }
  }

  /** Adds to a slot as much as it can hold; the rest is counted as such. Returns what was added. */
  #fill(slots: Uint32Array, slot: number, count: number): number {
    const before = slots[slot] as number;
    const taken = Math.min(count, SLOT_MAX - before);
    slots[slot] = before + taken;
    if (taken < count) this.#doubles[SATURATED] = this.#at(SATURATED) + count - taken;
    return taken;
  }

  #sum(window: number, good: number, bad: number): void {
    this.#doubles[GOOD_SUMS + window] = this.#at(GOOD_SUMS + window) + good;
    this.#doubles[BAD_SUMS + window] = this.#at(BAD_SUMS + window) + bad;
  }

  /** Sums from the slots, as they are not stored; they are zero before. */
  #resum(): void {
    for (let window = 0; window < SPANS.length; window++) {
      const span = SPANS[window] as Span;
      const { first, slots } = TIERS[span.tier] as Tier;
      const cursor = this.#at(CURSORS + span.tier);
      for (let n = 0; n < span.slots; n++) {
        const slot = first + wrap(cursor - n, slots);
        this.#sum(window, this.#good[slot] as number, this.#bad[slot] as number);
      }
    }
  }
}

/** `SLO\x01` read as a little-endian word, and the layout's number. */
const MAGIC = 0x014f4c53;
const FORMAT = 1;
const SAVED_DOUBLES = [TIME, GOOD_TOTAL, BAD_TOTAL, SATURATED] as const;
const HEAD_BYTES = 8 + SAVED_DOUBLES.length * 8;

function checkHead(view: DataView): void {
  if (view.byteLength < HEAD_BYTES || view.getUint32(0, true) !== MAGIC) throw invalid('they do not begin like one');
  const format = view.getUint32(4, true);
  if (format !== FORMAT) throw invalid(`format ${format} is not ${FORMAT}`);
  if (view.byteLength !== HEAD_BYTES + SLOTS * 8) throw invalid(`${view.byteLength} bytes are not a whole one`);
  for (let n = 0; n < SAVED_DOUBLES.length; n++) {
    const value = view.getFloat64(8 + n * 8, true);
    if (!Number.isFinite(value) || value < 0) throw invalid('a time or a total is not a number');
  }
}

function invalid(because: string): SluiceError {
  return new SluiceError('SLU_STATE_INVALID', `the bytes of a budget cannot be read: ${because}`);
}

/** Remainder that is never negative. */
function wrap(slot: number, slots: number): number {
  const rest = slot % slots;
  return rest < 0 ? rest + slots : rest;
}
