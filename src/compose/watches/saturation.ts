/**
 * Composition of saturation: what threads and machine tell is graded, workers are told what to do, and the thread
 * that runs short is profiled once.
 *
 * ```
 * every 50 ms   this thread's own lateness; its garbage, after a change
 * every 200 ms  tallies, machine ─▶ watch ─▶ pressures of the workers, log
 *                                     └────▶ episode ─▶ one profile ─▶ disk
 * ```
 * It begins with the gateway's first configuration and follows the one in force.
 */

import { join } from 'node:path';
import { getHeapStatistics } from 'node:v8';
import { CalmCollection, Collection } from '../../health/saturation/collection.ts';
import { Episode } from '../../health/saturation/episode.ts';
import { Machine, type MachineReading } from '../../health/saturation/machine.ts';
import { collectGarbage, collectOnce, lastingBytes, profileThread } from '../../health/saturation/profiler.ts';
import { profileName, writeProfile } from '../../health/saturation/profiles.ts';
import { type GradeChange, LOOK_MS, SaturationWatch, type ThreadReading } from '../../health/saturation/watch.ts';
import { nowMs, wallTime } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import { every } from '../../lib/threads/ticker.ts';
import type { Config } from '../../model/config.ts';
import { PRIORITIES, type Priority } from '../../model/overload.ts';
import { EVENTS_HEAD } from '../../model/tallies.ts';
import {
  GRADES,
  type ProfileKind,
  type ProfilesStatus,
  type ProfileWish,
  type SaturationStatus,
  type ThreadSaturation,
} from '../../model/threads/load/saturation.ts';
import type { Workers } from '../../proxy/threads/workers.ts';
import type { Store } from '../../snapshot/store.ts';

const BEAT_MS = 50;
const BEATS_PER_LOOK = LOOK_MS / BEAT_MS;
const KIB = 1024;
const MAIN = 'main';

export interface SaturationDeps {
  readonly log: Log;
  readonly store: Store;
  readonly workers: () => Workers | null;
}

/** When a worker's event loop was last seen to turn. */
interface Beat {
  readonly life: number;
  readonly beats: number;
  readonly atMs: number;
}

export class Saturation {
  readonly #deps: SaturationDeps;
  readonly #watch = new SaturationWatch();
  readonly #machine = new Machine();
  readonly #episode = new Episode();
  readonly #collection = new Collection();
  readonly #calm = new CalmCollection();
  readonly #stop: () => void;
  readonly #seen = new Map<string, Beat>();
  #beatAtMs = nowMs();
  #beats = 0;
  #current: Store['current'] = null;
  /** The latest beat of this thread since the last look. */
  #lateMs = 0;
  #reading: MachineReading;
  #threads: readonly ThreadReading[] = [];
  readonly #profiles = { written: 0, failed: 0, skipped: 0, last: '' };

  constructor(deps: SaturationDeps) {
    this.#deps = deps;
    this.#reading = this.#machine.read(this.#beatAtMs, null);
    this.#stop = every(BEAT_MS, () => this.#beat());
  }

