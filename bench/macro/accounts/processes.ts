/**
 * Reads one process and its direct children from `/proc`: CPU time and resident memory.
 *
 * `/proc/PID/stat` holds user and system time of all threads of a process, living and ended, in clock ticks. One tick is
 * usually 10 ms, so a measurement of 5 s on a busy core is exact to 0.2 %.
 * Source: proc_pid_stat(5), fields 14 utime, 15 stime, 16 cutime, 17 cstime; proc_pid_status(5), VmRSS.
 */

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** What `/proc/PID/stat` says. */
export interface ProcessStat {
  readonly parent: number;
  /** User and system time of the process. */
  readonly ticks: number;
  /** The same of its children that have ended and were waited for, and of theirs. */
  readonly endedTicks: number;
}

/** Ticks per second of this kernel's accounting. */
export function ticksPerSecond(): number {
  return Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
}

/** One process in `/proc/PID/stat`. The name in parentheses may itself hold spaces and parentheses. */
export function parseProcessStat(text: string): ProcessStat {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [parent = Number.NaN, ...times] = [1, 11, 12, 13, 14].map((at) => Number(fields[at]));
  const [user = Number.NaN, system = Number.NaN, endedUser = Number.NaN, endedSystem = Number.NaN] = times;
  const ticks = user + system;
  const endedTicks = endedUser + endedSystem;
  if (Number.isNaN(parent + ticks + endedTicks)) throw new Error(`not a process's stat: ${text}`);
  return { parent, ticks, endedTicks };
}

/** VmRSS of a `/proc/PID/status` in KiB; 0 for one without memory of its own (a zombie). */
export function parseResidentKib(text: string): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0);
}

/** A file of `/proc`, or null when its process is gone. */
function readProcess(pid: number, file: 'stat' | 'status' | `task/${string}/stat`): string | null {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ESRCH') return null;
    throw error;
  }
}

/** The processes whose parent is `pid` (nginx: the workers). */
export function childPids(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((other) => {
      const text = readProcess(other, 'stat');
      return text !== null && parseProcessStat(text).parent === pid;
    });
}

function statOf(pid: number): ProcessStat {
  const text = readProcess(pid, 'stat');
  if (text === null) throw new Error(`process ${pid} is gone`);
  return parseProcessStat(text);
}

/** Ticks of a process and its direct children. @throws when the process is gone */
export function processTicks(pid: number): number {
  const { ticks } = statOf(pid);
  const others = childPids(pid).map((child) => readProcess(child, 'stat'));
  return others.reduce((sum, text) => sum + (text === null ? 0 : parseProcessStat(text).ticks), ticks);
}

/** Ticks of a process's living threads whose names begin with `prefix`. @throws when the process is gone */
export function threadTicks(pid: number, prefix: string): number {
  let ticks = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const text = readProcess(pid, `task/${thread}/stat`);
    if (text !== null && text.includes(`(${prefix}`)) ticks += parseProcessStat(text).ticks;
  }
  return ticks;
}

/** Ticks of this process and of its children that have ended: the bench itself with the load generators it waited for. */
export function ownTicks(): number {
  const { ticks, endedTicks } = statOf(process.pid);
  return ticks + endedTicks;
}

/** Resident memory of a process and its direct children in KiB. @throws when the process is gone */
export function residentKib(pid: number): number {
  const own = readProcess(pid, 'status');
  if (own === null) throw new Error(`process ${pid} is gone`);
  const others = childPids(pid).map((child) => readProcess(child, 'status'));
  return others.reduce((sum, text) => sum + (text === null ? 0 : parseResidentKib(text)), parseResidentKib(own));
}

/** Most files and sockets that a process of ours may have open. */
export function openFilesMax(): number {
  const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return limit === undefined ? Number.POSITIVE_INFINITY : Number(limit);
}
