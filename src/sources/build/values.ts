/**
 * Turns checked values into numbers: durations into milliseconds, sizes into bytes.
 */

import { parseDuration } from '../scalars/duration.ts';
import { parseSize } from '../scalars/number.ts';

/** Milliseconds of a sound duration, or the fallback without one. */
export function toMs(text: string | undefined, fallbackMs: number): number {
  return text === undefined ? fallbackMs : sure(parseDuration(text));
}

/** Bytes of a sound size, or the fallback without one. */
export function toBytes(value: number | string | undefined, fallback: number): number {
  return value === undefined ? fallback : sure(parseSize(value));
}

/** A value that the checks have made certain; anything else is a programmer's error. */
export function sure<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new Error('build: the document was not checked');
  return value;
}

/** Orders entries of a mapping by their names. */
export function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}
