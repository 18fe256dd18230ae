/**
 * Finds the rule of a request: host, path, method, header fields, query parameters. Hot path.
 *
 * The tables never change: another snapshot gets a router of its own, which shares what is not touched by the routes that came
 * and went. A request looks up its exact host, then wildcards from the longest suffix, then
 * the routes for any host; within a host the exact path, then prefixes from the longest, then regular expressions. Where
 * no rule of a path has its conditions met, the next path is tried, then the next host. The cost does not depend on the
 * number of routes, with one exception: the regular expressions of a host are tried one after another, and only when no
 * path or prefix of that host took the request.
 * A request line that came lately keeps its rule, where nothing but method and path decided (HTTP/1.1, `http1/fields/known-lines.ts`).
 * Source: Gateway API v1 HTTPRoute, "match precedence"; it leaves the place of regular expressions to implementations.
 */

import { literalStart, type Pattern } from '../../lib/pattern.ts';
import type { RouteMatch } from '../../model/config.ts';
import type { FieldTable } from '../http1/fields/field-table.ts';
import type { KnownLine } from '../http1/fields/known-lines.ts';
import type { NameTable } from '../http1/fields/names.ts';
import { QueryParameters } from './query.ts';
import {
  type Asked,
  byPrecedence,
  holds,
  linkPattern,
  linkRule,
  type OrderOf,
  type Rule,
  RuleList,
  withoutFinalSlash,
} from './rules.ts';
import type { LinkedRoute } from './table.ts';

const SLASH = 47;
const DOT = 46;

/** What routing looks at, besides path and method. */
export interface Routable {
  /** Lower-case, without port. */
  readonly host: string;
  /** Path and query. */
  readonly target: string;
  readonly method: string;
  /** Normalized. */
  readonly path: string;
  /** What is known of method and target, if they came lately. */
  readonly line: KnownLine | null;
  readonly fields: FieldTable;
}

interface PatternRule {
  /** The pattern matches only paths that begin so. */
  readonly start: string;
  readonly pattern: Pattern;
  readonly rule: Rule;
}

/** The rules of one host pattern. */
interface PathIndex {
  /** Unique for the life of the thread: rules that are kept with request lines are of the index with this number. */
  readonly number: number;
  readonly exact: ReadonlyMap<string, RuleList>;
  readonly hasExact: boolean;
  /** By prefix without its final slash. */
  readonly prefix: ReadonlyMap<string, RuleList>;
  /** 1 where a prefix of that length exists. */
  readonly hasLength: Uint8Array;
  readonly patterns: readonly PatternRule[];
}

let lastNumber = 0;

const NO_PATHS: PathIndex = {
  number: 0,
  exact: new Map(),
  hasExact: false,
  prefix: new Map(),
  hasLength: new Uint8Array(0),
  patterns: [],
};

interface AskedPath extends Asked {
  /** Of the path that is asked for, and with what it is asked. */
  readonly line: KnownLine | null;
}

/** A route with what leads to it. */
export interface Placed {
  readonly route: LinkedRoute;
  readonly hostnames: readonly string[];
  readonly matches: readonly RouteMatch[];
}

/** Routes that came and went. */
export interface RouteChanges {
  readonly dropped: readonly Placed[];
  readonly added: readonly Placed[];
  /** Of routes that are there afterwards. */
  readonly orderOf: OrderOf;
}

/** What happens to the rules of one host pattern. */
interface Touch {
  readonly dropped: { readonly path: RouteMatch['path'] }[];
  readonly added: { readonly path: RouteMatch['path']; readonly rule: Rule }[];
}

export class Router {
  readonly #names: NameTable;
  readonly #query: QueryParameters;
  /** Key `.example.com` for `*.example.com`, empty for any host. */
  readonly #indexes: ReadonlyMap<string, PathIndex>;
  readonly #anyHost: PathIndex;
  readonly #hasWildcards: boolean;
  /** What the conditions of the request under way look at: one object for all requests. */
  readonly #asked: { fields: FieldTable; line: KnownLine | null; readonly query: QueryParameters };

