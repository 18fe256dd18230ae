/**
 * Finds the route of a request: host, path, method, headers, by Gateway API precedence. Hot path.
 *
 * The tables are built once per snapshot. A request looks up its exact host, then wildcards from the longest suffix,
 * then the routes for any host; within a host the exact path, then prefixes from the longest. Rules of one path are
 * tried in the order of precedence: with a method before without, more header conditions before fewer, then document
 * order. The cost does not depend on the number of routes.
 * Source: Gateway API v1 HTTPRoute, "match precedence".
 */

import type { RouteMatch } from '../../model/config.ts';
import type { FieldTable } from '../http1/head.ts';
import type { NameTable } from '../http1/names.ts';
import type { LinkedRoute } from './table.ts';

const SLASH = 47;

interface Condition {
  readonly field: number;
  readonly value: string;
}

interface Rule {
  readonly route: LinkedRoute;
  readonly method: string | null;
  readonly headers: readonly Condition[];
}

/** The rules of one host pattern. */
interface PathIndex {
  readonly exact: Map<string, Rule[]>;
  readonly prefix: Map<string, Rule[]>;
  /** Lengths of the prefixes, longest first. */
  prefixLengths: number[];
}

export class Router {
  readonly #names: NameTable;
  readonly #hosts = new Map<string, PathIndex>();
  /** Key `.example.com` for `*.example.com`. */
  readonly #wildcards = new Map<string, PathIndex>();
  readonly #anyHost: PathIndex = { exact: new Map(), prefix: new Map(), prefixLengths: [] };

  constructor(names: NameTable) {
    this.#names = names;
  }

  /** Adds a route's rules; call `seal` after the last. */
  add(route: LinkedRoute, hostnames: readonly string[], matches: readonly RouteMatch[]): void {
    const indexes = hostnames.length === 0 ? [this.#anyHost] : hostnames.map((host) => this.#indexOf(host));
    for (const index of indexes) for (const match of matches) addRule(index, match, this.#rule(route, match));
  }

  /** Sorts rules and prefixes into the order in which they are tried. */
  seal(): void {
    for (const index of [this.#anyHost, ...this.#hosts.values(), ...this.#wildcards.values()]) {
      for (const rules of [...index.exact.values(), ...index.prefix.values()]) rules.sort(byPrecedence);
      index.prefixLengths = [...new Set([...index.prefix.keys()].map((key) => key.length))].sort((a, b) => b - a);
    }
  }

  /** The route, or null. `host` is lower-case without port; `path` is normalized. */
  match(host: string, path: string, method: string, fields: FieldTable): LinkedRoute | null {
    const exact = this.#hosts.get(host);
    if (exact !== undefined) {
      const route = matchPath(exact, path, method, fields);
      if (route !== null) return route;
    }
    if (this.#wildcards.size > 0) {
      for (let dot = host.indexOf('.', 1); dot > 0; dot = host.indexOf('.', dot + 1)) {
        const index = this.#wildcards.get(host.slice(dot));
        const route = index === undefined ? null : matchPath(index, path, method, fields);
        if (route !== null) return route;
      }
    }
    return matchPath(this.#anyHost, path, method, fields);
  }

  #indexOf(host: string): PathIndex {
    const isWildcard = host.startsWith('*.');
    const map = isWildcard ? this.#wildcards : this.#hosts;
    const key = isWildcard ? host.slice(1) : host;
    let index = map.get(key);
    if (index === undefined) {
      index = { exact: new Map(), prefix: new Map(), prefixLengths: [] };
      map.set(key, index);
    }
    return index;
  }

  #rule(route: LinkedRoute, match: RouteMatch): Rule {
    const headers = match.headers.map(({ name, value }) => ({ field: this.#names.idOf(name), value }));
    return { route, method: match.method, headers };
  }
}

function addRule(index: PathIndex, match: RouteMatch, rule: Rule): void {
  const isExact = match.path.type === 'Exact';
  const map = isExact ? index.exact : index.prefix;
  const key = isExact ? match.path.value : match.path.value.replace(/\/+$/, '');
  const rules = map.get(key);
  if (rules === undefined) map.set(key, [rule]);
  else rules.push(rule);
}

/** Array.prototype.sort is stable, so document order decides what this leaves equal. */
function byPrecedence(a: Rule, b: Rule): number {
  const byMethod = Number(b.method !== null) - Number(a.method !== null);
  return byMethod !== 0 ? byMethod : b.headers.length - a.headers.length;
}

function matchPath(index: PathIndex, path: string, method: string, fields: FieldTable): LinkedRoute | null {
  const exact = index.exact.size === 0 ? undefined : index.exact.get(path);
  if (exact !== undefined) {
    const route = matchRules(exact, method, fields);
    if (route !== null) return route;
  }
  for (const length of index.prefixLengths) {
    if (length > path.length || (length < path.length && path.charCodeAt(length) !== SLASH)) continue;
    const rules = index.prefix.get(length === path.length ? path : path.slice(0, length));
    const route = rules === undefined ? null : matchRules(rules, method, fields);
    if (route !== null) return route;
  }
  return null;
}

function matchRules(rules: readonly Rule[], method: string, fields: FieldTable): LinkedRoute | null {
  for (const rule of rules) {
    if (rule.method !== null && rule.method !== method) continue;
    if (rule.headers.length === 0 || matchHeaders(rule.headers, fields)) return rule.route;
  }
  return null;
}

function matchHeaders(conditions: readonly Condition[], fields: FieldTable): boolean {
  for (const { field, value } of conditions) {
    if (fields.value(field) !== value) return false;
  }
  return true;
}
