/**
 * What composite objectives ask besides the tallies: are the endpoints in service, are the breakers of dependencies closed?
 *
 * Each version counts by its weight in force, summed over the routes that send to it; where all are 0, all count alike. An endpoint
 * that is ejected or unhealthy is out; one that is tried out or starts slowly is in: without requests it would stay so. A breaker
 * is as open as the share of workers in which it is, half-open ones by half.
 */

import { once } from '../../lib/once.ts';
import { versionCells } from '../../model/overload.ts';
import type { SloSource } from '../../model/slo.ts';
import type { RouteSpec, SplitSpec, TargetSpec } from '../../model/snapshot.ts';
import { NO_SURROUNDINGS, type Surroundings } from '../../slo/budget/composite/score.ts';
import type { BreakerNow } from '../../slo/totals/cell-totals.ts';
import type { Current } from '../../snapshot/store.ts';

export interface SurroundingsDeps {
  readonly isOut: (endpoint: number) => boolean;
  /** Breakers of a version, by the cell that shows them. */
  readonly breaker: (cell: number) => BreakerNow;
  readonly workers: () => number;
  readonly weightOf: (dial: number) => number;
}

/** A version that a source sends to, or depends on. */
interface Member {
  readonly dial: number;
  readonly targets: TargetSpec;
  /** Where its breaker is shown. */
  readonly shownIn: number;
}

interface Circle {
  readonly own: readonly Member[];
  readonly dependencies: readonly Member[];
}

/** Versions of a route, or of a service on all routes. */
export function splitsOf(
  routes: readonly RouteSpec[],
  { scope, name }: Pick<SloSource, 'scope' | 'name'>,
): SplitSpec[] {
  if (scope === 'route') return routes.filter((route) => route.name === name).flatMap(({ splits }) => [...splits]);
  return routes.flatMap(({ splits }) => splits.filter(({ service }) => service === name));
}

export class SurroundingsReader {
  readonly #deps: SurroundingsDeps;
  #circles = new Map<string, Circle>();

  constructor(deps: SurroundingsDeps) {
    this.#deps = deps;
  }

  /** Takes in a configuration that is in force, and the sources of its objectives. Cost: O(routes) for each with a score. */
  follow({ snapshot: { routes } }: Current, sources: readonly SloSource[]): void {
    const shownIn = once(() => versionCells(routes));
    const memberOf = ({ dial, targets, cell }: SplitSpec): Member => {
      return { dial, targets, shownIn: shownIn().get(targets) ?? cell };
    };
    this.#circles = new Map(
      sources.flatMap((source) => {
        const { composite } = source.slo;
        if (composite === undefined) return [];
        const dependencies = composite.dependencies.flatMap((name) => splitsOf(routes, { scope: 'service', name }));
        const watched = dependencies.filter(({ targets }) => targets.breaker !== null);
        const circle = { own: splitsOf(routes, source).map(memberOf), dependencies: watched.map(memberOf) };
        return [[keyOf(source), circle] as const];
      }),
    );
  }

  /** Of one source, now. */
  readonly of = (source: SloSource): Surroundings => {
    const circle = this.#circles.get(keyOf(source));
    if (circle === undefined) return NO_SURROUNDINGS;
    const { own, dependencies } = circle;
    return {
      health: this.#mean(own, ({ targets }) => this.#inService(targets)),
      dependencies: this.#mean(dependencies, ({ shownIn }) => this.#closed(shownIn)),
    };
  };

  #mean(members: readonly Member[], valueOf: (member: Member) => number): number | null {
    if (members.length === 0) return null;
    const weights = members.map(({ dial }) => this.#deps.weightOf(dial));
    const whole = weights.reduce((sum, weight) => sum + weight, 0);
    const shares = whole === 0 ? members.map(() => 1 / members.length) : weights.map((weight) => weight / whole);
    let mean = 0;
    for (const [n, member] of members.entries()) {
      const share = shares[n] as number;
      if (share > 0) mean += share * valueOf(member);
    }
    return mean;
  }

  /** A version without endpoints serves nobody. */
  #inService({ endpoints, weights }: TargetSpec): number {
    let [inService, whole] = [0, 0];
    for (const [n, endpoint] of endpoints.entries()) {
      const weight = weights[n] as number;
      whole += weight;
      if (!this.#deps.isOut(endpoint)) inService += weight;
    }
    return whole === 0 ? 0 : inService / whole;
  }

  #closed(shownIn: number): number {
    const { open, halfOpen } = this.#deps.breaker(shownIn);
    return Math.max(0, 1 - (open + halfOpen / 2) / Math.max(1, this.#deps.workers()));
  }
}

function keyOf({ scope, name }: SloSource): string {
  return `${scope}/${name}`;
}
