/**
 * Checks the matches of all routes: none twice, and no field asked for twice in one of them.
 */

import type { RouteConfig, RouteMatch } from '../../../model/config.ts';
import { buildHostnames, buildMatches } from '../../build/route.ts';
import type { Path, Report } from '../../problems/report.ts';
import type { MatchInput, RouteInput } from '../../schema.ts';
import { type Draft, isSound } from '../draft.ts';

/** Reports matches that another one hides, and headers and query parameters that a match has twice. */
export function checkMatches(draft: Draft, report: Report): void {
  const seen = new Map<string, Path>();
  for (const [index, route] of draft.routes.entries()) {
    if (route === null) continue;
    checkTwins(route, ['routes', index], seen, report);
    if (isSound(draft, index)) continue;
    for (const [matchIndex, match] of (route.matches ?? []).entries()) {
      checkFields(match, ['routes', index, 'matches', matchIndex], report);
    }
  }
}

function checkTwins(route: RouteInput, path: Path, seen: Map<string, Path>, report: Report): void {
  for (const [index, keys] of keysOf(route).entries()) {
    const matchPath = route.matches === undefined ? path : [...path, 'matches', index];
    const twin = keys.map((key) => seen.get(key)).find((first) => first !== undefined);
    if (twin !== undefined) {
      const expected = 'a match that no other route has';
      report.add(matchPath, { kind: 'duplicateMatch', expected, got: `the same as ${report.nameOf(twin)}` });
    }
    for (const key of keys) if (!seen.has(key)) seen.set(key, matchPath);
  }
}

type MatchKeys = readonly (readonly string[])[];

/** By route: those of 10,000 are asked for at every change of one. */
const keysByRoute = new WeakMap<RouteInput, MatchKeys>();
/** The same by the list of its matches, which no other route has. */
const keysByMatches = new WeakMap<readonly RouteMatch[], MatchKeys>();

function keysOf(route: RouteInput): MatchKeys {
  const known = keysByRoute.get(route);
  if (known !== undefined) return known;
  const made = matchKeysOf({ hostnames: buildHostnames(route), matches: buildMatches(route) });
  keysByRoute.set(route, made);
  return made;
}

/** What each match of a route says on each host: two that say the same have a key in common. */
export function matchKeysOf({ hostnames, matches }: Pick<RouteConfig, 'hostnames' | 'matches'>): MatchKeys {
  const known = keysByMatches.get(matches);
  if (known !== undefined) return known;
  const hosts = hostnames.length === 0 ? [''] : hostnames;
  const made = matches.map((match) => {
    const rest = keyOf(match);
    return hosts.map((host) => `${host} ${rest}`);
  });
  keysByMatches.set(matches, made);
  return made;
}

function keyOf({ path, method, headers, query }: RouteMatch): string {
  const sorted = (fields: RouteMatch['headers']): string[] =>
    fields.map(({ name, type, value }) => JSON.stringify([name, type, value])).toSorted();
  return JSON.stringify([path.type, path.value, method, sorted(headers), sorted(query)]);
}

function checkFields({ headers = [], queryParams = [] }: MatchInput, path: Path, report: Report): void {
  const headerNames = headers.map(({ name }) => name.toLowerCase());
  for (const at of repeated(headerNames)) {
    const fault = { kind: 'duplicateHeader', expected: 'every header of a match once' } as const;
    report.add([...path, 'headers', at, 'name'], fault);
  }
  for (const at of repeated(queryParams.map(({ name }) => name))) {
    const fault = { kind: 'duplicateQuery', expected: 'every query parameter of a match once' } as const;
    report.add([...path, 'queryParams', at, 'name'], fault);
  }
}

/** Indexes of the names that stood before. */
function repeated(names: readonly string[]): number[] {
  const seen = new Set<string>();
  return names.flatMap((name, index) => {
    const isRepeated = seen.has(name);
    seen.add(name);
    return isRepeated ? [index] : [];
  });
}
