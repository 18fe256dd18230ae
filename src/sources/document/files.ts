/**
 * Puts the files that fixed answers name into the main document: read once with it, from its own folder, never beside it.
 *
 * A path is relative and has no `..`. Links are followed, as Kubernetes mounts are made of them, but what they lead to must lie
 * in the folder, whatever its own path is made of. Only plain files are read, at most `STATIC_BYTES_MAX` bytes of UTF-8. Documents
 * of sources name none: whoever may write there could otherwise publish what lies beside the document.
 */

import { closeSync, constants, fstatSync, openSync, readSync, realpathSync } from 'node:fs';
import { dirname, isAbsolute, join, sep } from 'node:path';
import { STATIC_BYTES_MAX } from '../../model/threads/answers/fallback.ts';
import { type Fault, quote } from '../problems/fault.ts';
import type { Path } from '../problems/report.ts';
import { isMapping, type SourceDocument } from './pieces.ts';

/** What is wrong with a file, and where it is named. */
export interface FileFault {
  readonly path: Path;
  readonly fault: Fault;
}

/** Sets `body` beside every `file` of a value that was just read and that nobody has yet; tells what cannot be. */
export function fillFiles(value: unknown, document: SourceDocument): FileFault[] {
  const filled = new Set<unknown>();
  const faults: FileFault[] = [];
  for (const { path, answer } of answersIn(value, document)) {
    // An alias is the same object again.
    if (filled.has(answer)) continue;
    filled.add(answer);
    const fault = fill(answer, document);
    if (fault !== null) faults.push({ path: [...path, 'file'], fault });
  }
  return faults;
}

/** Whether there is a `file` in it. */
export function namesFiles(value: unknown, document: SourceDocument): boolean {
  return answersIn(value, document).next().done !== true;
}

type Answer = Record<string, unknown>;

/** Every fixed answer with a file, as far as the value has the form. */
function* answersIn(value: unknown, { mount }: SourceDocument): Generator<{ path: Path; answer: Answer }> {
  const routes = mount.kind === 'route' ? [value] : isMapping(value) ? listOf(value['routes']) : [];
  for (const [index, route] of routes.entries()) {
    const above = mount.kind === 'route' ? [] : ['routes', index];
    for (const [step, entry] of listOf(isMapping(route) ? route['fallback'] : null).entries()) {
      const answer = isMapping(entry) ? entry['static'] : null;
      if (isMapping(answer) && typeof answer['file'] === 'string') {
        yield { path: [...above, 'fallback', step, 'static'], answer };
      }
    }
  }
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function fill(answer: Answer, { name, mount }: SourceDocument): Fault | null {
  if (mount.kind !== 'main') {
    const hint = 'write the text itself as body';
    return { kind: 'fallbackFile', expected: 'no file in a document of a source', hint };
  }
  if (answer['body'] !== undefined) return { kind: 'fallbackBody', expected: 'a file or a body, not both' };
  const text = readBelow(dirname(name), answer['file'] as string);
  if (typeof text !== 'string') return text;
  answer['body'] = text;
  return null;
}

/** The text of a file below a folder, or why there is none. */
export function readBelow(folder: string, path: string): string | Fault {
  const isInside = path !== '' && !path.includes('\0') && !isAbsolute(path) && !path.split(/[/\\]/).includes('..');
  if (!isInside)
    return { kind: 'fallbackFile', expected: 'a relative path without .., from the folder of this document' };
  try {
    const base = realpathSync(folder);
    const real = realpathSync(join(base, path));
    if (!real.startsWith(base.endsWith(sep) ? base : base + sep)) {
      const got = `${quote(path)}, a link that leads out of it`;
      return { kind: 'fallbackFile', expected: 'a file in the folder of this document', got };
    }
    return readPlain(real);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return { kind: 'fallbackFile', expected: 'a file that can be read, in UTF-8', got: `${quote(path)}: ${code}` };
  }
}

/** @throws an error with a code, of the operating system. */
function readPlain(real: string): string | Fault {
  // A link that took the file's place meanwhile is not followed; a pipe does not hold up.
  const fd = openSync(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    if (!fstatSync(fd).isFile()) return { kind: 'fallbackFile', expected: 'a plain file' };
    const bytes = Buffer.alloc(STATIC_BYTES_MAX + 1);
    let length = 0;
    for (let count = -1; count !== 0 && length < bytes.length; length += count) {
      count = readSync(fd, bytes, length, bytes.length - length, null);
    }
    if (length > STATIC_BYTES_MAX) {
      return { kind: 'fallbackFile', expected: `at most ${STATIC_BYTES_MAX} bytes`, got: 'more' };
    }
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, length));
  } finally {
    closeSync(fd);
  }
}
