/**
 * A directory of the gateway's own machine.
 */

import { type Fault, wrongType } from '../problems/fault.ts';

/** The longest path that Linux takes. */
const LENGTH_MAX = 4095;

export const DIRECTORY_META = { type: 'string', minLength: 1, maxLength: LENGTH_MAX };

/** A path; a relative one counts from where the gateway was started. Whether it is there is seen when it is opened. */
export function checkDirectory(value: unknown): Fault | null {
  const expected = 'the path of a directory';
  if (typeof value !== 'string') return wrongType(expected, value);
  const hint = hintFor(value);
  return hint === null ? null : { kind: 'directory', expected, hint };
}

function hintFor(path: string): string | null {
  if (path.trim() === '') return 'leave the field out to keep the state in memory';
  if (path.includes('\0')) return 'a path has no NUL character';
  if (/^[a-z]+:\/\//i.test(path)) return 'a plain path, not a URL';
  return path.length > LENGTH_MAX ? `at most ${LENGTH_MAX} characters` : null;
}
