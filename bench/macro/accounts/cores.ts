/**
 * Reads the kernel's accounting of cores: how busy they were, and how much time the hypervisor took.
 *
 * Source: proc_stat(5). Guest time is part of user time there and is not added again.
 */

import { readFileSync } from 'node:fs';

/** Time since boot, in clock ticks. */
export interface CoreTicks {
  /** Spent on anything that runs here; idle, waiting for a disk and stolen time are not. */
  readonly busy: number;
  /** Taken by the hypervisor for somebody else. */
  readonly steal: number;
}

/** Ticks of some cores together, from the text of `/proc/stat`. @throws when a core is missing */
export function parseCores(text: string, cores: readonly number[]): CoreTicks {
  let busy = 0;
  let stolen = 0;
  for (const core of cores) {
    const line = text.split('\n').find((one) => one.startsWith(`cpu${core} `));
    if (line === undefined) throw new Error(`no cpu${core} in /proc/stat`);
    const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line.split(' ').slice(1).map(Number);
    busy += user + nice + system + irq + softirq;
    stolen += steal;
  }
  return { busy, steal: stolen };
}

/** The kernel's accounting of all cores. */
export function readCores(): string {
  return readFileSync('/proc/stat', 'utf8');
}
