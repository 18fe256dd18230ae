/**
 * The gates of one worker across snapshots: a version keeps its limit and what it learned while it is configured alike.
 *
 * A gate that a new snapshot does not name, or names with another limit, is left to the exchanges that know it, and forgotten
 * once they are over. What gates show (limit, in flight, waiting) is put into the tallies here, into every cell of the
 * version, not at every request.
 */

import type { TargetSpec } from '../../../model/snapshot.ts';
import { CELL, CELL_WORDS } from '../../../model/tallies.ts';
import type { Exchange } from '../../exchange.ts';
import { Gate, type GateLimit } from './gate.ts';

/** Gates begin and end together with tables: one of these per snapshot. */
export interface GateLinks {
  /** The gate of a version, null when it has none. */
  of(spec: TargetSpec): Gate<Exchange> | null;
}

interface Entry {
  readonly gate: Gate<Exchange>;
  readonly limit: GateLimit;
  /** Of the splits that lead to the version. */
  readonly cells: readonly number[];
}

export class Gates {
  readonly #words: Int32Array;
  #byVersion = new Map<string, Entry>();
  /** Not in the snapshot any more, but held or waited for. */
  #leaving: Gate<Exchange>[] = [];

  /** @param words of the worker's cells */
  constructor(words: Int32Array) {
    this.#words = words;
  }

  /** Takes a new snapshot. @param cellsOf cells of the splits that lead to each version that is limited */
  link(cellsOf: ReadonlyMap<TargetSpec, readonly number[]>, nowMs: number): GateLinks {
    const before = this.#byVersion;
    const links = new Map<TargetSpec, Gate<Exchange>>();
    this.#byVersion = new Map();
    for (const [spec, cells] of cellsOf) {
      if (spec.limit === 'off') continue;
      const known = before.get(spec.name);
      const isKept = known !== undefined && known.limit === spec.limit;
      const gate = isKept ? known.gate : new Gate<Exchange>(spec.limit, nowMs);
      if (isKept) before.delete(spec.name);
      if (isKept) this.#clear(known.cells);
      this.#byVersion.set(spec.name, { gate, limit: spec.limit, cells });
      links.set(spec, gate);
    }
    for (const { gate, cells } of before.values()) {
      this.#clear(cells);
      this.#leaving.push(gate);
    }
    return { of: (spec) => links.get(spec) ?? null };
  }

  /** Looks after all gates: call it every 50 ms or so. Cost: about 60 ns for each that nothing happens to. */
  tick(nowMs: number): void {
    for (const { gate, cells } of this.#byVersion.values()) {
      gate.tick(nowMs);
      for (const cell of cells) this.#show(cell, gate);
    }
    if (this.#leaving.length === 0) return;
    for (const gate of this.#leaving) gate.tick(nowMs);
    this.#leaving = this.#leaving.filter((gate) => gate.inFlight + gate.queued > 0);
  }

  #show(cell: number, gate: Gate<Exchange>): void {
    const base = cell * CELL_WORDS;
    this.#words[base + CELL.limit] = gate.limit;
    this.#words[base + CELL.admitted] = gate.inFlight;
    this.#words[base + CELL.queued] = gate.queued;
  }

  #clear(cells: readonly number[]): void {
    for (const cell of cells) {
      const base = cell * CELL_WORDS;
      this.#words[base + CELL.limit] = 0;
      this.#words[base + CELL.admitted] = 0;
      this.#words[base + CELL.queued] = 0;
    }
  }
}
