/**
 * Composition of the guard over configurations: a swap is watched, and one that made a route fail is reverted.
 *
 * Only what sources brought is watched: what a person put in force stays.
 */

import { nowMs, wallTime } from '../../../lib/clock.ts';
import type { Log } from '../../../lib/log.ts';
import type { Config } from '../../../model/config.ts';
import type { NotReverted, Revert } from '../../../model/threads/revision.ts';
import { type Conviction, RevisionGuard } from '../../../slo/rollout/revision/guard.ts';
import { NO_COUNTS, type RouteCounts } from '../../../slo/rollout/revision/record.ts';
import { sumOf } from '../../../slo/rollout/revision/watch.ts';
import type { Totals } from '../../../slo/totals/totals.ts';
import { changedRoutes, type Guarded, guardedCells } from '../../../snapshot/revisions/changed.ts';
import type { Current } from '../../../snapshot/store.ts';
import type { Revisions } from './revisions.ts';

const CLIENT_ERROR = 4;

export interface RevisionWatchDeps {
  readonly log: Log;
  readonly totals: Totals;
  readonly revisions: Revisions;
  /** Writes a revert down, once it is in force. */
  readonly reverted: (revert: Revert) => void;
}

export class RevisionWatch {
  readonly #deps: RevisionWatchDeps;
  readonly #guard: RevisionGuard<Config>;
  #watchMs = 0;
  #guarded: Guarded | null = null;
  /** Something is watched, so that configurations of before are kept ready. */
  #isWatching = false;
  /** The configuration that could not be reverted. */
  #failed: (NotReverted & { readonly config: Config }) | null = null;

  constructor(deps: RevisionWatchDeps) {
    this.#deps = deps;
    this.#guard = new RevisionGuard((cells) => this.#countsOf(cells));
  }

  /** Configurations that could be gone back to now: at most BASES_MAX. */
  get bases(): readonly Config[] {
    return this.#guard.bases;
  }

  /** Null unless what is in force could not be reverted. */
  get notReverted(): NotReverted | null {
    if (this.#failed === null || this.#failed.config !== this.#deps.revisions.current?.intended) return null;
    const { config: _, ...failed } = this.#failed;
    return failed;
  }

  /** Takes in a configuration that every worker obeys. @param before what was in force; null at the start */
  follow({ intended: config, snapshot }: Current, before: Current | null): void {
    this.#watchMs = config.revisions.watchMs;
    const { revisions, log } = this.#deps;
    if (this.#watchMs === 0 || !revisions.isFromSources) this.#guard.end(nowMs());
    this.#guarded = this.#watchMs === 0 ? null : guardedCells(snapshot, config, this.#guarded);
    this.#guard.follow(this.#guarded?.routes ?? [], nowMs());
    if (before === null || this.#watchMs === 0 || !revisions.isFromSources) return;
    // Endpoints that were found come and go without a revision.
    if (before.intended === config) return;
    const changed = changedRoutes(before.intended, config);
    if (changed.size === 0) return;
    const watched = this.#guard.begin(changed, before.intended, nowMs());
    this.#isWatching = this.#guard.watching.length > 0;
    log.info('config_watched', { revision: revisions.number, watched, unwatched: changed.size - watched });
  }

  /** One turn of the loop. */
  turn(atMs: number): void {
    if (this.#watchMs === 0) return;
    const conviction = this.#guard.turn(atMs, this.#watchMs);
    if (conviction !== null) this.#revert(conviction);
    if (!this.#isWatching || this.#guard.watching.length > 0) return;
    this.#isWatching = false;
    this.#deps.revisions.unwatched();
  }

  #revert({ base, certificate, ...conviction }: Conviction<Config>): void {
    const { log, revisions, reverted } = this.#deps;
    const config = revisions.current?.intended as Config;
    const { revision = 0, hash: from = '' } = revisions.current?.snapshot ?? {};
    // Its lookups are open still, so that nobody waits for them.
    const reverting = revisions.revert(base, conviction.sentence);
    this.#guard.end(nowMs());
    const failed = (because: string): void => {
      this.#failed = { config, at: wallTime(), sentence: conviction.sentence, because };
      log.error('config_not_reverted', { ...conviction, because });
    };
    const ended = (because: string): void => {
      if (because !== '') return failed(because);
      log.error('config_reverted', { ...conviction });
      const to = revisions.current?.snapshot.hash ?? '';
      return reverted({ kind: 'revert', trigger: 'evidence', revision, from, to, ...conviction, certificate });
    };
    reverting.then(ended, (error: unknown) => failed(error instanceof Error ? error.message : String(error)));
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
