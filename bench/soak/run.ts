/**
 * Soak test: the real gateway under mixed traffic for minutes or hours, one line a minute, leak checks at the end.
 *
 * `npm run soak -- --minutes 60 --seed 1`. It ends with 1 when a whole request went wrong, when anything is still under way
 * once the traffic is over, when descriptors are left, or when the resident set grew beyond its bound.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Random } from '#src/lib/random.ts';
import { type GatewayProcess, startGatewayProcess, until } from '../../test/support/gateway.ts';
import { startLeavingUpstream } from '../../test/support/proxy/aborts.ts';
import { type Done, startTraffic } from './traffic.ts';

const MIB = 1_048_576;
const MINUTE_MS = 60_000;
/** What a process may grow by in the second half: heap that is not yet collected, compiled code. */
const GROWTH_BYTES_MAX = 48 * MIB;
/** Below this a process still settles and its growth says nothing. */
const MINUTES_JUDGED = 4;
/** Patience until pooled connections have reached their idle time. */
const QUIET_MS = 15_000;
/** Descriptors that come and go by themselves: a file watch, a reader of the admin port. */
const SPARE_DESCRIPTORS = 8;

export interface SoakOptions {
  readonly minutes: number;
  readonly seed: number;
  readonly print: (line: string) => void;
}

/** Resident set and open descriptors of a process; null where the system has no /proc. */
function measure(pid: number): { readonly rssBytes: number; readonly descriptors: number } | null {
  try {
    const rssKb = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return { rssBytes: Number(rssKb) * 1024, descriptors: readdirSync(`/proc/${pid}/fd`).length };
  } catch {
    return null;
  }
}

/** What is still under way, in words; empty when nothing is. */
async function underWay(gateway: GatewayProcess): Promise<string[]> {
  const { routes, workers } = await gateway.status();
  const found: string[] = [];
  for (const route of routes) {
    if (route.inFlight !== 0) found.push(`route ${route.name}: ${route.inFlight} in flight`);
    for (const version of route.versions) {
      if (version.inFlight !== 0) found.push(`version ${version.version}: ${version.inFlight} in flight`);
      for (const { address, inFlight, connections } of version.endpoints) {
        if (inFlight !== 0) found.push(`${address}: ${inFlight} in flight`);
        if (connections !== 0) found.push(`${address}: ${connections} connections`);
      }
    }
  }
  for (const { id, restarts } of workers) if (restarts > 0) found.push(`worker ${id}: ${restarts} restarts`);
  return found;
}

/** Waits until nothing is under way, and says what still is when patience ends. */
async function leftovers(gateway: GatewayProcess): Promise<string[]> {
  let found = await underWay(gateway);
  for (let waitedMs = 0; found.length > 0 && waitedMs < QUIET_MS; waitedMs += 200) {
    await sleep(200);
    found = await underWay(gateway);
  }
  return found;
}

function configFor(port: number): string {
  return `
listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: 2
saturation: {response: observe}
services:
  shop:
    versions:
      v1: {endpoints: ["127.0.0.1:${port}"]}
routes:
  - name: shop
    backendRefs: [{name: shop}]
`;
}

type Measure = ReturnType<typeof measure>;

/** Prints a line a minute until the time is over; resolves with what was measured at each. */
async function watch(pid: number, done: Done, { minutes, print }: SoakOptions): Promise<Measure[]> {
  const startedMs = performance.now();
  const measures: Measure[] = [];
  for (let minute = 1; minute <= Math.ceil(minutes); minute++) {
    await sleep(startedMs + Math.min(minute, minutes) * MINUTE_MS - performance.now());
    // Of a busy machine some seconds may be too few.
    await until('something was done', () => done.answers() > 0 && done.left() > 0);
    const now = measure(pid);
    const size = now === null ? '' : `, ${Math.round(now.rssBytes / MIB)} MiB, ${now.descriptors} descriptors`;
    print(
      `minute ${minute}: ${done.answers()} answers, ${done.wrong().length} kinds of wrong ones, ${done.left()} clients ` +
        `left, ${done.slowReads()} slow reads, ${done.reloads()} reloads${size}`,
    );
    measures.push(now);
  }
  return measures;
}

/** What the process holds too much of once nothing is under way. */
function sizeFaults(idle: Measure, measures: readonly Measure[], after: Measure): string[] {
  if (idle === null || after === null) return [];
  const faults: string[] = [];
  const more = after.descriptors - idle.descriptors;
  if (more > SPARE_DESCRIPTORS) faults.push(`${more} more descriptors than before`);
  const half = measures[Math.floor(measures.length / 2) - 1];
  if (measures.length < MINUTES_JUDGED || half === undefined || half === null) return faults;
  const grown = after.rssBytes - half.rssBytes;
  if (grown > GROWTH_BYTES_MAX) faults.push(`${Math.round(grown / MIB)} MiB more than after half the time`);
  return faults;
}

/** Runs it; resolves with all faults, in words. */
export async function soak(options: SoakOptions): Promise<string[]> {
  const upstream = await startLeavingUpstream();
  const config = configFor(upstream.port);
  const gateway = await startGatewayProcess(config);
  const pid = gateway.child.pid as number;
  try {
    const idle = measure(pid);
    const traffic = startTraffic(gateway, config, new Random(options.seed));
    const measures = await watch(pid, traffic.done, options);
    await traffic.stop();
    const faults = [...traffic.done.wrong(), ...(await leftovers(gateway))];
    if (gateway.child.exitCode !== null) faults.push(`the gateway ended: ${gateway.output()}`);
    return [...faults, ...sizeFaults(idle, measures, measure(pid))];
  } finally {
    await gateway.end();
    await upstream.close();
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { minutes: { type: 'string' }, seed: { type: 'string' } } });
  const minutes = Number(values.minutes ?? 10);
  const seed = Number(values.seed ?? Date.now() >>> 0);
  if (!(minutes > 0) || !Number.isInteger(seed)) throw new Error('usage: npm run soak -- [--minutes N] [--seed N]');
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  print(`soaking for ${minutes} minutes, seed ${seed}`);
  const faults = await soak({ minutes, seed, print });
  for (const fault of faults) print(`FAULT ${fault}`);
  print(faults.length === 0 ? 'nothing leaked, nothing went wrong' : `${faults.length} faults`);
  return faults.length === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main();