  /** @param shed requests that workers refused for it, by number of the priority */
  status(shed: ArrayLike<number>): SaturationStatus {
    const watch = this.#watch;
    const { memory, descriptors } = this.#reading;
    const config = this.#deps.store.current?.config;
    return {
      ...watch.worst,
      acts: config?.saturation.acts ?? true,
      process: watch.process,
      memory,
      descriptors,
      cpus: this.#machine.cpus,
      threads: this.#threads.map((thread) => this.#statusOf(thread, config?.saturation.acts !== false)),
      changes: watch.changes,
      shed: Object.fromEntries(PRIORITIES.map((name, n) => [name, shed[n] ?? 0])) as Record<Priority, number>,
      profiles: { ...this.#profiles, ...(config === undefined ? NOWHERE : placeOf(config)) },
    };
  }

  /**
   * Has a thread profile itself because somebody asks for it; one by itself, at most, is under way beside it.
   * @param thread as the status names it; null: there is none of that name
   */
  profile(thread: string, wish: ProfileWish): Promise<Uint8Array> | null {
    if (thread === MAIN) return profileThread(wish);
    const isKnown = this.#threads.some(({ name }) => name === thread);
    return isKnown ? (this.#deps.workers()?.profile(numberOf(thread), wish) ?? null) : null;
  }

  #statusOf({ name, connectionsMax, ...thread }: ThreadReading, acts: boolean): ThreadSaturation {
    const { delayMs, heapBytes, heapLimitBytes, connections, requests } = thread;
    const isAsked = acts && connectionsMax !== null;
    const refusedRatio = isAsked ? this.#watch.pressureOf(name).refusedRatio : 0;
    const grade = this.#watch.gradeOf(name);
    return { name, grade, delayMs, heapBytes, heapLimitBytes, connections, requests, refusedRatio };
  }

  /** Looks no more. A profile that is being made is left behind. */
  close(): void {
    this.#stop();
  }

  #beat(): void {
    const atMs = nowMs();
    this.#lateMs = Math.max(this.#lateMs, atMs - this.#beatAtMs - BEAT_MS);
    this.#beatAtMs = atMs;
    this.#beats = (this.#beats + 1) % BEATS_PER_LOOK;
    const current = this.#deps.store.current;
    if (this.#beats === 0 && current !== null) this.#look(current.config, atMs);
    // The first one comes while everything starts: nobody waits for a change then.
    if (current !== this.#current && this.#current !== null) this.#calm.worked(atMs);
    this.#current = current;
    if (this.#calm.isDue(atMs, lastingBytes)) this.#tidy();
  }

  /** This thread alone: in workers requests would wait for it. */
  #tidy(): void {
    collectOnce();
    this.#calm.collected(lastingBytes());
    // It was not late, it was about to be idle.
    this.#beatAtMs = nowMs();
  }

  #look(config: Config, atMs: number): void {
    const { acts, delayMs, memoryBytes, profiles } = config.saturation;
    this.#reading = this.#machine.read(atMs, memoryBytes);
    this.#threads = [this.#own(), ...this.#workers(config, atMs)];
    const changes = this.#watch.look({ machine: this.#reading, threads: this.#threads, delayMs });
    this.#threads.slice(1).forEach(({ name }) => {
      const { grade, refusedRatio } = this.#watch.pressureOf(name);
      this.#deps.workers()?.commons.press(numberOf(name), acts ? grade : 0, acts ? refusedRatio : 0);
    });
    for (const change of changes) this.#tell(change, acts);
    const { used, max } = this.#reading.memory;
    if (acts && this.#collection.isDue(used / max, atMs)) this.#collect();
    const worst = GRADES.indexOf(this.#watch.worst.grade);
    const turn = this.#episode.look(worst, atMs, profiles.cooldownMs);
    const risen = changes.find(({ after }) => GRADES.indexOf(after) >= GRADES.indexOf('shedding'));
    if (turn === 'too-soon') this.#profiles.skipped += 1;
    if (turn === 'profile' && risen !== undefined) void this.#profile(risen, config);
  }

  #collect(): void {
    this.#deps.workers()?.collect();
    collectGarbage().catch((error: unknown) => this.#deps.log.error('saturation_collect_failed', { error }));
  }

  #tell(change: GradeChange, acts: boolean): void {
    const isRise = GRADES.indexOf(change.after) > GRADES.indexOf(change.before);
    this.#deps.log[isRise ? 'warn' : 'info']('saturation', { ...change, acts });
  }

