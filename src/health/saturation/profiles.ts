/**
 * Profiles on the disk: a bounded number of files and bytes in one directory, the oldest making room.
 *
 * A file's name is made here of a time, a thread's number and a kind, never of what anybody sent: it cannot lead elsewhere. The
 * directory is made for the owner alone; one that is a symbolic link, or no directory, is refused, and a file is only ever
 * created anew, never opened where something lies already. What else lies in the directory is left alone and not counted.
 */

import { constants } from 'node:fs';
import { lstat, mkdir, open, readdir, unlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { PROFILE_ENDINGS } from './profiler.ts';

const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;
/** `2026-11-21T18-20-11.345Z-worker-0.cpuprofile` */
const NAME = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z-(?:main|worker-\d{1,4})\.(?:cpuprofile|heapprofile)$/;

/** Where profiles go and how many. */
export interface ProfileBounds {
  readonly directory: string;
  /** Files, at least 1. */
  readonly keep: number;
  readonly bytesMax: number;
}

/** Name of a profile. @param wallTime ISO 8601. @throws Error when that makes no name of a profile */
export function profileName(wallTime: string, thread: string, kind: keyof typeof PROFILE_ENDINGS): string {
  const name = `${wallTime.replaceAll(':', '-')}-${thread}.${PROFILE_ENDINGS[kind]}`;
  if (!NAME.test(name)) throw new Error(`${JSON.stringify(name)} is no name of a profile`);
  return name;
}

/**
 * Writes a profile, for which the oldest make room.
 * @param name of `profileName`
 * @returns its path
 * @throws Error when it is larger than all may be together, or the directory is no place for it
 */
export async function writeProfile(bounds: ProfileBounds, name: string, bytes: Uint8Array): Promise<string> {
  const { keep, bytesMax } = bounds;
  // Without a slash at its end, which would have a link followed.
  const directory = resolve(bounds.directory);
  if (!NAME.test(name)) throw new Error(`${JSON.stringify(name)} is no name of a profile`);
  if (bytes.length > bytesMax)
    throw new Error(`the profile has ${bytes.length} bytes, more than the ${bytesMax} allowed`);
  await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE });
  if (!(await lstat(directory)).isDirectory()) throw new Error(`${directory} is a link or no directory`);
  await makeRoom(directory, keep - 1, bytesMax - bytes.length);
  const path = join(directory, name);
  const file = await open(
    path,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    FILE_MODE,
  );
  try {
    await file.writeFile(bytes);
  } catch (error) {
    // Half a profile is none, and the disk may be full.
    await unlink(path);
    throw error;
  } finally {
    await file.close();
  }
  return path;
}

/** Removes the oldest profiles until at most so many, and so many bytes, are left. */
async function makeRoom(directory: string, countMax: number, bytesMax: number): Promise<void> {
  const names = (await readdir(directory)).filter((name) => NAME.test(name)).sort();
  const sizes = await Promise.all(names.map(async (name) => (await lstat(join(directory, name))).size));
  let [count, bytes] = [names.length, sizes.reduce((sum, size) => sum + size, 0)];
  for (const [index, name] of names.entries()) {
    if (count <= countMax && bytes <= bytesMax) return;
    await unlink(join(directory, name));
    count -= 1;
    bytes -= sizes[index] as number;
  }
}
