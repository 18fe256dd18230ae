/**
 * One measurement of one gateway: load it for some seconds and divide its CPU time by the requests it answered.
 */

import { busyRatio, processTicks, readCores } from './cpu.ts';
import { type Load, type LoadResult, runLoad } from './load.ts';

/** What one measurement gives. */
export interface Sample {
  /** CPU time of all the gateway's processes and threads per answered request. */
  readonly cpuUs: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Share of one core that the gateway itself used, 0..1 (more with several threads on several cores). */
  readonly gatewayRatio: number;
  /** Share of the gateway's core that somebody else used: noise. Null when nothing is pinned. */
  readonly foreignRatio: number | null;
  /** Busy share of the core of load and upstream; near 1 they are the bottleneck. Null when nothing is pinned. */
  readonly loadCoreRatio: number | null;
}

/** Cores of a run: the gateway's, and that of load generator and upstream; both -1 = not pinned. */
export interface Cores {
  readonly gateway: number;
  readonly load: number;
}

/** The kernel's accounting around one load. */
interface Readings {
  readonly ticks: number;
  readonly wallMs: number;
  readonly ticksPerSecond: number;
  readonly coresBefore: string;
  readonly coresAfter: string;
}

/** Turns readings and the load's own count into a sample. @throws when an answer was bad or a connection failed */
export function sampleOf(result: LoadResult, readings: Readings, cores: Cores): Sample {
  const { requests, badStatus, socketErrors, durationUs } = result;
  if (requests === 0 || badStatus > 0 || socketErrors > 0) {
    throw new Error(`${requests} requests, ${badStatus} bad answers, ${socketErrors} socket errors`);
  }
  const cpuSeconds = readings.ticks / readings.ticksPerSecond;
  const gatewayRatio = cpuSeconds / (readings.wallMs / 1_000);
  const busy = (core: number): number => busyRatio(readings.coresBefore, readings.coresAfter, core);
  return {
    cpuUs: (cpuSeconds * 1e6) / requests,
    requestsPerSecond: requests / (durationUs / 1e6),
    p50Ms: result.p50Us / 1_000,
    p99Ms: result.p99Us / 1_000,
    gatewayRatio,
    foreignRatio: cores.gateway < 0 ? null : Math.max(0, busy(cores.gateway) - gatewayRatio),
    loadCoreRatio: cores.load < 0 ? null : busy(cores.load),
  };
}

/** Loads the gateway with this pid and measures it. @throws when the load fails or an answer is bad */
export async function measure(pid: number, load: Load, cores: Cores, ticksPerSecond: number): Promise<Sample> {
  const coresBefore = readCores();
  const ticksBefore = processTicks(pid);
  const startedAtMs = performance.now();
  const result = await runLoad(load);
  const wallMs = performance.now() - startedAtMs;
  const ticks = processTicks(pid) - ticksBefore;
  return sampleOf(result, { ticks, wallMs, ticksPerSecond, coresBefore, coresAfter: readCores() }, cores);
}
