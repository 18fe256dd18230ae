/**
 * The admissions of one worker across snapshots: a version keeps its limit and what it learned while it is configured alike.
 *
 * An admission that a new snapshot does not name, or names with another limit, is left to the exchanges that know it, and
 * forgotten once they are over. What admissions show (limit, in flight, waiting) is put into the tallies here, into one cell of
 * the version (`versionCells`, model/overload.ts) and not at every request; there, too, is whether it is curbed. A limit that
 * workers share is shown by the one that finds it: what all workers show adds up.
 */

import type { TargetSpec } from '../../../model/snapshot.ts';
import { CELL, CELL_WORDS } from '../../../model/tallies.ts';
import { cutAt, isCurbedAt } from '../../../model/threads/load/standing.ts';
import type { Exchange } from '../../exchange.ts';
import { Admission } from './admission.ts';
import type { AdmissionLimit } from './places.ts';
import { type Pool, Seat } from './pool.ts';
import type { Told } from './ring.ts';

/** Admissions begin and end together with tables: one of these per snapshot. */
export interface AdmissionLinks {
  /** The admission of a version, null when it has none. */
  of(spec: TargetSpec): Admission<Exchange> | null;
}

interface Entry {
  readonly admission: Admission<Exchange>;
  readonly limit: AdmissionLimit;
  /** Where it shows how it stands. */
  readonly cell: number;
}

export class Admissions {
  readonly #words: Int32Array;
  readonly #standings: Uint8Array;
  readonly #pool: Pool | null;
  #byVersion = new Map<string, Entry>();
  /** Not in the snapshot any more, but held or waited for. */
  #leaving: Admission<Exchange>[] = [];
  readonly #byCell = new Map<number, Admission<Exchange>>();
  /** What other workers say of a version that is not in this snapshot any more, or not yet, is nobody's. */
  readonly #hear = (cell: number, told: Told, ms: number): void => this.#byCell.get(cell)?.hear(told, ms);

  /**
   * @param words of the worker's cells
   * @param standings how requests stand, and whom to curb
   * @param pool where limits are shared with other workers; null: there are none
   */
  constructor(words: Int32Array, standings: Uint8Array, pool: Pool | null = null) {
    this.#words = words;
    this.#standings = standings;
    this.#pool = pool;
  }

  /** Takes a new snapshot. @param cellOf where each version shows how it stands */
  link(cellOf: ReadonlyMap<TargetSpec, number>, nowMs: number): AdmissionLinks {
    const before = this.#byVersion;
    const links = new Map<TargetSpec, Admission<Exchange>>();
    this.#byVersion = new Map();
    for (const [spec, cell] of cellOf) {
      if (spec.limit === 'off') continue;
      const known = before.get(spec.name);
      const isKept = known !== undefined && known.limit === spec.limit;
      const admission = isKept ? known.admission : this.#begin(spec.limit, cell, nowMs);
      if (isKept) {
        before.delete(spec.name);
        this.#clear(known.cell);
        if (known.cell !== cell) admission.move(cell);
      }
      this.#byVersion.set(spec.name, { admission, limit: spec.limit, cell });
      links.set(spec, admission);
    }
    for (const { admission, cell } of before.values()) {
      this.#clear(cell);
      admission.leave();
      this.#leaving.push(admission);
    }
    this.#byCell.clear();
    for (const { admission, cell } of this.#byVersion.values()) this.#byCell.set(cell, admission);
    return { of: (spec) => links.get(spec) ?? null };
  }

  /** Looks after all admissions: call it every 50 ms or so. Cost: about 60 ns for each that nothing happens to. */
  tick(nowMs: number): void {
    if (this.#pool !== null) this.#pool.tick(nowMs, this.#hear);
    for (const { admission, cell } of this.#byVersion.values()) {
      const isCurbed = isCurbedAt(this.#standings, cell);
      if (isCurbed !== admission.isCurbed) admission.isCurbed = isCurbed;
      admission.cut = cutAt(this.#standings, cell);
      admission.tick(nowMs);
      this.#show(cell, admission);
    }
    if (this.#leaving.length === 0) return;
    for (const admission of this.#leaving) admission.tick(nowMs);
    this.#leaving = this.#leaving.filter((admission) => admission.inFlight + admission.queued > 0);
  }

  #begin(limit: AdmissionLimit, cell: number, nowMs: number): Admission<Exchange> {
    const seat = this.#pool === null || limit !== 'auto' ? null : new Seat(this.#pool, cell);
    return new Admission<Exchange>(limit, nowMs, this.#standings, seat);
  }

  #show(cell: number, admission: Admission<Exchange>): void {
    const base = cell * CELL_WORDS;
    this.#words[base + CELL.limit] = admission.leads ? admission.limit : 0;
    this.#words[base + CELL.admitted] = admission.inFlight;
    this.#words[base + CELL.queued] = admission.queued;
  }

  #clear(cell: number): void {
    const base = cell * CELL_WORDS;
    this.#words[base + CELL.limit] = 0;
    this.#words[base + CELL.admitted] = 0;
    this.#words[base + CELL.queued] = 0;
  }
}
