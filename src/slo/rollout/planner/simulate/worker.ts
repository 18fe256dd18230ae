/**
 * A worker as the control plane sees it: shared memory in which somebody counts.
 *
 * Writes what `model/tallies.ts` lays down, in the order in which the data plane does, but takes time and user as
 * arguments, so that the readers can be driven on virtual time.
 */

import { bucketIndex } from '../../../../lib/histogram.ts';
import { LATENCY_DIAL, LATENCY_DIAL_WORDS, LATENCY_THRESHOLDS } from '../../../../model/latency.ts';
import {
  CELL,
  CELL_WORDS,
  ENDPOINT_WORDS,
  EVENT,
  EVENT_WORDS,
  EVENTS_HEAD,
  EVENTS_HEAD_WORDS,
  EVENTS_MAX,
  type Tallies,
  UNIT_BITS,
  UNIT_WORDS,
  viewTallies,
} from '../../../../model/tallies.ts';
import { markUser, secondAt } from '../../../../model/threads/requests/users.ts';
import type { Region } from '../../../regions.ts';

/** Cells and units of a small region. */
const SMALL = 8;

/** Shared memory for a few cells and units. */
export function smallTallies(): Tallies {
  return viewTallies({
    cells: new SharedArrayBuffer(SMALL * CELL_WORDS * 4),
    endpoints: new SharedArrayBuffer(SMALL * ENDPOINT_WORDS * 4),
    units: new SharedArrayBuffer(SMALL * UNIT_WORDS * 4),
    events: new SharedArrayBuffer((EVENTS_HEAD_WORDS + EVENTS_MAX * EVENT_WORDS) * 4),
  });
}

/** One finished exchange of a version. */
export interface Finish {
  readonly cell: number;
  readonly unit: number;
  readonly user: number;
  readonly isBad: boolean;
  readonly nowMs: number;
  readonly isPinned?: boolean;
  readonly tookMs?: number;
  /** 32 hex digits. */
  readonly requestId?: string;
}

export class SimulatedWorker {
  readonly region: Region;
  readonly #latencyDials: Float64Array | null;

  /** @param latencyDials thresholds to count by; null: none */
  constructor(id: number, tallies: Tallies = smallTallies(), latencyDials: Float64Array | null = null) {
    this.region = { id, tallies };
    this.#latencyDials = latencyDials;
  }

  /** Counts an exchange, its user and, when it is bad, its event. */
  finish(exchange: Finish): void {
    const { cell, isBad, isPinned = false, tookMs = 5 } = exchange;
    this.add(cell, CELL.finished, 1);
    if (isBad) this.add(cell, CELL.bad, 1);
    this.add(cell, CELL.histogram + bucketIndex(tookMs), 1);
    const { cellFloats } = this.region.tallies;
    const sum = (cell * CELL_WORDS + CELL.secondsSum) >> 1;
    cellFloats[sum] = (cellFloats[sum] as number) + tookMs / 1000;
    if (isPinned) {
      this.add(cell, CELL.pinned, 1);
      if (isBad) this.add(cell, CELL.pinnedBad, 1);
    } else {
      this.mark(exchange);
      this.conclude(exchange);
    }
    if (isBad) this.report(exchange);
  }

  /** Counts the thresholds that an exchange exceeds, all of them at its end. */
  conclude({ cell, unit, isBad, nowMs, tookMs = 5 }: Finish): void {
    const dials = this.#latencyDials;
    if (dials === null) return;
    const base = unit * LATENCY_DIAL_WORDS;
    if (!(nowMs - tookMs >= (dials[base + LATENCY_DIAL.since] as number))) return;
    let level = 0;
    while (level < LATENCY_THRESHOLDS && tookMs > (dials[base + LATENCY_DIAL.atEnd + level] as number)) {
      this.add(cell, CELL.thresholds + level, 1);
      level += 1;
    }
    if (!isBad) this.add(cell, CELL.levels + level, 1);
  }

  /** Adds to one word of a cell. */
  add(cell: number, word: number, amount: number): void {
    const { cells } = this.region.tallies;
    const at = cell * CELL_WORDS + word;
    cells[at] = (cells[at] as number) + amount;
  }

  /** Marks a user in the bitmaps of the exchange's second. */
  mark({ unit, user, isBad, nowMs }: Pick<Finish, 'unit' | 'user' | 'isBad' | 'nowMs'>): void {
    const { units } = this.region.tallies;
    const second = Math.floor(nowMs / 1000);
    markUser(units, secondAt(units, unit, second), user & (UNIT_BITS - 1), isBad);
  }

  /** Puts a bad event into the ring, or counts it as lost. */
  report({ cell, user, nowMs, requestId = '0'.repeat(32) }: Omit<Finish, 'unit' | 'isBad'>): void {
    const { events, eventFloats } = this.region.tallies;
    const written = Atomics.load(events, EVENTS_HEAD.written);
    if (((written - Atomics.load(events, EVENTS_HEAD.read)) | 0) >= EVENTS_MAX) {
      Atomics.add(events, EVENTS_HEAD.lost, 1);
      return;
    }
    const base = EVENTS_HEAD_WORDS + (written & (EVENTS_MAX - 1)) * EVENT_WORDS;
    eventFloats[(base + EVENT.atMs) >> 1] = nowMs;
    events[base + EVENT.cell] = cell;
    events[base + EVENT.user] = user | 0;
    events[base + EVENT.endpoint] = 3;
    events[base + EVENT.outcome] = 500;
    for (let n = 0; n < 4; n++) {
      events[base + EVENT.requestId + n] = Number.parseInt(requestId.slice(8 * n, 8 * n + 8), 16) | 0;
    }
    Atomics.store(events, EVENTS_HEAD.written, written + 1);
  }
}