  #own(): ThreadReading {
    const { used_heap_size: heapBytes, heap_size_limit: heapLimitBytes } = getHeapStatistics();
    const delayMs = Math.max(0, Math.floor(this.#lateMs));
    this.#lateMs = 0;
    const nobody = { connections: 0, connectionsMax: null, requests: 0 };
    return { name: MAIN, life: 0, delayMs, heapBytes, heapLimitBytes, ...nobody };
  }

  /** The workers whose event loop has turned at least once. */
  #workers({ limits }: Config, atMs: number): ThreadReading[] {
    const workers = this.#deps.workers();
    if (workers === null) return [];
    const regions = workers.regions();
    return workers.status().flatMap(({ id, state }) => {
      const region = regions[id];
      if (region === undefined || (state !== 'serving' && state !== 'draining')) return [];
      const { events } = region.tallies;
      const beats = Atomics.load(events, EVENTS_HEAD.beats);
      if (beats === 0) return [];
      const name = `worker-${id}`;
      return [
        {
          name,
          life: region.id,
          delayMs: Math.max(
            Atomics.exchange(events, EVENTS_HEAD.delayMs, 0),
            this.#stillMs(name, region.id, beats, atMs),
          ),
          heapBytes: (events[EVENTS_HEAD.heapKiB] as number) * KIB,
          heapLimitBytes: (events[EVENTS_HEAD.heapLimitKiB] as number) * KIB,
          connections: events[EVENTS_HEAD.connections] as number,
          connectionsMax: limits.connectionsMax,
          requests: events[EVENTS_HEAD.requests] as number,
        },
      ];
    });
  }

  /** How long a worker's event loop has stood still, as far as looks can tell; 0 while it turns. */
  #stillMs(name: string, life: number, beats: number, atMs: number): number {
    const seen = this.#seen.get(name);
    if (seen !== undefined && seen.life === life && seen.beats === beats)
      return Math.max(0, Math.floor(atMs - seen.atMs - BEAT_MS));
    this.#seen.set(name, { life, beats, atMs });
    return 0;
  }

  /** Profiles the thread that a change is about; of what all share, the one with the largest heap. Never rejects. */
  async #profile({ scope, signal }: GradeChange, config: Config): Promise<void> {
    const { directory, because } = placeOf(config);
    if (directory === '') {
      this.#profiles.skipped += 1;
      this.#deps.log.info('saturation_profile_skipped', { because });
      return;
    }
    const largest = this.#threads.toSorted((a, b) => b.heapBytes - a.heapBytes)[0]?.name ?? MAIN;
    const thread = scope === 'process' ? largest : scope;
    const kind: ProfileKind = signal === 'heap' || signal === 'memory' ? 'heap' : 'cpu';
    const { lengthMs, bytesMax, keep } = config.saturation.profiles;
    const wish = { kind, lengthMs, bytesMax };
    try {
      const bytes = await (thread === MAIN
        ? profileThread(wish)
        : this.#deps.workers()?.profile(numberOf(thread), wish));
      if (bytes === undefined) throw new Error('there are no workers any more');
      const file = await writeProfile({ directory, keep, bytesMax }, profileName(wallTime(), thread, kind), bytes);
      this.#profiles.written += 1;
      this.#profiles.last = file;
      this.#deps.log.warn('saturation_profile', { file, thread, bytes: bytes.length });
    } catch (error) {
      this.#profiles.failed += 1;
      this.#deps.log.error('saturation_profile_failed', { thread, kind, directory, error });
    }
  }
}

const NOWHERE = { directory: '', because: 'there is no configuration yet' };

/** Where profiles go; an empty directory: nowhere, and why. */
function placeOf({ saturation, state }: Config): Pick<ProfilesStatus, 'directory' | 'because'> {
  const { directory, keep } = saturation.profiles;
  if (keep === 0) return { directory: '', because: 'saturation.profiles.keep is 0' };
  if (directory !== null) return { directory, because: '' };
  if (state.directory !== null) return { directory: join(state.directory, 'profiles'), because: '' };
  return { directory: '', because: 'neither saturation.profiles.directory nor state.directory is configured' };
}

/** `worker-3` → 3 */
function numberOf(name: string): number {
  return Number(name.slice('worker-'.length));
}
