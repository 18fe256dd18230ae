/**
 * Weights in a directory: `<route>.weights.json`, or the file that is there, replaced by a rename under a lock.
 *
 * ```
 * lock ─▶ read, compare the hash of the text ─▶ .<file>.new, synced ─▶ rename ─▶ folder synced ─▶ unlock
 * ```
 * The lock is SQLite's on an empty file, as the state directory has it: the system takes it back when its process dies,
 * however it dies, and whoever was frozen goes on under it. It binds those who write through a gateway on the same
 * machine; who edits a file by hand in the very moment of a write may be overwritten.
 */

import { constants, statSync } from 'node:fs';
import { type FileHandle, lstat, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { nowMs } from '../../../lib/clock.ts';
import { SluiceError } from '../../../model/problem.ts';
import { revisionOfText, WEIGHTS } from '../directory.ts';
import type { DirectorySettings } from '../settings.ts';
import { type Kept, NO_REVISION, WEIGHTS_BYTES_MAX, type WeightsStore, type Written } from './writer.ts';

const LOCK_FILE = '.sluice-weights.lock';
/** Longest wait for somebody else's write, which takes milliseconds. */
const LOCK_MS = 3000;
const LOCK_POLL_MS = 5;

/** The disk's part that can fail in ways that a test must be able to make. */
export interface Commit {
  /** Puts the new file in the place of the old. */
  readonly rename: (from: string, to: string) => Promise<void>;
  /** Makes the rename last. */
  readonly syncFolder: (path: string) => Promise<void>;
}

const COMMIT: Commit = { rename, syncFolder };

/** Makes the store. */
export function openDirectoryWeights({ path }: DirectorySettings, commit: Commit = COMMIT): WeightsStore {
  return {
    documentOf: (route) => join(path, `${route}.weights.json`),
    read: async (route) => {
      try {
        return await keptOf(path, await fileOf(path, route));
      } catch (error) {
        if (error instanceof SluiceError) throw error;
        throw unavailable(path, error);
      }
    },
    write: async (route, text, revision, signal) => {
      try {
        return await underLock(path, signal, (holds) => replace({ path, route, text, revision, holds, commit }));
      } catch (error) {
        return { kind: 'refused', because: unavailable(path, error).message };
      }
    },
    close: () => undefined,
  };
}

/** The file with the weights of a route; null: there is none. @throws SluiceError when it is not certain which one */
async function fileOf(path: string, route: string): Promise<string | null> {
  const names = (await readdir(path)).filter((name) => WEIGHTS.exec(name)?.[1] === route);
  if (names.length <= 1) return names[0] ?? null;
  throw unavailable(path, new Error(`${names.toSorted().join(' and ')} are both the weights of ${route}: delete one`));
}

async function keptOf(path: string, name: string | null): Promise<Kept> {
  if (name === null) return { text: null, revision: NO_REVISION };
  const file = join(path, name);
  const { size } = await stat(file);
  if (size > WEIGHTS_BYTES_MAX) throw new Error(`${file} has ${size} bytes, more than ${WEIGHTS_BYTES_MAX}`);
  const text = await readFile(file, 'utf8');
  return { text, revision: revisionOfText(text) };
}

interface Replacing {
  readonly path: string;
  readonly route: string;
  readonly text: string;
  readonly revision: string;
  /** Whether the lock is still the one that others meet. */
  readonly holds: () => boolean;
  readonly commit: Commit;
}

async function replace({ path, route, text, revision, holds, commit }: Replacing): Promise<Written> {
  const name = await fileOf(path, route);
  const present = await keptOf(path, name);
  if (present.revision !== revision) return { kind: 'conflict', present };
  const file = join(path, name ?? `${route}.weights.json`);
  if (name !== null && (await lstat(file)).isSymbolicLink()) {
    const because = `${file} is a link: change the file that it leads to, or what put it there`;
    return { kind: 'refused', because };
  }
  const next = join(path, `.${name ?? `${route}.weights.json`}.new`);
  try {
    await writeSynced(next, text, name === null ? 0o644 : (await stat(file)).mode);
    if (!holds()) throw new Error(`${LOCK_FILE} was deleted by somebody; try again`);
    await commit.rename(next, file);
  } catch (error) {
    await rm(next, { force: true });
    throw error;
  }
  try {
    await commit.syncFolder(path);
  } catch (error) {
    const because = `${file} was replaced, and may be lost if the machine stops: ${(error as Error).message}`;
    return { kind: 'unconfirmed', because };
  }
  return { kind: 'written', revision: revisionOfText(text) };
}

async function writeSynced(file: string, text: string, mode: number): Promise<void> {
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
  const handle = await open(file, O_WRONLY | O_CREAT | O_TRUNC | (O_NOFOLLOW ?? 0), mode & 0o777);
  await syncedBy(handle, () => handle.writeFile(text));
}

async function syncFolder(path: string): Promise<void> {
  // Windows opens no folders; a rename is on its disk with the next flush of the file system.
  if (process.platform === 'win32') return;
  await syncedBy(await open(path, 'r'), () => Promise.resolve());
}

async function syncedBy(handle: FileHandle, fill: () => Promise<void>): Promise<void> {
  try {
    await fill();
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Runs an action when nobody else does. @throws Error when the lock cannot be had in time */
async function underLock<T>(
  path: string,
  signal: AbortSignal,
  action: (holds: () => boolean) => Promise<T>,
): Promise<T> {
  const file = join(path, LOCK_FILE);
  const untilMs = nowMs() + LOCK_MS;
  for (;;) {
    const database = tryLock(file);
    if (database !== null) {
      const inode = inodeOf(file);
      try {
        return await action(() => inodeOf(file) === inode);
      } finally {
        database.close();
      }
    }
    if (signal.aborted || nowMs() > untilMs) throw new Error(`somebody else has held ${LOCK_FILE} for ${LOCK_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
  }
}

/** Null: somebody else has it. */
function tryLock(file: string): DatabaseSync | null {
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    database.exec('PRAGMA journal_mode = MEMORY');
    database.exec('BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database.close();
    if (/database is locked/.test((error as Error).message)) return null;
    throw error;
  }
}

function inodeOf(file: string): bigint | undefined {
  return statSync(file, { bigint: true, throwIfNoEntry: false })?.ino;
}

function unavailable(path: string, error: unknown): SluiceError {
  const why = (error as Error).message;
  if (error instanceof SluiceError) return error;
  return new SluiceError('SLU_SOURCE_UNAVAILABLE', `the directory ${path}: ${why}`, { cause: error });
}
