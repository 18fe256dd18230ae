/**
 * Checks the matches of all routes: none twice, and no field asked for twice in one of them.
 */

import type { RouteMatch } from '../../model/config.ts';
import { buildHostnames, buildMatches } from '../build/route.ts';
import type { Path, Report } from '../problems/report.ts';
import type { MatchInput, RouteInput } from '../schema.ts';
import type { Draft } from './draft.ts';

/** Reports matches that another one hides, and headers and query parameters that a match has twice. */
export function checkMatches(draft: Draft, report: Report): void {
  const seen = new Map<string, Path>();
  for (const [index, route] of draft.routes.entries()) {
    if (route === null) continue;
    checkTwins(route, ['routes', index], seen, report);
    for (const [matchIndex, match] of (route.matches ?? []).entries()) {
      checkFields(match, ['routes', index, 'matches', matchIndex], report);
    }
  }
}

function checkTwins(route: RouteInput, path: Path, seen: Map<string, Path>, report: Report): void {
  const hostnames = buildHostnames(route);
  for (const [index, match] of buildMatches(route).entries()) {
    const matchPath = route.matches === undefined ? path : [...path, 'matches', index];
    const rest = keyOf(match);
    const keys = (hostnames.length === 0 ? [''] : hostnames).map((hostname) => `${hostname} ${rest}`);
    const twin = keys.map((key) => seen.get(key)).find((first) => first !== undefined);
    if (twin !== undefined) {
      const expected = 'a match that no other route has';
      report.add(matchPath, { kind: 'duplicateMatch', expected, got: `the same as ${report.nameOf(twin)}` });
    }
    for (const key of keys) if (!seen.has(key)) seen.set(key, matchPath);
  }
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
