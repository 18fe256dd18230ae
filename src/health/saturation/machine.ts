/**
 * How much the process takes of what the machine gives it: memory, descriptors, processors.
 *
 * The limit of memory is what the configuration says, else what the control group allows, else what the machine has; the
 * group's own is looked at in any case, as it is the one that ends processes.
 */

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { totalmem } from 'node:os';
import type { UsedLimit } from '../../model/threads/load/saturation.ts';
import { Cgroup } from './cgroup.ts';

/** Limits may be moved while the process runs. */
const FIND_MS = 10_000;
const KIB = 1024;

/** What the process as a whole takes. */
export interface MachineReading {
  /** Where least is left; `from` says whose limit it is. */
  readonly memory: UsedLimit & { readonly from: string };
  /** null where the system does not tell. */
  readonly descriptors: UsedLimit | null;
}

/** The system's answers, replaced in tests. */
export interface MachineSource {
  /** null when there is no descriptor to read it with. */
  readonly ownBytes: () => number | null;
  readonly totalBytes: () => number;
  readonly descriptors: Pick<Descriptors, 'find' | 'read'>;
  readonly cgroup: Pick<Cgroup, 'find' | 'memory' | 'cpus'>;
}

/** The machine that this runs on. */
export function thisMachine(): MachineSource {
  return { ownBytes, totalBytes: totalmem, descriptors: new Descriptors(), cgroup: new Cgroup() };
}

export class Machine {
  readonly #source: MachineSource;
  #foundAtMs = Number.NEGATIVE_INFINITY;
  #cpus: number | null = null;
  #totalBytes = 0;
  /** As it was last known. */
  #ownBytes = 0;

  constructor(source: MachineSource = thisMachine()) {
    this.#source = source;
  }

  /** Processors that the control group allows; null = all. */
  get cpus(): number | null {
    return this.#cpus;
  }

  /** Reads what is used, and now and then the limits. @param memoryMax what the configuration says, or null. Cost: about 50 us */
  read(nowMs: number, memoryMax: number | null): MachineReading {
    const { ownBytes, totalBytes, descriptors, cgroup } = this.#source;
    if (nowMs - this.#foundAtMs >= FIND_MS) {
      this.#foundAtMs = nowMs;
      cgroup.find();
      descriptors.find();
      this.#totalBytes = totalBytes();
      this.#cpus = cgroup.cpus();
    }
    const used = ownBytes() ?? this.#ownBytes;
    this.#ownBytes = used;
    const own =
      memoryMax === null
        ? { used, max: this.#totalBytes, from: "the machine's memory" }
        : { used, max: memoryMax, from: 'saturation.memory' };
    const group = cgroup.memory();
    const isTighter = group !== null && (memoryMax === null || group.used / group.max > own.used / own.max);
    const memory = isTighter ? { used: group.used, max: group.max, from: `cgroup ${group.group}` } : own;
    return { memory, descriptors: descriptors.read() };
  }
}

/**
 * The resident set less its pages of files, the program's own among them, which the kernel drops and reads again when memory is short; all
 * of it where the system does not tell them apart (before Linux 4.5, elsewhere). @throws what is no lack of descriptors
 */
export function ownBytes(): number | null {
  try {
    const status = readFileSync('/proc/self/status', 'utf8');
    const [anonymous, shared] = [/^RssAnon:\s+(\d+) kB$/m.exec(status), /^RssShmem:\s+(\d+) kB$/m.exec(status)];
    if (anonymous !== null && shared !== null) return (Number(anonymous[1]) + Number(shared[1])) * KIB;
  } catch (error) {
    if (isLackOfDescriptors(error)) return null;
  }
  return rssBytes();
}

/** The runtime reads it from a file. @throws what is no lack of descriptors */
function rssBytes(): number | null {
  try {
    return process.memoryUsage.rss();
  } catch (error) {
    if (isLackOfDescriptors(error)) return null;
    throw error;
  }
}

function isLackOfDescriptors(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EMFILE' || code === 'ENFILE';
}

/** Reads descriptors from /proc; null where there is none. */
export class Descriptors {
  #max: number | null = null;

  constructor() {
    this.find();
  }

  /** Looks anew for the soft limit; when no descriptor is left to read it with, it is the one known last. Cost: about 15 us. */
  find(): void {
    this.#max = softLimit() ?? this.#max;
  }

  /** Open ones, also when none is left to read with, and the limit. Cost: about 5 us. */
  read(): UsedLimit | null {
    const used = this.#max === null ? null : openCount();
    return this.#max === null ? null : { used: used ?? this.#max, max: this.#max };
  }
}

function softLimit(): number | null {
  const limit = /^Max open files\s+(\d+)/m.exec(textOf('/proc/self/limits'))?.[1];
  return limit === undefined ? null : Number(limit);
}

/** Since Linux 6.2 the size of the folder, which takes no descriptor to read; else its entries. null: none is left to read with. */
function openCount(): number | null {
  const size = statSync('/proc/self/fd', { throwIfNoEntry: false })?.size ?? 0;
  if (size > 0) return size;
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return null;
  }
}

/** Empty where there is no such file, and when there is no descriptor to open it. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
