/**
 * The admissions of one worker across snapshots: a version keeps its limit and what it learned while it is configured alike.
 *
 * An admission that a new snapshot does not name, or names with another limit, is left to the exchanges that know it, and
 * forgotten once they are over. What admissions show (limit, in flight, waiting) is put into the tallies here, into one cell of
 * the version (`versionCells`, model/overload.ts) and not at every request; there, too, is whether it is curbed.
 */

import type { TargetSpec } from '../../../model/snapshot.ts';
import { CELL, CELL_WORDS } from '../../../model/tallies.ts';
import { cutAt, isCurbedAt } from '../../../model/threads/load/standing.ts';
import type { Exchange } from '../../exchange.ts';
import { Admission, type AdmissionLimit } from './admission.ts';

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
  #byVersion = new Map<string, Entry>();
  /** Not in the snapshot any more, but held or waited for. */
  #leaving: Admission<Exchange>[] = [];

  /** @param words of the worker's cells @param standings how requests stand, and whom to curb */
  constructor(words: Int32Array, standings: Uint8Array) {
    this.#words = words;
    this.#standings = standings;
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
      const admission = isKept ? known.admission : new Admission<Exchange>(spec.limit, nowMs, this.#standings);
      if (isKept) before.delete(spec.name);
      if (isKept) this.#clear(known.cell);
      this.#byVersion.set(spec.name, { admission, limit: spec.limit, cell });
      links.set(spec, admission);
    }
    for (const { admission, cell } of before.values()) {
      this.#clear(cell);
      this.#leaving.push(admission);
    }
    return { of: (spec) => links.get(spec) ?? null };
  }

  /** Looks after all admissions: call it every 50 ms or so. Cost: about 60 ns for each that nothing happens to. */
  tick(nowMs: number): void {
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

  #show(cell: number, admission: Admission<Exchange>): void {
    const base = cell * CELL_WORDS;
    this.#words[base + CELL.limit] = admission.limit;
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
