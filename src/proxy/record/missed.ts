/**
 * Keeps a bad and a late request of each route that had some, until they are handed over with the next batch of the access log,
 * whether that is on or not: for people who are told of a missed objective. Off the hot path: asked of errors and late answers only.
 */

import type { Effect } from '../../model/reason.ts';
import type { SampleRow } from '../../model/threads/requests/samples.ts';
import type { LinkedRoute } from '../decide/table.ts';
import type { Exchange } from '../exchange.ts';
import { waitedMs } from './streaming.ts';

/** Routes of one batch. */
export const ROUTES_MAX = 64;

/** The first of either kind. */
interface Missed {
  bad: SampleRow | null;
  late: SampleRow | null;
}

export class MissedRequests {
  readonly #byRoute = new Map<string, Missed>();

  /**
   * An exchange with an error, or a late one, is over. Cost for those that are not the first of their route: a look-up.
   * @param effect what its users saw
   */
  note(x: Exchange, effect: Effect, isLate: boolean): void {
    if (x.route === null || x.requestId === '' || (effect !== 'bad' && !(isLate && effect === 'good'))) return;
    let missed = this.#byRoute.get(x.route.name);
    if (missed === undefined) {
      if (this.#byRoute.size === ROUTES_MAX) return;
      missed = { bad: null, late: null };
      this.#byRoute.set(x.route.name, missed);
    }
    if (effect === 'bad') missed.bad ??= sampleOf(x, false);
    else missed.late ??= sampleOf(x, true);
  }

  get isEmpty(): boolean {
    return this.#byRoute.size === 0;
  }

  /** What there is, to be handed over: it is kept no longer. */
  take(): SampleRow[] {
    const rows: SampleRow[] = [];
    for (const { bad, late } of this.#byRoute.values()) {
      if (bad !== null) rows.push(bad);
      if (late !== null) rows.push(late);
    }
    this.#byRoute.clear();
    return rows;
  }
}

function sampleOf(x: Exchange, isLate: boolean): SampleRow {
  const { route, split, requestId, endedAtMs, startedAtMs, status, reason } = x;
  const version = split === null ? null : split.version;
  const latencyMs = x.retrying === null ? endedAtMs - startedAtMs : waitedMs(x);
  return [(route as LinkedRoute).name, requestId, version, endedAtMs, latencyMs, status, reason, isLate];
}
