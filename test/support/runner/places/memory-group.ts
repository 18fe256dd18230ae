/**
 * A memory control group for one process, so that the kernel itself holds it to its limit: it reclaims, and ends the process where that is not
 * enough.
 *
 * It lies below the group of whoever makes it, who needs the right to (root, mostly), in version 1 or 2 of control groups. What counts
 * against it is the process's own memory, its sockets, and pages of files that it was the first to read.
 * Source: Linux, Documentation/admin-guide/cgroup-v1/memory.rst, cgroup-v2.rst "Memory Interface Files".
 */

import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface MemoryGroup {
  /** Goes before the command of whoever is to be in it. */
  readonly command: readonly string[];
  /** How many processes in it the kernel has ended for want of memory. */
  kills(): number;
  /** The most that it held, in bytes, with pages of files that the kernel would have dropped before it ended anyone. */
  peakBytes(): number;
  /** Removes it; its processes have ended. */
  remove(): void;
}

/** Names of one version. */
interface Version {
  /** Of the line in /proc/self/cgroup. */
  readonly line: RegExp;
  readonly mount: string;
  readonly limit: string;
  readonly peak: string;
  readonly events: string;
}

const VERSIONS: readonly Version[] = [
  {
    line: /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m,
    mount: '/sys/fs/cgroup/memory',
    limit: 'memory.limit_in_bytes',
    peak: 'memory.max_usage_in_bytes',
    events: 'memory.oom_control',
  },
  {
    line: /^0::(.*)$/m,
    mount: '/sys/fs/cgroup',
    limit: 'memory.max',
    peak: 'memory.peak',
    events: 'memory.events',
  },
];

/** Null where none can be made. */
export function memoryGroup(limitBytes: number): MemoryGroup | null {
  for (const version of VERSIONS) {
    const group = groupOf(version, limitBytes);
    if (group !== null) return group;
  }
  return null;
}

function groupOf({ line, mount, limit, peak, events }: Version, limitBytes: number): MemoryGroup | null {
  const path = line.exec(ownGroups())?.[1];
  if (path === undefined) return null;
  const folder = join(mount, path, `sluice-test-${process.pid}`);
  try {
    mkdirSync(folder);
  } catch {
    return null;
  }
  // A folder without a limit is a group whose parent hands out no memory.
  if (!existsSync(join(folder, limit))) {
    rmdirSync(folder);
    return null;
  }
  writeFileSync(join(folder, limit), String(limitBytes));
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
  return {
    command: ['sh', '-c', 'echo $$ > "$0" && exec "$@"', join(folder, 'cgroup.procs')],
    kills: () => Number(/^oom_kill (\d+)$/m.exec(read(events))?.[1] ?? 0),
    peakBytes: () => Number(read(peak)),
    remove: () => rmdirSync(folder),
  };
}

function ownGroups(): string {
  try {
    return readFileSync('/proc/self/cgroup', 'utf8');
  } catch {
    return '';
  }
}
