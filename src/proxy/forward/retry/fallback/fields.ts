/**
 * Reads fields of a head that was taken apart and found sound already, by name, as text. For answers that may be kept only.
 */

const COLON = 58;
/** Larger numbers of seconds are as good as this one. Source: RFC 9111 section 1.2.2. */
const SECONDS_MAX = 2 ** 31;
const DIRECTIVE = /([!#$%&'*+\-.^_`|~0-9A-Za-z]+)(?:[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^ \t,;"]+)))?/g;

/** The values of every field of a name, in their order. @param name in lower case @param head with its first line. */
export function valuesOf(head: string, name: string): string[] {
  const values: string[] = [];
  for (let from = head.indexOf('\n') + 1; from > 0 && from < head.length; from = head.indexOf('\n', from) + 1) {
    const colon = from + name.length;
    if (head.charCodeAt(colon) !== COLON || head.slice(from, colon).toLowerCase() !== name) continue;
    values.push(head.slice(colon + 1, head.indexOf('\r', colon)).trim());
  }
  return values;
}

/**
 * A search for the fields of these names, to be begun with `lastIndex` 0: the name as it is written, then the value.
 * @param names tokens, in any case; at least one
 */
export function searchFor(names: readonly string[]): RegExp {
  const escaped = names.map((name) => name.replaceAll(/[^A-Za-z0-9_-]/g, '\\$&'));
  return new RegExp(`\\r\\n(${escaped.join('|')}):([^\\r]*)`, 'gi');
}

/** Directives of `Cache-Control` with their arguments, empty without; of one that stands there twice the first. */
export function directivesOf(values: readonly string[]): ReadonlyMap<string, string> {
  const said = new Map<string, string>();
  for (const value of values) {
    for (const [, name = '', quoted, token = ''] of value.matchAll(DIRECTIVE)) {
      const key = name.toLowerCase();
      if (!said.has(key)) said.set(key, quoted ?? token);
    }
  }
  return said;
}

/** Whole seconds, or the fallback for anything else. */
export function secondsIn(text: string | undefined, fallback: number): number {
  return text !== undefined && /^\d{1,20}$/.test(text) ? Math.min(Number(text), SECONDS_MAX) : fallback;
}

/** The lines whose names are not among `names`, which are in lower case. @param lines each with its CRLF, no first line. */
export function linesWithout(lines: string, names: ReadonlySet<string>): string {
  let out = '';
  for (let from = 0, end = lines.indexOf('\n'); end >= 0; from = end + 1, end = lines.indexOf('\n', from)) {
    const line = lines.slice(from, end + 1);
    if (!names.has(line.slice(0, line.indexOf(':')).toLowerCase())) out += line;
  }
  return out;
}
