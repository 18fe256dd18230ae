/**
 * Other readings of an ambiguous path: what upstreams that fold paths further than RFC 3986 does would make of it.
 *
 * Some servers merge `//`, some cut `;params` off, some decode `%2F`, `%5C` or `%3B` first, some decode twice. Which of
 * it an upstream does, and in which order, is not known, so all of them are tried, one on top of the other, until nothing
 * new comes out. The path is forwarded as it came only if each of its readings takes the same route: then the route that
 * the gateway chose is right whoever reads it. A path with too many readings is refused as well.
 * Cost: only paths with one of these marks come here; at most `READINGS_MAX` lookups.
 */

import { normalizePath } from '../http1/target.ts';

/** An honest path has one or two; each further kind of mark doubles them. */
export const READINGS_MAX = 8;

const FOLDS: readonly ((path: string) => string | null)[] = [
  (path) => path.replace(/\/{2,}/g, '/'),
  (path) => path.replace(/;[^/]*/g, ''),
  (path) => path.replaceAll('%2F', '/'),
  (path) => path.replaceAll('%5C', '/'),
  (path) => path.replaceAll('%3B', ';'),
  (path) => normalizePath(path.replace(/%25(?=[0-9A-Fa-f]{2})/g, '%')),
];
const DOT_SEGMENT = /\/\.{1,2}(?:\/|$)/;

/**
 * Every other reading of a normalized path, without the path itself.
 * @returns null when there are more than `READINGS_MAX`, or one that hides a dot segment.
 */
export function readingsOf(path: string): string[] | null {
  const readings = new Set([path]);
  // A set is walked to its end, what is added meanwhile included.
  for (const reading of readings) {
    for (const fold of FOLDS) {
      const folded = fold(reading);
      if (folded === null || DOT_SEGMENT.test(folded)) return null;
      readings.add(folded);
      if (readings.size > READINGS_MAX + 1) return null;
    }
  }
  readings.delete(path);
  return [...readings];
}
