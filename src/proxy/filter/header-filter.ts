/**
 * Header modifiers: fields removed, set and added. Hot path.
 *
 * Compiled to the ids of the fields that go and the lines that come, so that applying one costs a few flags and one
 * string. Names are compared as the field table compares them: in any case, and `x_a` never stands for `x-a` because the
 * table drops such aliases. Lines that the gateway writes itself (`X-Forwarded-*`, `X-Request-Id`, `traceparent`, `Date`,
 * CORS …) give way to a modifier as the message's own fields do.
 * Source: Gateway API v1 HTTPHeaderFilter.
 */

import type { HeaderFilter } from '../../model/config.ts';
import type { FieldTable } from '../http1/fields/field-table.ts';
import type { NameTable } from '../http1/fields/names.ts';

/**
 * Fields that frame a message or belong to one connection. The checks of a configuration refuse a modifier of them; one
 * that got here nevertheless is left out, because nothing may ever frame a message twice.
 */
const UNTOUCHABLE = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
  'keep-alive',
  'expect',
  'via',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'http2-settings',
]);

/** A compiled modifier. */
export interface LinkedHeaderFilter {
  /** Ids of the fields that go: removed, or replaced. */
  readonly drops: readonly number[];
  /** Lines that come, each with its CRLF. */
  readonly lines: string;
  /** Lower-case names among `drops`, for the gateway's own lines. */
  readonly names: ReadonlySet<string>;
}

/** Lower-case names that a modifier needs in the table. */
export function namesOf(filter: HeaderFilter | null): string[] {
  if (filter === null) return [];
  return [...filter.set.map(({ name }) => name), ...filter.remove].map((name) => name.toLowerCase());
}

/** Compiles a modifier; `names` must hold `namesOf(filter)`. */
export function linkHeaderFilter(filter: HeaderFilter, names: NameTable): LinkedHeaderFilter {
  const gone = new Set(namesOf(filter).filter((name) => !UNTOUCHABLE.has(name)));
  const come = [...filter.set, ...filter.add].filter(({ name }) => !UNTOUCHABLE.has(name.toLowerCase()));
  return {
    drops: [...gone].map((name) => names.idOf(name)),
    lines: come.map(({ name, value }) => `${name}: ${value}\r\n`).join(''),
    names: gone,
  };
}

/**
 * Drops what a modifier removes or replaces from a message.
 * @param own lines that the gateway is about to write, each with its CRLF.
 * @returns what is to be written instead: the own lines that stand, then the modifier's.
 */
export function applyHeaderFilter(filter: LinkedHeaderFilter, fields: FieldTable, own: string): string {
  for (const id of filter.drops) fields.drop(id);
  return filter.names.size === 0 ? own + filter.lines : standing(own, filter.names) + filter.lines;
}

/** The lines whose names are not among `names`. */
function standing(lines: string, names: ReadonlySet<string>): string {
  let out = '';
  let from = 0;
  for (let end = lines.indexOf('\n'); end >= 0; end = lines.indexOf('\n', from)) {
    const line = lines.slice(from, end + 1);
    if (!names.has(line.slice(0, line.indexOf(':')).toLowerCase())) out += line;
    from = end + 1;
  }
  return out;
}
