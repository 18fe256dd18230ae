/**
 * CPU time of processes and cores, from the kernel's own accounting.
 *
 * `/proc/PID/stat` holds user and system time of all threads of a process, living and ended, in clock ticks. One tick is
 * usually 10 ms, so a measurement of 5 s on a busy core is exact to 0.2 %.
 * Source: proc_pid_stat(5), fields 14 utime and 15 stime; proc_stat(5).
 */

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Ticks per second of this kernel's accounting. */
export function ticksPerSecond(): number {
  return Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
}

/** One process in `/proc/PID/stat`. The name in parentheses may itself hold spaces and parentheses. */
export function parseProcessStat(text: string): { readonly parent: number; readonly ticks: number } {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [parent, user, system] = [fields[1], fields[11], fields[12]].map(Number);
  if (parent === undefined || user === undefined || system === undefined || Number.isNaN(user + system + parent)) {
    throw new Error(`not a process's stat: ${text}`);
  }
  return { parent, ticks: user + system };
}

/** Ticks of a process and its direct children (nginx: the master and its workers). @throws when it is gone */
export function processTicks(pid: number): number {
  let ticks = parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'utf8')).ticks;
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = statOf(Number(name));
    if (stat?.parent === pid) ticks += stat.ticks;
  }
  return ticks;
}

/** A process's stat, or null when it ended between the listing and the reading. */
function statOf(pid: number): ReturnType<typeof parseProcessStat> | null {
  try {
    return parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ESRCH') return null;
    throw error;
  }
}

/** Busy and all ticks of one core since boot, from `/proc/stat`; steal counts as busy, idle and iowait do not. */
export function parseCoreStat(text: string, core: number): { readonly busy: number; readonly all: number } {
  const line = text.split('\n').find((one) => one.startsWith(`cpu${core} `));
  if (line === undefined) throw new Error(`no cpu${core} in /proc/stat`);
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = line
    .split(' ')
    .slice(1)
    .map(Number);
  const busy = user + nice + system + irq + softirq + steal;
  return { busy, all: busy + idle + iowait };
}

/** Busy share of a core between two readings of `/proc/stat`, 0..1. */
export function busyRatio(before: string, after: string, core: number): number {
  const from = parseCoreStat(before, core);
  const to = parseCoreStat(after, core);
  return to.all === from.all ? 0 : (to.busy - from.busy) / (to.all - from.all);
}

/** The kernel's accounting of all cores. */
export function readCores(): string {
  return readFileSync('/proc/stat', 'utf8');
}
