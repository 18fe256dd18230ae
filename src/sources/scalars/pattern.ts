/**
 * Regular expressions of the document, and the text of query parameters they are compared with.
 *
 * A pattern is compiled here once to say why it cannot be used; the data plane compiles it again for itself.
 */

import { compilePattern, PATTERN_CHARS_MAX } from '../../lib/pattern.ts';
import { type Fault, wrongType } from '../problems/fault.ts';

/** Longest reason that a message repeats, in characters: the engine's own may quote the whole pattern. */
const REASON_SHOWN_MAX = 120;
const QUERY_NAME_MAX = 256;
const QUERY_VALUE_MAX = 1024;
const CONTROL = /[\p{Cc}\u2028\u2029]/gu;

export const PATTERN_META = { type: 'string', minLength: 1, maxLength: PATTERN_CHARS_MAX };
export const QUERY_NAME_META = { type: 'string', minLength: 1, maxLength: QUERY_NAME_MAX };
export const QUERY_VALUE_META = { type: 'string', maxLength: QUERY_VALUE_MAX };

/** A regular expression in RE2 syntax. Cost: one compilation, about 0.1 ms. */
export function checkPattern(value: unknown): Fault | null {
  if (typeof value !== 'string') return wrongType('a regular expression', value);
  if (value === '') return { kind: 'pattern', expected: 'a regular expression of at least one character' };
  const compiled = compilePattern(value);
  if (!('fault' in compiled)) return null;
  const isForeign = /\(\?<?[=!]|\\[1-9]/.test(value);
  const hint = isForeign ? 'RE2 has neither look-around nor back-references' : '';
  return { kind: 'pattern', expected: shown(compiled.fault), hint };
}

/** One line of bounded length, whatever the pattern holds. */
function shown(text: string): string {
  const line = text.replace(CONTROL, '·');
  return line.length <= REASON_SHOWN_MAX ? line : `${line.slice(0, REASON_SHOWN_MAX)}…`;
}

/** The name of a query parameter, as it is after decoding. */
export function checkQueryName(value: unknown): Fault | null {
  return checkDecoded(value, 'the name of a query parameter, decoded', 1, QUERY_NAME_MAX);
}

/** The exact value of a query parameter, as it is after decoding; may be empty. */
export function checkQueryValue(value: unknown): Fault | null {
  return checkDecoded(value, 'the value of a query parameter, decoded', 0, QUERY_VALUE_MAX);
}

function checkDecoded(value: unknown, expected: string, min: number, max: number): Fault | null {
  if (typeof value !== 'string') {
    const isBare = typeof value === 'number' || typeof value === 'boolean';
    return wrongType(expected, value, isBare ? 'put it in quotes' : '');
  }
  const isPlain = value.isWellFormed() && value.search(CONTROL) < 0;
  if (isPlain && value.length >= min && value.length <= max) return null;
  return {
    kind: 'queryParam',
    expected,
    hint: isPlain ? `${min} to ${max} characters` : 'leave control characters out',
  };
}
