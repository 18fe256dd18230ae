/**
 * Composition of shedding by error budget: routes of the snapshot, budgets and weights go in; bytes for the workers and lines of
 * the log come out.
 */

import type { Log } from '../../lib/log.ts';
import { once } from '../../lib/once.ts';
import type { Config, RolloutConfig, RouteConfig } from '../../model/config.ts';
import { versionCells } from '../../model/overload.ts';
import { rolloutOn } from '../../model/rollout.ts';
import type { RouteSpec, Snapshot, SplitSpec } from '../../model/snapshot.ts';
import type { AdmissionStatus, SheddingStatus } from '../../model/status.ts';
import { serviceSteps } from '../../model/threads/answers/fallback.ts';
import { createStandings, type Standings } from '../../model/threads/load/standing.ts';
import type { Region } from '../../proxy/threads/workers.ts';
import type { BudgetLeft } from '../../slo/budget/engine.ts';
import { type RefusalReport, SheddingOrder, type ShedRoute } from '../../slo/budget/shedding/order.ts';
import { type Dials, getDial } from '../../snapshot/dials.ts';
import type { Current } from '../../snapshot/store.ts';

/** Lines a minute, of all versions together; what is more is counted in the next one. */
const LINES_MAX = 30;
const MINUTE_MS = 60_000;

export interface SheddingDeps {
  readonly log: Log;
  readonly dials: Dials;
  readonly leftOf: (route: string, nowMs: number) => BudgetLeft | null;
  /** Routes of which `leftOf` may say something else than at the last call. */
  readonly takeMoved: () => Iterable<string>;
  /** Sixteenths of its limit that a version (`service/version`) gives up. */
  readonly cutOf: (version: string) => number;
}

export class Shedding {
  /** How requests stand; the workers' memory. */
  readonly standings: Standings = createStandings();
  readonly #log: Log;
  readonly #order: SheddingOrder;
  #minuteAtMs = Number.NEGATIVE_INFINITY;
  #lines = 0;
  #unsaid = 0;

  constructor({ log, dials, leftOf, takeMoved, cutOf }: SheddingDeps) {
    this.#log = log;
    this.#order = new SheddingOrder({
      leftOf,
      takeMoved,
      cutOf,
      weightOf: (dial) => getDial(dials, dial),
      publish: (cell, byte) => void Atomics.store(this.standings, cell, byte),
    });
  }

  /** Takes in a configuration that is in force. */
  follow({ config, snapshot }: Current, atMs: number): void {
    this.#order.follow(shedRoutesOf(config, snapshot), atMs);
  }

  /** One turn of the loop. */
  turn(regions: readonly Region[], atMs: number): void {
    for (const report of this.#order.turn(regions, atMs)) this.#tell(report, atMs);
  }

  /** How a route stands; null when it leads to no version with a limit. */
  ofRoute(route: string): SheddingStatus | null {
    return this.#order.ofRoute(route);
  }

  /** In which order a version (`service/version`) refuses requests; null without a limit. */
  ofVersion(version: string): Pick<AdmissionStatus, 'isCurbed' | 'order'> | null {
    const order = this.#order.ofVersion(version);
    return order === null ? null : { isCurbed: order.isCurbed, order: order.sentence };
  }

  #tell(report: RefusalReport, atMs: number): void {
    if (atMs - this.#minuteAtMs >= MINUTE_MS) {
      this.#minuteAtMs = atMs;
      this.#lines = 0;
    }
    if (this.#lines >= LINES_MAX) {
      this.#unsaid += 1;
      return;
    }
    this.#lines += 1;
    const unsaid = this.#unsaid === 0 ? {} : { unsaid: this.#unsaid };
    this.#unsaid = 0;
    this.#log[report.state === 'begins' ? 'warn' : 'info']('version_sheds', { ...report, ...unsaid });
  }
}

/** Every route that leads to a version with a limit, if only by its fallback. `snapshot` was compiled from `config`. */
function shedRoutesOf(config: Config, { routes }: Snapshot): ShedRoute[] {
  const shownIn = once(() => versionCells(routes));
  const shed: ShedRoute[] = [];
  for (const [index, { name, priority, cell, splits, fallback }] of routes.entries()) {
    const limited = splits.filter(isLimited);
    if (fallback !== undefined) {
      for (const { split } of serviceSteps(fallback)) if (isLimited(split)) limited.push(split);
    }
    if (limited.length === 0) continue;
    const canaryName = rolloutAt(config, index)?.canary ?? null;
    const versions = limited.map((split) => ({
      name: split.targets.name,
      cell: split.cell,
      shownIn: shownIn().get(split.targets) as number,
      isCanary: splits.includes(split) && split.version === canaryName,
    }));
    shed.push({ route: name, priority, cell, canary: canaryOf(config, index, splits), versions });
  }
  return shed;
}

function isLimited({ targets }: SplitSpec): boolean {
  return targets.limit !== 'off';
}

function rolloutAt({ routes }: Config, index: number): RolloutConfig | null {
  return rolloutOn(routes[index] as RouteConfig);
}

function canaryOf(config: Config, index: number, splits: RouteSpec['splits']): ShedRoute['canary'] {
  const rollout = rolloutAt(config, index);
  const cellOf = (version: string | undefined) => splits.find((split) => split.version === version);
  const [canary, stable] = [cellOf(rollout?.canary), cellOf(rollout?.stable)];
  return canary === undefined || stable === undefined ? null : { cell: canary.cell, stableDial: stable.dial };
}
