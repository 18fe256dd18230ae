/**
 * The rules of one path: conditions on method, header fields and query parameters, in the order of precedence. Hot path.
 *
 * Order: with a method before without, more header conditions before fewer, more query conditions before fewer, then the
 * document's order; the first whose conditions hold wins. A short list is walked. In a long one (tenants told apart by a
 * header, say) a rule is filed under one exact value that it asks for, so that a request sees those with its own value
 * and those that ask for none. Cost: O(distinct names filed under + candidates), whatever the number of rules.
 * A repeated header is compared as the list that it means (RFC 9110 section 5.3): `a, b` is neither `a` nor `b`, so that
 * the gateway never goes by the one and the upstream by the other.
 * Source: Gateway API v1 HTTPRouteRule, "matches"; HTTPHeaderMatch; HTTPQueryParamMatch.
 */

import { compilePattern, type Pattern } from '../../lib/pattern.ts';
import type { HeaderMatch, QueryMatch, RouteMatch } from '../../model/config.ts';
import type { FieldTable } from '../http1/fields/field-table.ts';
import type { NameTable } from '../http1/fields/names.ts';
import type { QueryParameters } from './query.ts';
import type { LinkedRoute } from './table.ts';

/** A list up to this length is walked: a lookup costs about as much as so many comparisons. */
const WALKED_MAX = 8;
/** `prefixLength` of rules that take the whole path: Exact and RegularExpression. */
export const WHOLE_PATH = 0x3fff_ffff;

/** A comparison with one value of a request; `id` is a field's or a query parameter's. */
interface Condition {
  readonly id: number;
  /** The value itself; empty with a pattern. */
  readonly value: string;
  readonly pattern: Pattern | null;
}

/** One match of a route, compiled. */
export interface Rule {
  readonly route: LinkedRoute;
  readonly method: string | null;
  readonly headers: readonly Condition[];
  readonly query: readonly Condition[];
  /** How much of the path a prefix takes, without a final slash; else `WHOLE_PATH`. */
  readonly prefixLength: number;
  /** Place among the matches of its route. */
  readonly place: number;
}

/** What the conditions of a rule look at. */
export interface Asked {
  readonly fields: FieldTable;
  readonly query: QueryParameters;
}

/** Compiles a match. @throws Error for a pattern that the checks of a configuration refuse */
export function linkRule(
  route: LinkedRoute,
  match: RouteMatch,
  place: number,
  ids: { readonly names: NameTable; readonly query: QueryParameters },
): Rule {
  const { type, value } = match.path;
  return {
    route,
    method: match.method,
    headers: match.headers.map((header) => linkCondition(header, ids.names.idOf(header.name))),
    query: match.query.map((parameter) => linkCondition(parameter, ids.query.idOf(parameter.name))),
    prefixLength: type === 'PathPrefix' ? withoutFinalSlash(value).length : WHOLE_PATH,
    place,
  };
}

function linkCondition({ type, value }: HeaderMatch | QueryMatch, id: number): Condition {
  return type === 'Exact' ? { id, value, pattern: null } : { id, value: '', pattern: linkPattern(value) };
}

/** A pattern that the checks of a configuration have accepted. @throws Error when they would not */
export function linkPattern(source: string): Pattern {
  const pattern = compilePattern(source);
  if ('fault' in pattern) throw new Error(`the pattern ${source} is not ${pattern.fault}`);
  return pattern;
}

/** `/a/` and `/a` are the same prefix; `/` is the empty one. */
export function withoutFinalSlash(path: string): string {
  return path.replace(/\/+$/, '');
}

/** Place of a route in the document. */
export type OrderOf = (route: LinkedRoute) => number;

/** Which of two rules of the same path is tried first. */
export function byPrecedence(orderOf: OrderOf): (a: Rule, b: Rule) => number {
  return (a, b) => {
    const byMethod = Number(b.method !== null) - Number(a.method !== null);
    if (byMethod !== 0) return byMethod;
    const byFields = b.headers.length - a.headers.length || b.query.length - a.query.length;
    return byFields || orderOf(a.route) - orderOf(b.route) || a.place - b.place;
  };
}

