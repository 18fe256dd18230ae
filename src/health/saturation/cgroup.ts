/**
 * What the control groups of this process allow and how much of it is used: memory and processors.
 *
 * Every group on the way up to the root may have a limit, and the tightest counts. Version 2 is read (`memory.max`,
 * `memory.high`, above which the kernel slows the process down, `cpu.max`), and the memory of version 1, which older machines
 * have. Used is what the kernel could not take back at once: the group's memory less its inactive file pages, as kubelet
 * reckons. A machine without control groups has no limit; a file that cannot be read is none.
 * Source: Linux, Documentation/admin-guide/cgroup-v2.rst "Memory Interface Files"; proc_pid_mountinfo(5).
 */

import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

/** In version 1 no limit is a number this large, less a page. */
const NONE_FROM = 2 ** 60;

/** Memory of the group that has least left. */
export interface GroupMemory {
  readonly used: number;
  readonly max: number;
  /** Its folder. */
  readonly group: string;
}

interface Level {
  readonly folder: string;
  readonly files: Files;
}

/** Names of one version. */
interface Files {
  readonly limits: readonly string[];
  readonly usage: string;
  readonly inactive: RegExp;
}

const VERSION_2: Files = {
  limits: ['memory.max', 'memory.high'],
  usage: 'memory.current',
  inactive: /^inactive_file (\d+)$/m,
};
const VERSION_1: Files = {
  limits: ['memory.limit_in_bytes'],
  usage: 'memory.usage_in_bytes',
  inactive: /^total_inactive_file (\d+)$/m,
};

/** The control groups of this process. */
export class Cgroup {
  readonly #root: string;
  #memory: readonly Level[] = [];
  #cpu: readonly string[] = [];

  /** @param root of the file system, another one in tests */
  constructor(root = '/') {
    this.#root = root;
    this.find();
  }

  /** Looks anew for groups with limits: they come and go while a process runs. Cost: some ten small files. */
  find(): void {
    const levels = this.#levels();
    this.#memory = levels.filter((level) => this.#maxOf(level) !== null);
    this.#cpu = levels.filter(({ files }) => files === VERSION_2).map(({ folder }) => folder);
  }

  /** Memory where least of the limit is left; null = there is no limit. Cost: three small files for each limit. */
  memory(): GroupMemory | null {
    let worst: GroupMemory | null = null;
    for (const level of this.#memory) {
      const max = this.#maxOf(level);
      const usage = numberIn(this.#read(level.folder, level.files.usage));
      if (max === null || usage === null) continue;
      const inactive = Number(level.files.inactive.exec(this.#read(level.folder, 'memory.stat'))?.[1] ?? 0);
      const used = Math.max(0, usage - inactive);
      if (worst === null || used / max > worst.used / worst.max) worst = { used, max, group: level.folder };
    }
    return worst;
  }

  /** Processors that it may keep busy; null = all. */
  cpus(): number | null {
    const quotas = this.#cpu.flatMap((folder) => {
      const [, quota, period] = /^(\d+) (\d+)/.exec(this.#read(folder, 'cpu.max')) ?? [];
      return quota === undefined ? [] : [Number(quota) / Number(period)];
    });
    return quotas.length === 0 ? null : Math.min(...quotas);
  }

  #maxOf({ folder, files }: Level): number | null {
    const limits = files.limits.flatMap((name) => numberIn(this.#read(folder, name)) ?? []);
    const real = limits.filter((bytes) => bytes > 0 && bytes < NONE_FROM);
    return real.length === 0 ? null : Math.min(...real);
  }

  /** The groups of the process and those above them, of both versions. */
  #levels(): Level[] {
    const groups = this.#read('/proc/self', 'cgroup').split('\n');
    return this.#read('/proc/self', 'mountinfo')
      .split('\n')
      .flatMap((line) => {
        const mount = mountOf(line);
        if (mount === null) return [];
        const own = groups.flatMap((group) => pathIn(group, mount.files) ?? [])[0];
        return own === undefined ? [] : foldersOf(mount, own).map((folder) => ({ folder, files: mount.files }));
      });
  }

  /** The text of a file; empty when there is none. */
  #read(folder: string, name: string): string {
    try {
      return readFileSync(join(this.#root, folder, name), 'utf8');
    } catch {
      // Not Linux, no such controller, a group that is gone: nothing is limited there.
      return '';
    }
  }
}

interface Mount {
  /** The group that is mounted, and where. */
  readonly top: string;
  readonly at: string;
  readonly files: Files;
}

/** `36 35 0:31 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw`; null: the mount is something else. */
function mountOf(line: string): Mount | null {
  const [mounted = '', system = ''] = line.split(' - ');
  const [, , , top, at] = mounted.split(' ');
  const [type, , options = ''] = system.split(' ');
  if (top === undefined || at === undefined) return null;
  if (type === 'cgroup2') return { top, at, files: VERSION_2 };
  if (type === 'cgroup' && options.split(',').includes('memory')) return { top, at, files: VERSION_1 };
  return null;
}

/** `0::/app` of version 2, `4:memory:/app` of version 1: the path; null: of something else. */
function pathIn(line: string, files: Files): string | null {
  const [number, controllers = '', ...rest] = line.split(':');
  const isOwn = files === VERSION_2 ? number === '0' && controllers === '' : controllers.split(',').includes('memory');
  return isOwn && rest.length > 0 ? rest.join(':') : null;
}

/** Where a group and those above it are mounted, up to the mount. Outside of what is mounted there is the mount alone. */
function foldersOf({ top, at }: Mount, group: string): string[] {
  const below = posix.relative(top, group);
  const folders = [at];
  if (below === '' || below.startsWith('..')) return folders;
  for (const part of below.split('/')) folders.push(posix.join(folders.at(-1) as string, part));
  return folders;
}

/** `max` and nothing at all are no number. */
function numberIn(text: string): number | null {
  return /^\d+\s*$/.test(text) ? Number(text) : null;
}
