/** How long the kernel lets threads work at a time. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { release } from 'node:os';

const [major = 0, minor = 0] = release().split('.').map(Number);

/** Whether threads may choose their slices here, and it can be seen. */
export const HAS_SLICES =
  process.platform === 'linux' && (major > 6 || (major === 6 && minor >= 12)) && existsSync('/proc/self/sched');

/** Of each thread of a process: its name and its slice in µs. */
export function slicesOf(pid: number): readonly (readonly [name: string, slice: number])[] {
  return readdirSync(`/proc/${pid}/task`).map((id) => {
    const read = (file: string): string => readFileSync(`/proc/${pid}/task/${id}/${file}`, 'utf8');
    const slice = /^se\.slice\s*:\s*(\d+)$/m.exec(read('sched'))?.[1];
    return [read('comm').trim(), Number(slice) / 1000] as const;
  });
}
