/**
 * Has the thread that it runs in profile itself for a while, or collect its garbage, through the runtime's inspector.
 *
 * `cpu` samples the stack every 2 ms, `heap` every 256 KiB that are allocated and stay. Both hold names and places of
 * functions, counts and times. A heap snapshot, which holds the program's values and so secrets, is never taken by itself.
 * Nothing listens for it: no port is opened. A thread that is otherwise done does not wait for its profile.
 * Source: Chrome DevTools Protocol, "Profiler" and "HeapProfiler".
 */

import { Session } from 'node:inspector/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { once } from '../../lib/once.ts';
import type { ProfileWish } from '../../model/threads/load/saturation.ts';

const SAMPLE_US = 2000;
const SAMPLE_BYTES = 262_144;

/** Endings of the files, as DevTools opens them. */
export const PROFILE_ENDINGS = { cpu: 'cpuprofile', heap: 'heapprofile' } as const;

/**
 * Profiles this thread. Costs it a few percent while it lasts.
 * @returns the profile, as JSON in UTF-8
 * @throws Error when it is longer than the wish allows, or the inspector refuses
 */
export async function profileThread({ kind, lengthMs, bytesMax }: ProfileWish): Promise<Uint8Array> {
  const session = new Session();
  session.connect();
  try {
    const profile = kind === 'cpu' ? await cpuProfile(session, lengthMs) : await heapProfile(session, lengthMs);
    const bytes = Buffer.from(JSON.stringify(profile));
    if (bytes.length > bytesMax)
      throw new Error(`the profile has ${bytes.length} bytes, more than the ${bytesMax} allowed`);
    return bytes;
  } finally {
    session.disconnect();
  }
}

/** Has this thread collect all of its garbage and give back what it can of its heap. Stops it for some 50 ms. */
export async function collectGarbage(): Promise<void> {
  const session = new Session();
  session.connect();
  try {
    await session.post('HeapProfiler.collectGarbage');
  } finally {
    session.disconnect();
  }
}

/** V8's own function, which it shows to contexts that are made while it is told to. */
const gc = once((): (() => void) => {
  setFlagsFromString('--expose-gc');
  const made = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  return made;
});

/** Has this thread collect its garbage once, and keep its heap as large as it is. Stops it for 30 ms where it holds 60 MB. */
export function collectOnce(): void {
  gc()();
}

/** Spaces of what has outlived two collections of young objects, or was too large to begin as one. */
const LASTING = new Set(['old_space', 'large_object_space']);

/** What this thread keeps for long, with the garbage in it that was not collected yet, in bytes. */
export function lastingBytes(): number {
  const spaces = getHeapSpaceStatistics().filter((space) => LASTING.has(space.space_name));
  return spaces.reduce((sum, space) => sum + space.space_used_size, 0);
}

async function cpuProfile(session: Session, lengthMs: number): Promise<unknown> {
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: SAMPLE_US });
  await session.post('Profiler.start');
  await sleep(lengthMs, undefined, { ref: false });
  return (await session.post('Profiler.stop')).profile;
}

async function heapProfile(session: Session, lengthMs: number): Promise<unknown> {
  await session.post('HeapProfiler.startSampling', { samplingInterval: SAMPLE_BYTES });
  await sleep(lengthMs, undefined, { ref: false });
  return (await session.post('HeapProfiler.stopSampling')).profile;
}
