/**
 * Paths of directories and files of the gateway's own machine.
 *
 * A relative one counts from where the gateway was started. Whether something is there is seen when it is opened.
 */

import { type Fault, wrongType } from '../problems/fault.ts';

/** The longest path that Linux takes. */
const LENGTH_MAX = 4095;

export const FILE_PATH_META = { type: 'string', minLength: 1, maxLength: LENGTH_MAX };

/** The directory that the state is kept in. */
export function checkStateDirectory(value: unknown): Fault | null {
  return faultOf(value, 'the path of a directory', 'leave the field out to keep the state in memory');
}

/** A directory that documents lie in, or that something is written to. */
export function checkDirectory(value: unknown): Fault | null {
  return faultOf(value, 'the path of a directory', 'name the directory, . for the one that the gateway is started in');
}

/** A file that something is read from. */
export function checkFile(value: unknown): Fault | null {
  const expected = 'the path of a file';
  if (typeof value === 'string' && value.includes('-----BEGIN')) {
    const hint = 'the name of the file, not what stands in it';
    return { kind: 'directory', expected, got: 'what stands in one', hint };
  }
  return faultOf(value, expected, 'name the file, or leave the field out');
}

function faultOf(value: unknown, expected: string, whenEmpty: string): Fault | null {
  if (typeof value !== 'string') return wrongType(expected, value);
  const hint = hintFor(value, whenEmpty);
  return hint === null ? null : { kind: 'directory', expected, hint };
}

function hintFor(path: string, whenEmpty: string): string | null {
  if (path.trim() === '') return whenEmpty;
  if (path.includes('\0')) return 'a path has no NUL character';
  if (/^[a-z]+:\/\//i.test(path)) return 'a plain path, not a URL';
  return path.length > LENGTH_MAX ? `at most ${LENGTH_MAX} characters` : null;
}
