/**
 * Regular expressions that take linear time whatever the input: what a configuration may hold and a client may attack.
 *
 * The engine is RE2's (Thompson's automata): no back-references, no look-around, no catastrophic backtracking.
 * Source: Cox (2007), "Regular expression matching can be simple and fast"; docs/adr/0014-re2js.md.
 */

import { RE2JS } from 're2js';

/** Longest pattern in characters, and its size once compiled: a match costs input x program at the most. */
export const PATTERN_CHARS_MAX = 1024;
const PROGRAM_SIZE_MAX = 4096;

/** A compiled pattern. */
export interface Pattern {
  readonly source: string;
  /** Does the whole text match? Cost: O(text x program); about 1 us for a path of 18 characters. */
  matches(text: string): boolean;
}

/** Compiles a pattern, or says why it cannot be used. Never throws. */
export function compilePattern(source: string): Pattern | { readonly fault: string } {
  if (source.length > PATTERN_CHARS_MAX) return { fault: `a pattern of at most ${PATTERN_CHARS_MAX} characters` };
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(source);
  } catch (error) {
    return { fault: `a regular expression in RE2 syntax (${reasonOf(error)})` };
  }
  if (compiled.programSize() > PROGRAM_SIZE_MAX) return { fault: 'a simpler regular expression' };
  return { source, matches: (text) => compiled.testExact(text) };
}

/** Characters with which every match of a pattern begins; empty where that takes more than a look to say. */
export function literalStart(source: string): string {
  if (source.includes('|')) return '';
  // The whole text must match: saying that it begins at its beginning says nothing.
  const own = source.startsWith('^') ? source.slice(1) : source;
  const plain = /^[A-Za-z0-9/_~%@:,;=!&' -]*/.exec(own)?.[0] ?? '';
  // What is repeated may be absent.
  return /[*?{]/.test(own.charAt(plain.length)) ? plain.slice(0, -1) : plain;
}

function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/^error parsing regexp: /, '');
}
