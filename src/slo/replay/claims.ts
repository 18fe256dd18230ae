/**
 * What a recorded request is to the objectives of routes and services, as the recorder and the engine count it: whose event it is, and
 * whether it was good, bad or late.
 *
 * A route's events are what its users saw. A service's are those of the routes that lead to it alone; on a route that it shares, what
 * its versions did there. A request that was rescued failed on its canary, whatever its user saw. (docs/reasons.md, snapshot/objectives.ts)
 */

import { effectOf, hasPath } from '../../model/sli.ts';
import type { RecordedRequest } from '../../model/threads/load/traffic.ts';

/** What is known of a route. */
export interface RouteShape {
  readonly ignorePaths: ReadonlySet<string>;
  /** The service that all its versions are of; null: there are several. */
  readonly service: string | null;
  /** Of these the service of each version; null where two services have a version of that name. */
  readonly services: ReadonlyMap<string, string | null>;
}

/** A route or service with objectives. */
export interface Claimant {
  /** `route/checkout` */
  readonly key: string;
  /** Latency threshold in ms; Infinity without one. */
  readonly slowMs: number;
}

/** One request as one claimant counts it. */
export interface Claim<T extends Claimant> {
  readonly of: T;
  /** null: it counts for nothing. */
  readonly outcome: 'good' | 'late' | 'bad' | null;
}

/** Whose requests are, by the shapes of the routes; without these by what the requests say themselves. */
export class Claims<T extends Claimant> {
  readonly #byKey: ReadonlyMap<string, T>;
  readonly #routes: ReadonlyMap<string, RouteShape>;

  constructor(claimants: readonly T[], routes: ReadonlyMap<string, RouteShape>) {
    this.#byKey = new Map(claimants.map((one) => [one.key, one]));
    this.#routes = routes;
  }

  /** Those that the request is an event of, at most two. */
  of(request: RecordedRequest): Claim<T>[] {
    const shape = request.route === null ? undefined : this.#routes.get(request.route);
    const isIgnored = request.path !== null && shape !== undefined && hasPath(shape.ignorePaths, request.path);
    const own = request.route === null ? undefined : this.#byKey.get(`route/${request.route}`);
    const { service, isShared } = serviceOf(request, shape);
    const its = service === null ? undefined : this.#byKey.get(`service/${service}`);
    const slowMs = (own ?? its)?.slowMs ?? Number.POSITIVE_INFINITY;
    return [own, its].flatMap((claimant) => {
      if (claimant === undefined) return [];
      const forVersion = isShared && claimant === its;
      return { of: claimant, outcome: isIgnored ? null : outcomeOf(request, claimant, { slowMs, forVersion }) };
    });
  }
}

function serviceOf(
  { service, version, rescuedFrom }: RecordedRequest,
  shape: RouteShape | undefined,
): { readonly service: string | null; readonly isShared: boolean } {
  const alone = service ?? shape?.service ?? null;
  if (alone !== null || shape === undefined) return { service: alone, isShared: false };
  return { service: shape.services.get(rescuedFrom ?? version ?? '') ?? null, isShared: true };
}

/** @param slowMs of the route: who waited longer for an answer and left has voted */
function outcomeOf(
  { status, reason, durationMs, rescuedFrom }: RecordedRequest,
  claimant: Claimant,
  { slowMs, forVersion }: { readonly slowMs: number; readonly forVersion: boolean },
): Claim<Claimant>['outcome'] {
  if (forVersion && rescuedFrom !== null) return 'bad';
  const tookMs = durationMs ?? 0;
  const effect = effectOf(reason, status, tookMs > slowMs, forVersion);
  if (effect !== 'good') return effect === 'bad' ? 'bad' : null;
  return tookMs > claimant.slowMs ? 'late' : 'good';
}
