/**
 * Who is served first when not all can be: the priority of the request, then how its route stands, then the cohort of its
 * user. Hot path.
 *
 * `key = (priority x 5 + standing) x 128 + cohort`, 0..2559, lower is served first. The priority comes from the route, or from
 * a header that only trusted peers may send; never from the body. The standing is the main thread's word on the route's error
 * budget (model/threads/load/standing.ts). A cohort is a 128th of all users, drawn anew every hour: under pressure some users get
 * everything and others nothing, rather than each a page with holes, and in the next hour others.
 * Source: DAGOR (SoCC 2018), business and user priority; docs/overload.md.
 */

import { mix32 } from '../../../lib/hash.ts';
import { PRIORITIES, type Priority } from '../../../model/overload.ts';
import { STANDINGS } from '../../../model/threads/load/standing.ts';

export const COHORTS = 128;
export const KEYS = PRIORITIES.length * STANDINGS * COHORTS;
const HOUR_MS = 3_600_000;
/** Of what says nothing. */
export const PRIORITY_DEFAULT = PRIORITIES.indexOf('default');
/** The one that is refused first. */
export const PRIORITY_LEAST = PRIORITIES.length - 1;

/** Number of a priority, 0 = served first. */
export function rankOf(priority: Priority): number {
  return PRIORITIES.indexOf(priority);
}

/** What a trusted peer says; `otherwise` when it is none of the words. */
export function rankOfWord(word: string | null, otherwise: number): number {
  if (word === null) return otherwise;
  const rank = PRIORITIES.indexOf(word as Priority);
  return rank < 0 ? otherwise : rank;
}

/** Cohort of a user (32 bits) now, 0..127. The hours are the machine's own, the same in all workers. */
export function cohortOf(userKey: number, nowMs: number): number {
  return mix32(userKey ^ mix32(Math.floor(nowMs / HOUR_MS))) & (COHORTS - 1);
}

/** The first key of those who stand alike, in whatever cohorts. */
export function firstAlike(key: number): number {
  return key - (key % COHORTS);
}

/** @param standing of a route at a version; without one all stand alike. Cost: about 60 ns, allocates nothing. */
export function keyOf(rank: number, userKey: number, nowMs: number, standing = 0): number {
  return (rank * STANDINGS + standing) * COHORTS + cohortOf(userKey, nowMs);
}
