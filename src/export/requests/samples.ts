/**
 * Keeps the newest requests of each route that missed its objectives, so that who is told of a miss can look them up.
 *
 * Workers hand over at most one bad and one slow request of a route with each batch (`proxy/record/access-log.ts`), whether the
 * access log is on or not. Bounded: `SAMPLES_MAX` of each kind, `ROUTES_MAX` routes, of which the one that was heard of least
 * recently makes room.
 */

import { reasonRow } from '../../model/reason.ts';
import {
  type RequestSample,
  type RouteSamples,
  SAMPLES_MAX,
  type SampleRow,
} from '../../model/threads/requests/samples.ts';

/** Routes of which requests are kept: 2 MB at most. */
export const ROUTES_MAX = 1000;

interface Kept {
  readonly bad: RequestSample[];
  readonly slow: RequestSample[];
}

export class Samples {
  readonly #byRoute = new Map<string, Kept>();

  /** @param offsetMs wall clock minus the rows' clock */
  take(rows: readonly SampleRow[], offsetMs: number): void {
    for (const [route, requestId, version, endedAtMs, latencyMs, status, reason, isLate] of rows) {
      const { bad, slow } = this.#kept(route);
      const list = isLate ? slow : bad;
      const at = new Date(endedAtMs + offsetMs).toISOString();
      const told = { status: status === 0 ? null : status, reason: reasonRow(reason).name };
      list.unshift({ requestId, version, at, latencyMs: Math.round(latencyMs * 1000) / 1000, ...told });
      if (list.length > SAMPLES_MAX) list.length = SAMPLES_MAX;
    }
  }

  /** Of every route that had some; the one that was heard of last comes last. */
  list(): RouteSamples[] {
    return [...this.#byRoute].map(([route, { bad, slow }]) => ({ route, bad: [...bad], slow: [...slow] }));
  }

  /** Of one route; null: it had none. */
  of(route: string): RouteSamples | null {
    const kept = this.#byRoute.get(route);
    return kept === undefined ? null : { route, bad: [...kept.bad], slow: [...kept.slow] };
  }

  /** Those of a route, which is the newest from now on. */
  #kept(route: string): Kept {
    const kept = this.#byRoute.get(route) ?? { bad: [], slow: [] };
    this.#byRoute.delete(route);
    this.#byRoute.set(route, kept);
    if (this.#byRoute.size > ROUTES_MAX) this.#byRoute.delete(this.#byRoute.keys().next().value as string);
    return kept;
  }
}
