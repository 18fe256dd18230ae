/**
 * Composition of the guard over configurations: a swap is watched, and one that made a route fail is reverted.
 *
 * Only what sources brought is watched: what a person put in force stays.
 */

import { nowMs } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import type { Config } from '../../model/config.ts';
import { type Conviction, RevisionGuard } from '../../slo/rollout/revision/guard.ts';
import { NO_COUNTS, type RouteCounts } from '../../slo/rollout/revision/record.ts';
import { sumOf } from '../../slo/rollout/revision/watch.ts';
import type { Totals } from '../../slo/totals.ts';
import { changedRoutes, guardedCells } from '../../snapshot/revisions/changed.ts';
import type { Current } from '../../snapshot/store.ts';
import type { Revisions } from './revisions.ts';

const CLIENT_ERROR = 4;

export interface RevisionWatchDeps {
  readonly log: Log;
  readonly totals: Totals;
  readonly revisions: Revisions;
}

export class RevisionWatch {
  readonly #deps: RevisionWatchDeps;
  readonly #guard: RevisionGuard<Config>;
  #watchMs = 0;

  constructor(deps: RevisionWatchDeps) {
    this.#deps = deps;
    this.#guard = new RevisionGuard((cells) => this.#countsOf(cells));
  }

  /** Takes in a configuration that every worker obeys. @param before what was in force; null at the start */
  follow({ intended: config, snapshot }: Current, before: Current | null): void {
    this.#watchMs = config.revisions.watchMs;
    const { revisions, log } = this.#deps;
    if (this.#watchMs === 0 || !revisions.isFromSources) this.#guard.end(nowMs());
    this.#guard.follow(this.#watchMs === 0 ? [] : guardedCells(snapshot, config), nowMs());
    if (before === null || this.#watchMs === 0 || !revisions.isFromSources) return;
    // Endpoints that were found come and go without a revision.
    if (before.intended === config) return;
    const changed = changedRoutes(before.intended, config);
    if (changed.size === 0) return;
    const watched = this.#guard.begin(changed, before.intended, nowMs());
    log.info('config_watched', { revision: snapshot.revision, watched, unwatched: changed.size - watched });
  }

  /** One turn of the loop. */
  turn(atMs: number): void {
    if (this.#watchMs === 0) return;
    const conviction = this.#guard.turn(atMs, this.#watchMs);
    if (conviction !== null) this.#revert(conviction);
  }

  #revert({ base, ...conviction }: Conviction<Config>): void {
    const { log, revisions } = this.#deps;
    this.#guard.end(nowMs());
    log.error('config_reverted', { ...conviction });
    revisions.revert(base, conviction.sentence).catch((error: unknown) => log.error('config_failed', { error }));
  }

  #countsOf(cells: readonly number[]): RouteCounts {
    let sum = NO_COUNTS;
    for (const cell of cells) {
      const { finished, bad, ignored, statusClasses } = this.#deps.totals.of(cell);
      const answered = finished + ignored;
      const turnedAway = Math.min(answered, bad + (statusClasses[CLIENT_ERROR] as number));
      sum = sumOf(sum, { finished, bad, answered, turnedAway });
    }
    return sum;
  }
}
