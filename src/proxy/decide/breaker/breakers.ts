/**
 * The breakers of one worker across snapshots: a version keeps its own while it is configured alike.
 *
 * How a breaker stands is put into one cell of its version (`versionCells`, model/overload.ts), not at every change.
 */

import type { BreakerConfig } from '../../../model/overload.ts';
import type { TargetSpec } from '../../../model/snapshot.ts';
import { CELL, CELL_WORDS } from '../../../model/tallies.ts';
import { Breaker } from './breaker.ts';

/** Breakers begin and end together with tables: one of these per snapshot. */
export interface BreakerLinks {
  /** The breaker of a version, null when it has none. */
  of(spec: TargetSpec): Breaker | null;
}

interface Entry {
  readonly breaker: Breaker;
  readonly config: BreakerConfig;
  /** Where it shows how it stands. */
  readonly cell: number;
}

export class Breakers {
  readonly #words: Int32Array;
  #byVersion = new Map<string, Entry>();

  /** @param words of the worker's cells */
  constructor(words: Int32Array) {
    this.#words = words;
  }

  /** Takes a new snapshot. @param cellOf where each version shows how it stands */
  link(cellOf: ReadonlyMap<TargetSpec, number>): BreakerLinks {
    const before = this.#byVersion;
    for (const { cell } of before.values()) this.#show(cell, 'closed');
    const links = new Map<TargetSpec, Breaker>();
    this.#byVersion = new Map();
    for (const [spec, cell] of cellOf) {
      if (spec.breaker === null) continue;
      const known = before.get(spec.name);
      const isKept = known !== undefined && isAlike(known.config, spec.breaker);
      const breaker = isKept ? known.breaker : new Breaker(spec.breaker);
      this.#byVersion.set(spec.name, { breaker, config: spec.breaker, cell });
      links.set(spec, breaker);
    }
    return { of: (spec) => links.get(spec) ?? null };
  }

  /** Shows how all breakers stand: call it every 50 ms or so. Cost: a store for each. */
  tick(): void {
    for (const { breaker, cell } of this.#byVersion.values()) this.#show(cell, breaker.state);
  }

  #show(cell: number, state: Breaker['state']): void {
    const base = cell * CELL_WORDS;
    this.#words[base + CELL.breakerOpen] = state === 'open' ? 1 : 0;
    this.#words[base + CELL.breakerHalfOpen] = state === 'half-open' ? 1 : 0;
  }
}

function isAlike(a: BreakerConfig, b: BreakerConfig): boolean {
  return (Object.keys(a) as (keyof BreakerConfig)[]).every((key) => a[key] === b[key]);
}