/** Rules that one exact value of a field, or of a query parameter, leads to. */
interface Drawer {
  readonly id: number;
  readonly isQuery: boolean;
  readonly byValue: Map<string, number[]>;
}

/** The rules of one path. */
export class RuleList {
  /** The only one, if it asks for no field and no parameter: what most paths have, without a look at the rest. */
  readonly #only: Rule | null;
  /** In the order of precedence. */
  readonly rules: readonly Rule[];
  /** Indexes of the rules that are filed nowhere, ascending. */
  readonly #loose: number[] = [];
  readonly #drawers: Drawer[] = [];

  constructor(rules: readonly Rule[], orderOf: OrderOf) {
    const [first] = rules;
    const isPlain = rules.length === 1 && first?.headers.length === 0 && first.query.length === 0;
    this.#only = isPlain ? first : null;
    this.rules = rules.toSorted(byPrecedence(orderOf));
    const isLong = rules.length > WALKED_MAX;
    this.rules.forEach((rule, index) => this.#file(rule, index, isLong));
  }

  /** Does nothing but the path and the method of a request decide? */
  get isPlain(): boolean {
    return this.#only !== null;
  }

  /** The first rule whose conditions hold, or null. */
  match(method: string, asked: Asked): Rule | null {
    const only = this.#only;
    if (only !== null) return only.method === null || only.method === method ? only : null;
    let best = this.#firstOf(this.#loose, this.rules.length, method, asked);
    for (const { id, isQuery, byValue } of this.#drawers) {
      const value = isQuery ? asked.query.value(id) : fieldValue(asked.fields, id);
      const indexes = value === null ? undefined : byValue.get(value);
      if (indexes !== undefined) best = this.#firstOf(indexes, best, method, asked);
    }
    return best === this.rules.length ? null : (this.rules[best] as Rule);
  }

  /** The lowest of `indexes` below `limit` whose rule holds, else `limit`. */
  #firstOf(indexes: readonly number[], limit: number, method: string, asked: Asked): number {
    for (const index of indexes) {
      if (index >= limit) return limit;
      const rule = this.rules[index] as Rule;
      if ((rule.method === null || rule.method === method) && holds(rule, asked)) return index;
    }
    return limit;
  }

  #file(rule: Rule, index: number, isLong: boolean): void {
    const header = isLong ? rule.headers.find(({ pattern }) => pattern === null) : undefined;
    const key = header ?? (isLong ? rule.query.find(({ pattern }) => pattern === null) : undefined);
    if (key === undefined) {
      this.#loose.push(index);
      return;
    }
    const { byValue } = this.#drawer(key.id, header === undefined);
    const indexes = byValue.get(key.value);
    if (indexes === undefined) byValue.set(key.value, [index]);
    else indexes.push(index);
  }

  #drawer(id: number, isQuery: boolean): Drawer {
    const known = this.#drawers.find((drawer) => drawer.id === id && drawer.isQuery === isQuery);
    if (known !== undefined) return known;
    const drawer: Drawer = { id, isQuery, byValue: new Map() };
    this.#drawers.push(drawer);
    return drawer;
  }
}

/** Do all conditions of a rule but its method hold? */
export function holds(rule: Rule, asked: Asked): boolean {
  for (const condition of rule.headers) {
    if (!isMet(condition, fieldValue(asked.fields, condition.id))) return false;
  }
  for (const condition of rule.query) {
    if (!isMet(condition, asked.query.value(condition.id))) return false;
  }
  return true;
}

function isMet({ value, pattern }: Condition, actual: string | null): boolean {
  if (actual === null) return false;
  return pattern === null ? actual === value : pattern.matches(actual);
}

function fieldValue(fields: FieldTable, id: number): string | null {
  return fields.seen(id) <= 1 ? fields.value(id) : fields.values(id).join(', ');
}