  private constructor(names: NameTable, query: QueryParameters, indexes: ReadonlyMap<string, PathIndex>) {
    this.#names = names;
    this.#query = query;
    this.#indexes = indexes;
    this.#anyHost = indexes.get('') ?? NO_PATHS;
    this.#hasWildcards = [...indexes.keys()].some((key) => key.startsWith('.'));
    this.#asked = { fields: null as unknown as FieldTable, line: null, query };
  }

  /** A router without routes. */
  static empty(names: NameTable): Router {
    return new Router(names, new QueryParameters(), new Map());
  }

  /**
   * The router of another snapshot. Names of query parameters are never forgotten: where they change, begin with an empty one.
   * Cost: O(hosts, and paths of the touched hosts) to copy, plus the rules of the touched paths.
   */
  changed({ dropped, added, orderOf }: RouteChanges): Router {
    const touches = new Map<string, Touch>();
    for (const { hostnames, matches } of dropped) {
      for (const key of keysOf(hostnames)) for (const { path } of matches) touchOf(touches, key).dropped.push({ path });
    }
    const ids = { names: this.#names, query: this.#query };
    for (const { route, hostnames, matches } of added) {
      const rules = matches.map((match, place) => ({ path: match.path, rule: linkRule(route, match, place, ids) }));
      for (const key of keysOf(hostnames)) touchOf(touches, key).added.push(...rules);
    }
    const gone = new Set(dropped.map(({ route }) => route));
    const indexes = new Map(this.#indexes);
    for (const [key, touch] of touches) {
      const index = changedIndex(indexes.get(key) ?? NO_PATHS, touch, { gone, orderOf });
      if (index === null) indexes.delete(key);
      else indexes.set(key, index);
    }
    return new Router(this.#names, this.#query, indexes);
  }

  /**
   * The rule that takes a request, or null. `path` is normalized.
   * Cost: O(labels of the host × length of the longest prefix), looked up only where a prefix ends at a slash of the path;
   * plus the candidates of each path (rules.ts).
   */
  match(request: Routable, path: string, method: string): Rule | null {
    const { host } = request;
    const asked = this.#asked;
    asked.fields = request.fields;
    // Another reading of the path leads elsewhere, and so does what a browser asks leave for.
    asked.line = path === request.path && method === request.method ? request.line : null;
    this.#query.start(request.target);
    const isPlain = host !== '' && host.charCodeAt(0) !== DOT;
    const exact = isPlain ? this.#indexes.get(host) : undefined;
    const rule = exact === undefined ? null : matchPath(exact, path, method, asked);
    if (rule !== null) return rule;
    if (this.#hasWildcards) {
      for (let dot = host.indexOf('.', 1); dot > 0; dot = host.indexOf('.', dot + 1)) {
        const index = this.#indexes.get(host.slice(dot));
        const found = index === undefined ? null : matchPath(index, path, method, asked);
        if (found !== null) return found;
      }
    }
    return matchPath(this.#anyHost, path, method, asked);
  }
}

/** Keys of the hosts that a route is for. */
function keysOf(hostnames: readonly string[]): readonly string[] {
  if (hostnames.length === 0) return [''];
  return hostnames.map((host) => (host.startsWith('*.') ? host.slice(1) : host));
}

function touchOf(touches: Map<string, Touch>, key: string): Touch {
  const known = touches.get(key);
  if (known !== undefined) return known;
  const made: Touch = { dropped: [], added: [] };
  touches.set(key, made);
  return made;
}

interface Change {
  readonly gone: ReadonlySet<LinkedRoute>;
  readonly orderOf: OrderOf;
}

/** Null: nothing is left. */
function changedIndex(index: PathIndex, touch: Touch, change: Change): PathIndex | null {
  const exact = changedLists(index.exact, listsOf(touch, 'Exact'), change);
  const prefix = changedLists(index.prefix, listsOf(touch, 'PathPrefix'), change);
  const patterns = changedPatterns(index.patterns, touch, change);
  if (exact.size + prefix.size + patterns.length === 0) return null;
  const hasLength = prefix === index.prefix ? index.hasLength : lengthsOf(prefix.keys());
  return { number: ++lastNumber, exact, hasExact: exact.size > 0, prefix, hasLength, patterns };
}

/** The paths of a type that are touched, with what comes to them. */
function listsOf({ dropped, added }: Touch, type: 'Exact' | 'PathPrefix'): ReadonlyMap<string, Rule[]> {
  const keyOf = (value: string): string => (type === 'Exact' ? value : withoutFinalSlash(value));
  const lists = new Map<string, Rule[]>();
  for (const { path } of dropped) if (path.type === type) lists.set(keyOf(path.value), []);
  for (const { path, rule } of added) {
    if (path.type !== type) continue;
    const key = keyOf(path.value);
    const list = lists.get(key);
    if (list === undefined) lists.set(key, [rule]);
    else list.push(rule);
  }
  return lists;
}

/** The same map where nothing is touched. */
function changedLists(
  lists: ReadonlyMap<string, RuleList>,
  touched: ReadonlyMap<string, readonly Rule[]>,
  { gone, orderOf }: Change,
): ReadonlyMap<string, RuleList> {
  if (touched.size === 0) return lists;
  const after = new Map(lists);
  for (const [key, added] of touched) {
    const kept = lists.get(key)?.rules.filter(({ route }) => !gone.has(route)) ?? [];
    if (kept.length + added.length === 0) after.delete(key);
    else after.set(key, new RuleList([...kept, ...added], orderOf));
  }
  return after;
}

function lengthsOf(keys: Iterable<string>): Uint8Array {
  const lengths = new Set<number>();
  for (const { length } of keys) lengths.add(length);
  const hasLength = new Uint8Array(lengths.size === 0 ? 0 : Math.max(...lengths) + 1);
  for (const length of lengths) hasLength[length] = 1;
  return hasLength;
}

function changedPatterns(
  patterns: readonly PatternRule[],
  { dropped, added }: Touch,
  { gone, orderOf }: Change,
): readonly PatternRule[] {
  const isPattern = ({ path }: Touch['dropped'][number]): boolean => path.type === 'RegularExpression';
  if (!dropped.some(isPattern) && !added.some(isPattern)) return patterns;
  const come = added.filter(isPattern).map(({ path, rule }) => {
    return { start: literalStart(path.value), pattern: linkPattern(path.value), rule };
  });
  const first = byPrecedence(orderOf);
  const kept = patterns.filter(({ rule }) => !gone.has(rule.route));
  return [...kept, ...come].toSorted((a, b) => first(a.rule, b.rule));
}

function matchPath(index: PathIndex, path: string, method: string, asked: AskedPath): Rule | null {
  const { line } = asked;
  // Of thousands of routes hardly anything is in the core's cache: what is kept with the line saves some ten looks into memory.
  if (line !== null && line.ruleOf === index.number) return line.rule;
  // By method and path alone, as long as every list that was asked is plain.
  let isByLine = true;
  const exact = index.hasExact ? index.exact.get(path) : undefined;
  if (exact !== undefined) {
    isByLine = exact.isPlain;
    const rule = exact.match(method, asked);
    if (rule !== null) return isByLine ? keepRule(line, index, rule) : rule;
  }
  const { hasLength } = index;
  for (let end = Math.min(path.length, hasLength.length - 1); end >= 0; end--) {
    // A prefix ends where the path does, or before a slash.
    if (hasLength[end] === 0 || (end < path.length && path.charCodeAt(end) !== SLASH)) continue;
    const rules = index.prefix.get(end === path.length ? path : path.slice(0, end));
    if (rules === undefined) continue;
    isByLine &&= rules.isPlain;
    const rule = rules.match(method, asked);
    if (rule !== null) return isByLine ? keepRule(line, index, rule) : rule;
  }
  return index.patterns.length === 0 ? null : matchPattern(index.patterns, path, method, asked);
}

/** Keeps with a line that comes again which rule of the index takes it, whatever else is asked. */
function keepRule(line: KnownLine | null, index: PathIndex, rule: Rule): Rule {
  if (line !== null) {
    line.ruleOf = index.number;
    line.rule = rule;
  }
  return rule;
}

function matchPattern(patterns: readonly PatternRule[], path: string, method: string, asked: Asked): Rule | null {
  for (const { start, pattern, rule } of patterns) {
    if (rule.method !== null && rule.method !== method) continue;
    if (path.startsWith(start) && holds(rule, asked) && pattern.matches(path)) return rule;
  }
  return null;
}
