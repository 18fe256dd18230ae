/**
 * Every name that routes refer to: header fields of conditions and keys, query parameters, fields that filters write.
 *
 * Numbers of names are in all that is linked. A table whose routes refer to the names of the one before takes over what is linked
 * already. Only routes that came or went are asked: the others have the names that they had.
 */

import type { RouteSpec } from '../../../model/snapshot.ts';
import type { Edit } from '../../../model/threads/parsing/edits.ts';
import { namesOf } from '../../filter/header-filter.ts';

/** How many times each name is referred to, by `kind name`. */
export type Vocabulary = ReadonlyMap<string, number>;

export const NO_NAMES: Vocabulary = new Map();

/** The vocabulary after `edits` of the routes that it is of; the same object where they change nothing in it. */
export function changedVocabulary(
  before: Vocabulary,
  routes: readonly RouteSpec[],
  edits: readonly Edit<RouteSpec>[],
): Vocabulary {
  const changes = new Map<string, number>();
  const count = (route: RouteSpec, sign: 1 | -1): void => {
    for (const key of keysOf(route)) changes.set(key, (changes.get(key) ?? 0) + sign);
  };
  let at = 0;
  for (const edit of edits) {
    if ('add' in edit) for (const route of edit.add) count(route, 1);
    else if ('keep' in edit) at += edit.keep;
    else for (const end = at + edit.drop; at < end; at++) count(routes[at] as RouteSpec, -1);
  }
  const changed = [...changes].filter(([, sum]) => sum !== 0);
  if (changed.length === 0) return before;
  const after = new Map(before);
  for (const [key, sum] of changed) {
    const times = (after.get(key) ?? 0) + sum;
    if (times === 0) after.delete(key);
    else after.set(key, times);
  }
  return after;
}

/** Whether two vocabularies have the same names. */
export function hasSameNames(a: Vocabulary, b: Vocabulary): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const key of a.keys()) if (!b.has(key)) return false;
  return true;
}

/** Fields that conditions of a route, of its faults too, user keys, of its experiments too, and idempotency keys are read from. */
export function routedNames({ sticky, matches, idempotency, filters }: RouteSpec): string[] {
  const names: string[] = [];
  if (sticky?.header) names.push(sticky.header);
  for (const match of matches) for (const header of match.headers) names.push(header.name);
  if (idempotency !== undefined) names.push(idempotency.header, ...idempotency.headers);
  for (const { key } of filters.experiments ?? []) if (key?.header) names.push(key.header);
  for (const { match } of filters.faults ?? []) if (match.header !== null) names.push(match.header.name);
  return names;
}

/** Fields that filters and experiments of a route write. */
export function filterNames({ filters: { requestHeaders, responseHeaders, experiments = [] } }: RouteSpec): string[] {
  const request = requestHeaders === null ? [] : namesOf(requestHeaders);
  const response = responseHeaders === null ? [] : namesOf(responseHeaders);
  return [...request, ...response, ...experiments.map(({ header }) => header)];
}

function keysOf(route: RouteSpec): string[] {
  return [
    ...routedNames(route).map((name) => `read ${name}`),
    ...filterNames(route).map((name) => `written ${name}`),
    ...route.matches.flatMap(({ query }) => query.map(({ name }) => `query ${name}`)),
  ];
}
