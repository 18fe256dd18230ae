/**
 * What follows when a composite score is too low: more of the access log, less concurrency, until it is not.
 *
 * Where several objectives speak of one version, the largest share is logged and the smallest part of its limit stays. Each change
 * is one line of the log.
 */

import type { Log } from '../../lib/log.ts';
import type { SloSource, StrainConfig } from '../../model/slo.ts';
import { cutFor } from '../../model/threads/load/standing.ts';
import type { Current } from '../../snapshot/store.ts';
import { splitsOf } from './surroundings.ts';

export interface StrainsDeps {
  readonly log: Log;
  /** The access log's shares changed. */
  readonly logMore: () => void;
}

export class Strains {
  readonly #deps: StrainsDeps;
  #current: Current | null = null;
  /** By `scope/name`, what was told of each. */
  #strained = new Map<string, StrainConfig>();
  #cuts = new Map<string, number>();
  #logged = new Map<number, number>();

  constructor(deps: StrainsDeps) {
    this.#deps = deps;
  }

  /** Takes in a configuration that is in force. */
  follow(current: Current, strained: readonly SloSource[]): void {
    this.#current = current;
    this.#apply(strained);
  }

  /** One turn of the loop. @param strained sources whose policy is to act */
  turn(strained: readonly SloSource[]): void {
    const isSame = strained.length === this.#strained.size && strained.every((one) => this.#strained.has(keyOf(one)));
    if (!isSame) this.#apply(strained);
  }

  /** Shares of the requests that the access log writes, by cell of route x version. */
  get logged(): ReadonlyMap<number, number> {
    return this.#logged;
  }

  /** Sixteenths of its limit that a version (`service/version`) gives up. */
  cutOf(version: string): number {
    return this.#cuts.get(version) ?? 0;
  }

  #apply(strained: readonly SloSource[]): void {
    const before = this.#strained;
    this.#strained = new Map(
      strained.flatMap((source) => {
        const { whileBelow = null } = source.slo.composite ?? {};
        return whileBelow === null ? [] : [[keyOf(source), whileBelow] as const];
      }),
    );
    this.#cuts = new Map();
    this.#logged = new Map();
    for (const source of strained) this.#strain(source);
    for (const [key, policy] of this.#strained) if (!before.has(key)) this.#tell(key, 'begins', policy);
    for (const [key, policy] of before) if (!this.#strained.has(key)) this.#tell(key, 'ends', policy);
    if (before.size + this.#strained.size > 0) this.#deps.logMore();
  }

  #strain(source: SloSource): void {
    const policy = this.#strained.get(keyOf(source));
    if (policy === undefined) return;
    const cut = cutFor(policy.concurrencyRatio);
    for (const { cell, targets } of splitsOf(this.#current?.snapshot.routes ?? [], source)) {
      this.#cuts.set(targets.name, Math.max(cut, this.cutOf(targets.name)));
      this.#logged.set(cell, Math.max(policy.accessLogRatio, this.#logged.get(cell) ?? 0));
    }
  }

  #tell(key: string, state: 'begins' | 'ends', policy: StrainConfig): void {
    this.#deps.log.warn('slo_strain', { objective: `${key}/composite`, state, ...policy });
  }
}

function keyOf({ scope, name }: SloSource): string {
  return `${scope}/${name}`;
}

/** Both, and where both name a cell the larger share. */
export function largerShares(
  shares: ReadonlyMap<number, number>,
  others: ReadonlyMap<number, number>,
): ReadonlyMap<number, number> {
  if (others.size === 0) return shares;
  const larger = new Map(shares);
  for (const [cell, share] of others) larger.set(cell, Math.max(share, larger.get(cell) ?? 0));
  return larger;
}
