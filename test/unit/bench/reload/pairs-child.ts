/** Moves itself aside, lets a child of its own loose, goes last, and tells where both may run and how: `{aside, loose}`. */

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { goLast, letLoose, moveAside } from '../../../../bench/reload/pairs.ts';

const SCHEDULING_CLASS = 38;

function placeOf(pid: number): { readonly cores: string; readonly schedulingClass: number } {
  const cores = /^Cpus_allowed_list:\s*(.+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';
  // The name of the command may have blanks: fields are counted from its bracket on.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return { cores, schedulingClass: Number(fields[SCHEDULING_CLASS]) };
}

moveAside();
const child = spawn(process.execPath, ['-e', 'setTimeout(() => undefined, 60_000)'], { stdio: 'ignore' });
try {
  letLoose(child.pid as number);
  goLast([process.pid]);
  process.stdout.write(JSON.stringify({ aside: placeOf(process.pid), loose: placeOf(child.pid as number) }));
} finally {
  child.kill();
}
