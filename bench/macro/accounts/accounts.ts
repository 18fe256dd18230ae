/**
 * Takes the books of one measurement: CPU time of gateway, upstream and load generator, and what others took of the cores.
 *
 * ```
 * busy time of the pinned cores = gateway + upstream + load generator + the bench itself + others
 * ```
 * What is left over is noise: other processes, interrupts, kernel threads. It is told in cores (0.1 = a tenth of one
 * core), so that it means the same whether one core is looked at or two.
 */

import { parseCores, readCores } from './cores.ts';
import { ownTicks, processTicks } from './processes.ts';

/** Where everything of a measurement runs; no cores = not pinned. */
export interface Cores {
  readonly gateway: readonly number[];
  /** Load generator, upstream and the bench itself. */
  readonly load: readonly number[];
}

/** Whose time is counted. */
export interface Parties {
  /** The gateway's process; null when there is none (the direct row). */
  readonly gateway: number | null;
  readonly upstream: number;
  /** A load generator that still runs when the books are closed; null for one that will have ended. */
  readonly load: number | null;
}

/** The kernel's books at one instant, in ticks. */
export interface Books {
  readonly atMs: number;
  readonly gateway: number;
  /** Upstream, load generator and the bench. */
  readonly others: number;
  /** Text of `/proc/stat`. */
  readonly cores: string;
}

/** The difference of two books. */
export interface Usage {
  /** CPU time of all the gateway's processes and threads. */
  readonly gatewaySeconds: number;
  /** The same as a share of one core. */
  readonly gatewayRatio: number;
  /** Busy share of the load's cores; near 1 they were the bottleneck. Null when nothing is pinned. */
  readonly loadCoreRatio: number | null;
  /** Time of the pinned cores that others took, in cores. Null when nothing is pinned. */
  readonly noiseRatio: number | null;
  /** Time that the hypervisor took of the pinned cores, in cores. Null when nothing is pinned. */
  readonly stealRatio: number | null;
}

/** Opens or closes the books. @throws when one of the parties is gone */
export function readBooks({ gateway, upstream, load }: Parties): Books {
  return {
    atMs: performance.now(),
    gateway: gateway === null ? 0 : processTicks(gateway),
    others: ownTicks() + processTicks(upstream) + (load === null ? 0 : processTicks(load)),
    cores: readCores(),
  };
}

/** What happened between two books. */
export function usageBetween(before: Books, after: Books, cores: Cores, ticksPerSecond: number): Usage {
  const wallTicks = ((after.atMs - before.atMs) / 1_000) * ticksPerSecond;
  const gateway = after.gateway - before.gateway;
  const pinned = [...new Set([...cores.gateway, ...cores.load])];
  const from = parseCores(before.cores, pinned);
  const to = parseCores(after.cores, pinned);
  const loadBusy = parseCores(after.cores, cores.load).busy - parseCores(before.cores, cores.load).busy;
  const left = to.busy - from.busy - gateway - (after.others - before.others);
  const isPinned = pinned.length > 0;
  return {
    gatewaySeconds: gateway / ticksPerSecond,
    gatewayRatio: gateway / wallTicks,
    loadCoreRatio: isPinned ? loadBusy / (wallTicks * cores.load.length) : null,
    noiseRatio: isPinned ? Math.max(0, left / wallTicks) : null,
    stealRatio: isPinned ? (to.steal - from.steal) / wallTicks : null,
  };
}
