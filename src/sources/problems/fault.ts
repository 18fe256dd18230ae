/**
 * What a check found wrong with one value, before it is known where in the document the value stands.
 */

import type { Kind } from './codes.ts';

/** A problem without its place. */
export interface Fault {
  readonly kind: Kind;
  readonly expected: string;
  /** What was found; without it, the value at the path is described. */
  readonly got?: string;
  /** Made only when the problem is really shown: looking for a similar name costs. */
  readonly hint?: string | (() => string);
}

/** A check of one value: null when it is fine. */
export type Check = (value: unknown) => Fault | null;

/** Longest text that a message repeats, in characters. */
const SHOWN_MAX = 60;

/** A value in a few words, for `got`: text is quoted and cut, collections are counted. */
export function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (typeof value === 'string') return quote(value);
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${value.length}`;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : 'a mapping';
}

/** Text as a JSON string, cut to 60 characters. */
export function quote(text: string): string {
  return JSON.stringify(text.length <= SHOWN_MAX ? text : `${text.slice(0, SHOWN_MAX)}…`);
}

/** The fault of a value of the wrong type; a missing one is named as such. */
export function wrongType(expected: string, value: unknown, hint = ''): Fault {
  if (value === undefined) return { kind: 'missing', expected, hint };
  return {
    kind: 'type',
    expected,
    hint: value === null && hint === '' ? 'a field with nothing after its colon is null' : hint,
  };
}

/** `did you mean X?` in the one form that all hints have. */
export function didYouMean(text: string): string {
  return `did you mean ${text}?`;
}
