/**
 * What a file source needs of the disk: what is in a file, and word that something in a folder changed.
 */

import { watch } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { SluiceError } from '../model/problem.ts';
import { DOCUMENT_BYTES_MAX } from './document/read.ts';

/** The disk as a file source sees it; tests pass one of their own. */
export interface Disk {
  /** @throws SluiceError `SLU_CONFIG_UNREADABLE` */
  readText(file: string): Promise<string>;
  /** The same before it is a text (`textOf`). @throws SluiceError `SLU_CONFIG_UNREADABLE` */
  readBytes(file: string): Promise<Uint8Array>;
  /**
   * Calls `onChange` with the name of an entry that was written, made, renamed or removed, or null when it is not
   * known; calls `onLost` once when no more calls will come.
   * @throws when the folder cannot be watched
   */
  watchFolder(folder: string, onChange: (name: string | null) => void, onLost: (error: Error) => void): FolderWatch;
}

export interface FolderWatch {
  /** Idempotent. */
  close(): void;
}

export const DISK: Disk = { readText, readBytes, watchFolder };

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
  ENOTDIR: 'a part of the path is not a directory',
  ELOOP: 'too many symbolic links',
};

/**
 * The text of a regular file of at most 16 MiB of UTF-8. A pipe or device is refused: it could not be read again.
 * @throws SluiceError `SLU_CONFIG_UNREADABLE` that says why
 */
export async function readText(file: string): Promise<string> {
  return textOf(file, await readBytes(file));
}

async function readBytes(file: string): Promise<Uint8Array> {
  try {
    const { size, isRegular } = await sizeOf(file);
    if (!isRegular) throw unreadable(file, 'it is not a regular file');
    if (size > DOCUMENT_BYTES_MAX) throw unreadable(file, `it has ${size} bytes, more than ${DOCUMENT_BYTES_MAX}`);
    return await readFile(file);
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw unreadable(file, WORDS[code] ?? message, error);
  }
}

async function sizeOf(file: string): Promise<{ readonly size: number; readonly isRegular: boolean }> {
  const stats = await stat(file);
  return { size: stats.size, isRegular: stats.isFile() };
}

/**
 * The text of a file's bytes. What is not UTF-8 is refused: replaced characters could turn one name into another.
 * @throws SluiceError `SLU_CONFIG_UNREADABLE`
 */
export function textOf(file: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw unreadable(file, 'it is not UTF-8 text', error);
  }
}

function unreadable(file: string, why: string, cause?: unknown): SluiceError {
  return new SluiceError('SLU_CONFIG_UNREADABLE', `cannot read ${file}: ${why}`, { cause });
}

function watchFolder(
  folder: string,
  onChange: (name: string | null) => void,
  onLost: (error: Error) => void,
): FolderWatch {
  const watcher = watch(folder, { persistent: false }, (_event, name) => onChange(name));
  watcher.on('error', onLost);
  return watcher;
}
