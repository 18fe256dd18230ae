/**
 * Finds the rule of a request: host, path, method, header fields, query parameters. Hot path.
 *
 * The tables are built once per snapshot. A request looks up its exact host, then wildcards from the longest suffix, then
 * the routes for any host; within a host the exact path, then prefixes from the longest, then regular expressions. Where
 * no rule of a path has its conditions met, the next path is tried, then the next host. The cost does not depend on the
 * number of routes, with one exception: the regular expressions of a host are tried one after another, and only when no
 * path or prefix of that host took the request.
 * Source: Gateway API v1 HTTPRoute, "match precedence"; it leaves the place of regular expressions to implementations.
 */

import { literalStart, type Pattern } from '../../lib/pattern.ts';
import type { RouteMatch } from '../../model/config.ts';
import type { FieldTable } from '../http1/fields/field-table.ts';
import type { NameTable } from '../http1/fields/names.ts';
import { QueryParameters } from './query.ts';
import {
  type Asked,
  byPrecedence,
  holds,
  linkPattern,
  linkRule,
  type Rule,
  RuleList,
  withoutFinalSlash,
} from './rules.ts';
import type { LinkedRoute } from './table.ts';

const SLASH = 47;

/** What routing looks at, besides path and method. */
export interface Routable {
  /** Lower-case, without port. */
  readonly host: string;
  /** Path and query. */
  readonly target: string;
  readonly fields: FieldTable;
}

interface PatternRule {
  /** The pattern matches only paths that begin so. */
  readonly start: string;
  readonly pattern: Pattern;
  readonly rule: Rule;
}

/** The rules of one host pattern. */
class PathIndex {
  /** While the table is being built. */
  readonly pending: { readonly path: RouteMatch['path']; readonly rule: Rule }[] = [];
  exact = new Map<string, RuleList>();
  hasExact = false;
  /** By prefix without its final slash. */
  prefix = new Map<string, RuleList>();
  /** 1 where a prefix of that length exists. */
  hasLength = new Uint8Array(0);
  patterns: readonly PatternRule[] = [];

  seal(): void {
    this.exact = listsOf(this.pending, 'Exact');
    this.hasExact = this.exact.size > 0;
    this.prefix = listsOf(this.pending, 'PathPrefix');
    const lengths = [...new Set([...this.prefix.keys()].map((key) => key.length))];
    this.hasLength = new Uint8Array(lengths.length === 0 ? 0 : Math.max(...lengths) + 1);
    for (const length of lengths) this.hasLength[length] = 1;
    this.patterns = this.pending
      .filter(({ path }) => path.type === 'RegularExpression')
      .map(({ path, rule }) => ({ start: literalStart(path.value), pattern: linkPattern(path.value), rule }))
      .toSorted((a, b) => byPrecedence(a.rule, b.rule));
    this.pending.length = 0;
  }
}

export class Router {
  readonly #names: NameTable;
  readonly #query = new QueryParameters();
  readonly #hosts = new Map<string, PathIndex>();
  /** Key `.example.com` for `*.example.com`. */
  readonly #wildcards = new Map<string, PathIndex>();
  readonly #anyHost = new PathIndex();
  /** What the conditions of the request under way look at: one object for all requests. */
  readonly #asked: { fields: FieldTable; readonly query: QueryParameters } = {
    fields: null as unknown as FieldTable,
    query: this.#query,
  };
  #ruleCount = 0;

  constructor(names: NameTable) {
    this.#names = names;
  }

  /** Adds a route's rules; call `seal` after the last. */
  add(route: LinkedRoute, hostnames: readonly string[], matches: readonly RouteMatch[]): void {
    const indexes = hostnames.length === 0 ? [this.#anyHost] : hostnames.map((host) => this.#indexOf(host));
    const ids = { names: this.#names, query: this.#query };
    for (const match of matches) {
      const rule = linkRule(route, match, this.#ruleCount++, ids);
      for (const index of indexes) index.pending.push({ path: match.path, rule });
    }
  }

  /** Builds the tables in which requests are looked up. */
  seal(): void {
    for (const index of [this.#anyHost, ...this.#hosts.values(), ...this.#wildcards.values()]) index.seal();
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
    this.#query.start(request.target);
    const exact = this.#hosts.get(host);
    const rule = exact === undefined ? null : matchPath(exact, path, method, asked);
    if (rule !== null) return rule;
    if (this.#wildcards.size > 0) {
      for (let dot = host.indexOf('.', 1); dot > 0; dot = host.indexOf('.', dot + 1)) {
        const index = this.#wildcards.get(host.slice(dot));
        const found = index === undefined ? null : matchPath(index, path, method, asked);
        if (found !== null) return found;
      }
    }
    return matchPath(this.#anyHost, path, method, asked);
  }

  #indexOf(host: string): PathIndex {
    const isWildcard = host.startsWith('*.');
    const map = isWildcard ? this.#wildcards : this.#hosts;
    const key = isWildcard ? host.slice(1) : host;
    let index = map.get(key);
    if (index === undefined) {
      index = new PathIndex();
      map.set(key, index);
    }
    return index;
  }
}

function listsOf(pending: PathIndex['pending'], type: 'Exact' | 'PathPrefix'): Map<string, RuleList> {
  const rules = new Map<string, Rule[]>();
  for (const { path, rule } of pending) {
    if (path.type !== type) continue;
    const key = type === 'Exact' ? path.value : withoutFinalSlash(path.value);
    const list = rules.get(key);
    if (list === undefined) rules.set(key, [rule]);
    else list.push(rule);
  }
  return new Map([...rules].map(([key, list]) => [key, new RuleList(list)]));
}

function matchPath(index: PathIndex, path: string, method: string, asked: Asked): Rule | null {
  const exact = index.hasExact ? index.exact.get(path) : undefined;
  if (exact !== undefined) {
    const rule = exact.match(method, asked);
    if (rule !== null) return rule;
  }
  const { hasLength } = index;
  for (let end = Math.min(path.length, hasLength.length - 1); end >= 0; end--) {
    // A prefix ends where the path does, or before a slash.
    if (hasLength[end] === 0 || (end < path.length && path.charCodeAt(end) !== SLASH)) continue;
    const rules = index.prefix.get(end === path.length ? path : path.slice(0, end));
    const rule = rules === undefined ? null : rules.match(method, asked);
    if (rule !== null) return rule;
  }
  return index.patterns.length === 0 ? null : matchPattern(index.patterns, path, method, asked);
}

function matchPattern(patterns: readonly PatternRule[], path: string, method: string, asked: Asked): Rule | null {
  for (const { start, pattern, rule } of patterns) {
    if (rule.method !== null && rule.method !== method) continue;
    if (path.startsWith(start) && holds(rule, asked) && pattern.matches(path)) return rule;
  }
  return null;
}
