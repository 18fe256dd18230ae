/**
 * A directory of documents: `*.yaml`, `*.yml` and `*.json`, each a whole document, in the order of their names.
 *
 * ```
 * conf.d/10-shop.yaml    conf.d/20-mail.yaml       hidden files, other endings and sub-folders are left alone
 * conf.d/shop.weights.yaml                         the weights of the route shop; its revision is a hash of the text
 * conf.d/10-shop.yaml.sig                          the signature of a document
 * ConfigMap: conf.d/shop.yaml -> ..data/shop.yaml, and `..data` is swapped as a whole
 * ```
 * One answer is one moment: files are read between two looks at their names, sizes, times and inodes, and read again when
 * the looks differ. A folder event is a reason to ask; every `POLL_MS` the looks are compared anyway, for file systems
 * without events.
 */

import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '../../model/problem.ts';
import { DISK, type Disk } from '../disk.ts';
import type { Mount } from '../document/pieces.ts';
import { SIGNATURE_ENDING } from '../document/signature/subject.ts';
import type { Listing, Piece, Store, WatchWord } from '../follow/source.ts';
import { nameOfSource } from './name.ts';
import type { DirectorySettings } from './settings.ts';

const POLL_MS = 5000;
/** Looks that differ so often in a row are not a swap but a writer who never stops. */
const TRIES = 5;
const TRY_MS = 20;
/** A document, or the signature of one. */
const DOCUMENT = /^[^.].*\.(?:ya?ml|json)(?:\.sig)?$/;
/** The file with the weights of a route. */
export const WEIGHTS = /^([^.].*)\.weights\.(?:ya?ml|json)$/;

/** What the store needs besides the disk of the file source; tests pass their own. */
export interface Folder extends Pick<Disk, 'readText' | 'watchFolder'> {
  readonly names: (path: string) => Promise<readonly string[]>;
  readonly look: (file: string) => Promise<Pick<Stats, 'size' | 'mtimeMs' | 'ino'>>;
  readonly pollMs: number;
}

const FOLDER: Folder = { ...DISK, names: (path) => readdir(path), look: (file) => stat(file), pollMs: POLL_MS };

/** Makes the store. */
export function openDirectory(settings: DirectorySettings, folder: Folder = FOLDER): Store {
  const { path } = settings;
  return {
    kind: 'directory',
    name: nameOfSource(settings),
    isForeign: false,
    list: () => listFolder(path, folder),
    watch: (revision, signal) => watchOnce(path, folder, revision, signal),
    close: () => undefined,
  };
}

async function listFolder(path: string, folder: Folder): Promise<Listing> {
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const before = await lookAt(path, folder);
    const pieces: Piece[] = [];
    for (const name of before.names) {
      const file = join(path, name);
      const text = await folder.readText(file);
      pieces.push({ name: file, mount: mountOfFile(name, text), text });
    }
    if ((await lookAt(path, folder)).signature === before.signature) return { pieces, revision: before.signature };
    await sleep(TRY_MS);
  }
  throw unreadable(path, `its files changed ${TRIES} times while they were read`);
}

function mountOfFile(name: string, text: string): Mount {
  if (name.endsWith(SIGNATURE_ENDING)) return { kind: 'signature', of: name.slice(0, -SIGNATURE_ENDING.length) };
  const [, route] = WEIGHTS.exec(name) ?? [];
  return route === undefined ? { kind: 'root' } : { kind: 'weights', name: route, revision: revisionOfText(text) };
}

/** Of a file with weights: 16 hex digits of the SHA-256 of its text. */
export function revisionOfText(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

interface Look {
  readonly names: readonly string[];
  /** Text that is another whenever a file is. */
  readonly signature: string;
}

async function lookAt(path: string, folder: Folder): Promise<Look> {
  try {
    const names = (await folder.names(path)).filter((name) => DOCUMENT.test(name)).toSorted();
    const parts: string[] = [];
    for (const name of names) {
      const { size, mtimeMs, ino } = await folder.look(join(path, name));
      parts.push(`${name} ${size} ${mtimeMs} ${ino}`);
    }
    return { names, signature: createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 16) };
  } catch (error) {
    throw unreadable(path, (error as Error).message);
  }
}

/** Waits for a folder event or the end of the poll's wait. What changed before the watch began is seen by the first look. */
async function watchOnce(path: string, folder: Folder, revision: string, signal: AbortSignal): Promise<WatchWord> {
  let wake: () => void = () => undefined;
  const woken = new Promise<void>((resolve) => {
    wake = resolve;
  });
  const watch = tryWatch(path, folder, wake);
  const timer = setTimeout(wake, folder.pollMs);
  timer.unref();
  signal.addEventListener('abort', wake, { once: true });
  try {
    if ((await lookAt(path, folder)).signature !== revision) return { kind: 'changed' };
    await woken;
    return (await lookAt(path, folder)).signature === revision ? { kind: 'same' } : { kind: 'changed' };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', wake);
    watch?.close();
  }
}

/** Without events, the poll still sees everything. */
function tryWatch(path: string, folder: Folder, wake: () => void): { close(): void } | null {
  try {
    return folder.watchFolder(path, wake, () => undefined);
  } catch {
    return null;
  }
}

function unreadable(path: string, why: string): SluiceError {
  return new SluiceError('SLU_SOURCE_UNAVAILABLE', `cannot read the directory ${path}: ${why}`);
}
