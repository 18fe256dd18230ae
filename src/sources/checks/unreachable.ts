/**
 * Finds matches that no request can ever get to.
 *
 * On one host exact paths come first, then prefixes from the longest, then regular expressions in the order of precedence.
 * So an expression is out of reach behind a prefix of every path that it can match, and behind an earlier one that matches
 * everything, if their conditions hold whenever its own do. Known is what a pattern begins with, not all that it matches:
 * what is reported is out of reach, what is not may be.
 *
 * Conditions are compared as a whole: weaker than those of a match are none, its method alone, its fields alone. Fewer of
 * its fields would be as well, but that would take a search. Cost: O(matches x hosts x segments of the path), for 10,000
 * routes as for ten.
 * Source: docs/routing.md, "Which route".
 */

import { literalStart } from '../../lib/pattern.ts';
import type { RouteMatch } from '../../model/config.ts';
import { buildHostnames, buildMatches } from '../build/route.ts';
import { quote } from '../problems/fault.ts';
import type { Path, Report } from '../problems/report.ts';
import type { DocumentInput, RouteInput } from '../schema.ts';

/** Methods that never get to a route. */
const REFUSED = new Set(['CONNECT', 'TRACE', 'PRI']);
/** Patterns that match every path. */
const EVERYTHING = /^\^?\/?\.\*\$?$/;

/** One match where it stands in the document. */
interface Placed {
  readonly match: RouteMatch;
  readonly path: Path;
  readonly hosts: readonly string[];
  readonly order: number;
}

/** The first match of a host, path and conditions, by `keyOf`. */
type Takers = ReadonlyMap<string, Placed>;

/** Reports matches that take no request. The document must be sound. */
export function warnOfUnreachable({ routes }: DocumentInput, report: Report): void {
  if (!routes.some(hasMatchOutOfReach)) return;
  const placed: Placed[] = [];
  for (const [index, route] of routes.entries()) placed.push(...placesOf(route, ['routes', index], placed.length));
  const takers = takersOf(placed);
  for (const one of placed) {
    const { method } = one.match;
    if (method !== null && REFUSED.has(method)) {
      const fault = { kind: 'unreachable', expected: 'a method that is forwarded', got: quote(method) } as const;
      report.add([...one.path, 'method'], fault);
      continue;
    }
    const taker = one.match.path.type === 'RegularExpression' ? takerOf(one, takers) : undefined;
    if (taker === undefined) continue;
    const expected = 'a pattern that nothing else takes the paths of';
    const got = `${quote(one.match.path.value)}, after ${report.nameOf(taker.path)}`;
    const hint = 'regular expressions are asked last on a host';
    report.add([...one.path, 'path', 'value'], { kind: 'unreachable', expected, got, hint });
  }
}

/** Whether a route has a match that could be out of reach. */
function hasMatchOutOfReach(route: RouteInput): boolean {
  return route.matches?.some(({ method = '', path }) => isLookedAt(method, path?.type)) === true;
}

/** Whether a match could be out of reach. @param method empty: any */
export function isLookedAt(method: string, path: RouteMatch['path']['type'] | undefined): boolean {
  return REFUSED.has(method) || path === 'RegularExpression';
}

function placesOf(route: RouteInput, path: Path, from: number): Placed[] {
  const hostnames = buildHostnames(route);
  const hosts = hostnames.length === 0 ? [''] : hostnames;
  return buildMatches(route).map((match, index) => {
    const own = route.matches === undefined ? path : [...path, 'matches', index];
    return { match, path: own, hosts, order: from + index };
  });
}

function takersOf(placed: readonly Placed[]): Takers {
  const takers = new Map<string, Placed>();
  for (const one of placed) {
    const [conditions = ''] = conditionsOf(one.match);
    for (const host of one.hosts) {
      const key = keyOf(host, pathOf(one.match.path), conditions);
      if (!takers.has(key)) takers.set(key, one);
    }
  }
  return takers;
}

/** What takes everything that the pattern could, on each of its hosts; on the first of them if these differ. */
function takerOf(one: Placed, takers: Takers): Placed | undefined {
  const found = one.hosts.map((host) => takerOn(host, one, takers));
  return found.every((taker) => taker !== undefined) ? found[0] : undefined;
}

function takerOn(host: string, one: Placed, takers: Takers): Placed | undefined {
  const conditions = conditionsOf(one.match);
  for (const path of pathsOver(one.match.path.value)) {
    for (const condition of conditions) {
      const taker = takers.get(keyOf(host, path, condition));
      if (taker !== undefined) return taker;
    }
  }
  // Of two patterns the one with fewer conditions comes later, whatever the order of the document.
  const first = takers.get(keyOf(host, EVERY_PATH, conditions[0] as string));
  return first !== undefined && first.order < one.order ? first : undefined;
}

function keyOf(host: string, path: string, conditions: string): string {
  return `${host} ${path} ${conditions}`;
}

const EVERY_PATH = 'RegularExpression';

function pathOf({ type, value }: RouteMatch['path']): string {
  if (type === 'RegularExpression') return EVERYTHING.test(value) ? EVERY_PATH : `${EVERY_PATH} ${value}`;
  return `${type} ${value}`;
}

/** Prefixes and paths that take every path which a pattern can match. */
function pathsOver(pattern: string): string[] {
  const start = literalStart(pattern);
  const paths = ['PathPrefix /'];
  for (let slash = start.indexOf('/', 1); slash > 0; slash = start.indexOf('/', slash + 1)) {
    paths.push(`PathPrefix ${start.slice(0, slash)}`);
  }
  if (pattern.replace(/^\^|\$$/g, '') === start) {
    paths.push(`PathPrefix ${start}`, `Exact ${start}`);
  }
  return paths;
}

/** By match: those of 10,000 routes are asked for at every change of one. */
const conditionsByMatch = new WeakMap<RouteMatch, readonly string[]>();

/** The conditions of a match, then weaker ones: each holds whenever the first do. */
function conditionsOf(match: RouteMatch): readonly string[] {
  const known = conditionsByMatch.get(match) ?? makeConditions(match);
  conditionsByMatch.set(match, known);
  return known;
}

function makeConditions({ method, headers, query }: RouteMatch): string[] {
  const sorted = (fields: RouteMatch['headers']): string[] =>
    fields.map(({ name, type, value }) => JSON.stringify([name, type, value])).toSorted();
  const none = sorted([]);
  const own = [method, sorted(headers), sorted(query)];
  const all = [own, [null, ...own.slice(1)], [method, none, none], [null, none, none]];
  return [...new Set(all.map((conditions) => JSON.stringify(conditions)))];
}
