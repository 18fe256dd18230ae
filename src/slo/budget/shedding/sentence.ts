/**
 * Says in one sentence with numbers in which order a version refuses requests, and what it has refused.
 */

import { PRIORITIES, type Priority } from '../../../model/overload.ts';
import { STANDING_CANARY } from '../../../model/threads/load/standing.ts';

/** A route at a version, as it stands. */
export interface Standee {
  readonly route: string;
  readonly priority: Priority;
  readonly standing: number;
  readonly remainingRatio: number | null;
  readonly isBurning: boolean;
}

/** Routes that are named of those that stand alike. */
const NAMES_MAX = 3;

/**
 * `of default requests to shop/v1, those of search (92 % of its budget left) go first, those of checkout (4 %) last`
 * @param curbing routes for whose sake best-effort requests are held back
 */
export function orderSentence(version: string, standees: readonly Standee[], curbing: readonly string[]): string {
  const clauses = PRIORITIES.toReversed().flatMap((priority) => clauseOf(version, priority, standees));
  if (curbing.length > 0) {
    const burns = curbing.length === 1 ? 'burns its budget' : 'burn their budgets';
    clauses.push(
      `best-effort requests to ${version} get at most half of its places, as ${listOf(curbing)} ${burns} fast`,
    );
  }
  if (clauses.length > 0) return clauses.join('; ');
  return `requests to ${version} go by priority, those of one priority alike whatever their route`;
}

/** `92 % of its budget left`, as one reads it of a route. */
export function leftPhrase({ remainingRatio, isBurning }: Pick<Standee, 'remainingRatio' | 'isBurning'>): string {
  if (remainingRatio === null) return 'no budget to lose';
  const left = remainingRatio < 0 ? 'its budget is overspent' : `${percent(remainingRatio)} of its budget left`;
  return isBurning ? `${left}, burning fast` : left;
}

/** `shop/v1 refused 340 requests in 42 s: 300 default, 40 best-effort` @param counts by priority */
export function refusedSentence(version: string, counts: readonly number[], forMs: number): string {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const parts = PRIORITIES.flatMap((priority, n) => ((counts[n] ?? 0) > 0 ? [`${counts[n]} ${priority}`] : []));
  const what = total === 1 ? 'request' : 'requests';
  return `${version} refused ${total} ${what} in ${Math.max(1, Math.round(forMs / 1000))} s: ${parts.join(', ')}`;
}

/** Nothing where all of a priority stand alike. */
function clauseOf(version: string, priority: Priority, standees: readonly Standee[]): string[] {
  const own = standees.filter((standee) => standee.priority === priority);
  const levels = [...new Set(own.map(({ standing }) => standing))].toSorted((a, b) => b - a);
  if (levels.length < 2) return [];
  const groups = levels.map((level, n) => {
    const those = `those of ${namesOf(own.filter(({ standing }) => standing === level))}`;
    if (n === 0) return `${those} go first`;
    return n === levels.length - 1 ? `${those} last` : `then ${those}`;
  });
  return [`of ${priority} requests to ${version}, ${groups.join(', ')}`];
}

function namesOf(standees: readonly Standee[]): string {
  return listOf(
    standees.map((standee) => {
      const { route, standing } = standee;
      return standing === STANDING_CANARY ? `the canary of ${route}` : `${route} (${leftPhrase(standee)})`;
    }),
  );
}

/** `a, b, c and 12 more` */
function listOf(names: readonly string[]): string {
  const more = names.length - NAMES_MAX;
  if (more > 0) return `${names.slice(0, NAMES_MAX).join(', ')} and ${more} more`;
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

/** No part of it that is left is shown as none. */
function percent(ratio: number): string {
  const percents = ratio * 100;
  return percents > 0 && percents < 1 ? '<1 %' : `${Math.round(percents)} %`;
}
