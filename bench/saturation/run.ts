/**
 * A small gateway under ten times the load that it can take: it must not end, must shed what is least important, must
 * tell, and must write one profile.
 *
 * `npm run bench:saturation -- --seconds 60`. What it can take are as many requests under way as its event loops turn over
 * within `saturation.delay`, at the rate that it answered before; ten times as many connections then ask without pause. It
 * has 256 MiB, of which V8 may have 64 for each thread, and is in a control group with that limit where one can be made. Ends with 1 when
 * something was not as it must be.
 */

import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { PRIORITIES } from '#src/model/overload.ts';
import type { Status } from '#src/model/status.ts';
import { type GatewayProcess, startGatewayProcess, until } from '../../test/support/gateway.ts';
import { type MemoryGroup, memoryGroup } from '../../test/support/runner/places/memory-group.ts';
import { type Outcome, startOverloadThreads, startUpstream } from './load.ts';

const MEMORY_MIB = 256;
const HEAP_MIB = 64;
const FACTOR = 10;
/** Connections that find out what it can answer, and for how long they do. */
const PROBES = 64;
const PROBE_MS = 3000;
const LOOK_MS = 500;
/** The admin server is a bad one if it takes longer, counted in steps: a machine that stands still takes one. */
const ADMIN_MS = 5000;
const ADMIN_STEP_MS = 100;
/** Descriptors for more are not to be counted on. */
const CONNECTIONS_MAX = 8000;
const RECOVERY_MS = 60_000;
/** Beyond its time the load goes on until it was shed: on a machine that is busy with others it takes longer to be too much. */
const PATIENCE_MS = 60_000;

export interface OverloadOptions {
  readonly seconds: number;
  /** How late an event loop may be, ms. */
  readonly delayMs: number;
  /** Connections; null: found out. */
  readonly connections: number | null;
  readonly workers: number;
  readonly print: (line: string) => void;
}

function configOf(port: number, folder: string, { delayMs, workers }: OverloadOptions): string {
  return `
listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: ${workers}
trustedProxies: [127.0.0.1]
overload: {priorityHeader: x-priority}
# What else would refuse: here the gateway itself is short, not the upstream.
limits: {connectionsMax: 20000, endpointConnectionsMax: 64, endpointPendingMax: 20000}
timeouts: {pending: 30s}
saturation:
  delay: ${delayMs}ms
  memory: ${MEMORY_MIB}MiB
  profiles: {directory: ${JSON.stringify(folder)}, length: 1s}
services:
  shop: {versions: {v1: {endpoints: ["127.0.0.1:${port}"]}}}
routes:
  - name: shop
    sticky: {header: x-user-id}
    backendRefs: [{name: shop}]
`;
}

function answeredIn({ answers }: Outcome): number {
  let sum = 0;
  for (const name of PRIORITIES) sum += answers[name].ok;
  return sum;
}

/** Connections that are ten times too many, by the rate of answers without overload. */
async function connectionsFor(port: number, { delayMs, print }: OverloadOptions): Promise<number> {
  const probe = startOverloadThreads(port, PROBES);
  await sleep(PROBE_MS);
  const perSecond = answeredIn(await probe.stop()) / (PROBE_MS / 1000);
  const fit = (perSecond * delayMs) / 1000;
  const count = Math.min(CONNECTIONS_MAX, Math.ceil(FACTOR * fit));
  print(
    `${Math.round(perSecond)} answers a second: ${Math.round(fit)} requests fit into ${delayMs} ms, ${count} connections ask`,
  );
  return count;
}

interface Seen {
  readonly grades: Set<string>;
  readonly faults: string[];
  /** The most memory that the gateway said it takes. */
  peakBytes: number;
  /** Some requests were refused. */
  hasShed: boolean;
  slowestMs: number;
}

/** Null: the admin server did not answer. */
async function statusOf(gateway: GatewayProcess): Promise<Status | null> {
  let isOver = false;
  const asking = gateway.status().finally(() => {
    isOver = true;
  });
  const patience = async (): Promise<null> => {
    for (let waitedMs = 0; !isOver && waitedMs < ADMIN_MS; waitedMs += ADMIN_STEP_MS) await sleep(ADMIN_STEP_MS);
    return null;
  };
  return Promise.race([asking, patience()]).catch(() => null);
}

function mib(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}

/** Looks at the admin server until the time is over. */
async function watch(gateway: GatewayProcess, { seconds, print }: OverloadOptions): Promise<Seen> {
  const seen: Seen = { grades: new Set(), faults: [], peakBytes: 0, hasShed: false, slowestMs: 0 };
  const endMs = performance.now() + seconds * 1000;
  const isOver = (): boolean => performance.now() >= endMs + (seen.hasShed ? 0 : PATIENCE_MS);
  for (let looks = 0; !isOver() && gateway.child.exitCode === null; looks++) {
    const askedMs = performance.now();
    const status = await statusOf(gateway);
    if (status === null) seen.faults.push('the admin server did not answer');
    else note(seen, status, looks % 10 === 0 ? print : () => undefined);
    seen.slowestMs = Math.max(seen.slowestMs, performance.now() - askedMs);
    await sleep(LOOK_MS);
  }
  return seen;
}

function note(seen: Seen, { saturation, workers }: Status, print: (line: string) => void): void {
  for (const { grade } of [saturation, ...saturation.threads]) seen.grades.add(grade);
  seen.peakBytes = Math.max(seen.peakBytes, saturation.memory.used);
  seen.hasShed ||= Object.values(saturation.shed).some((count) => count > 0);
  const restarts = workers.reduce((sum, worker) => sum + worker.restarts, 0);
  if (restarts > 0) seen.faults.push(`${restarts} workers were replaced`);
  const of = saturation.threads.slice(1).map(({ name, grade, delayMs, connections, refusedRatio }) => {
    return `${name} ${grade}, ${delayMs} ms late, ${connections} connections, ${Math.round(refusedRatio * 100)} % refused`;
  });
  print(`${mib(saturation.memory.used)} MiB, process ${saturation.process}; ${of.join('; ')}`);
}

function faultsOf({ answers }: Outcome, folder: string, gateway: GatewayProcess, seen: Seen): string[] {
  const faults = [...new Set(seen.faults)];
  const { critical, ...others } = answers;
  const shed = Object.values(others).reduce((sum, counts) => sum + counts.shed, 0);
  if (gateway.child.exitCode !== null || gateway.child.signalCode !== null)
    faults.push(`it ended: ${gateway.output()}`);
  if (!seen.grades.has('shedding') && !seen.grades.has('refusing')) faults.push('nothing was ever shed');
  if (shed === 0) faults.push('no request was refused');
  if (critical.ok === 0) faults.push('no critical request was answered');
  if (critical.shed > 0) faults.push(`${critical.shed} critical requests were refused`);
  const profiles = readdirSync(folder);
  if (profiles.length !== 1) faults.push(`${profiles.length} profiles: ${profiles.join(', ')}`);
  return faults;
}

function memoryFaultsOf(group: MemoryGroup | null, { peakBytes }: Seen, print: (line: string) => void): string[] {
  const faults: string[] = [];
  if (peakBytes > MEMORY_MIB * 2 ** 20) faults.push(`it took ${mib(peakBytes)} of ${MEMORY_MIB} MiB`);
  if (group === null) return faults;
  const kills = group.kills();
  print(
    `its control group held at most ${mib(group.peakBytes())} of ${MEMORY_MIB} MiB, files included; ${kills} processes ended for it`,
  );
  if (kills > 0) faults.push(`the kernel ended ${kills} processes for want of memory`);
  return faults;
}

/** Runs it; resolves with all faults, in words. */
export async function overload(options: OverloadOptions): Promise<string[]> {
  const { seconds, print } = options;
  const folder = await mkdtemp(join(tmpdir(), 'sluice-saturation-'));
  const upstream = await startUpstream();
  const config = configOf(upstream.port, folder, options);
  const group = memoryGroup(MEMORY_MIB * 2 ** 20);
  if (group === null) print('no control group can be made here: nobody but the gateway itself holds it to its memory');
  const gateway = await startGatewayProcess(config, undefined, {
    nodeArgs: [`--max-old-space-size=${HEAP_MIB}`],
    ...(group !== null && { command: group.command }),
  });
  try {
    const port = Number(new URL(gateway.proxyUrl).port);
    const connections = options.connections ?? (await connectionsFor(port, options));
    const load = startOverloadThreads(port, connections);
    const seen = await watch(gateway, options);
    await until('a profile is written', () => readdirSync(folder).length > 0).catch(() => undefined);
    const outcome = await load.stop();
    for (const name of PRIORITIES) print(`${name}: ${JSON.stringify(outcome.answers[name])}`);
    print(
      `${seconds} s: at most ${mib(seen.peakBytes)} MiB, ${outcome.closed} connections turned away or closed, slowest status ${Math.round(seen.slowestMs)} ms`,
    );
    const faults = [...faultsOf(outcome, folder, gateway, seen), ...memoryFaultsOf(group, seen, print)];
    // On a machine that is never quiet a small delay is never kept: with a large one only the load counts.
    gateway.save(config.replace(/delay: \d+ms/, 'delay: 20s'));
    const isNormal = async (): Promise<boolean> => (await gateway.status()).saturation.grade === 'normal';
    await until('all is normal again', isNormal, RECOVERY_MS).catch((error: unknown) => faults.push(String(error)));
    return faults;
  } finally {
    await gateway.end();
    group?.remove();
    upstream.close();
    await rm(folder, { recursive: true });
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { seconds: { type: 'string' }, delay: { type: 'string' } } });
  const [seconds, delayMs] = [Number(values.seconds ?? 60), Number(values.delay ?? 50)];
  if (!(seconds > 0 && delayMs >= 10)) throw new Error('usage: npm run bench:saturation -- [--seconds N] [--delay MS]');
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  const faults = await overload({ seconds, delayMs, connections: null, workers: 2, print });
  for (const fault of faults) print(`FAULT ${fault}`);
  print(faults.length === 0 ? 'it held' : `${faults.length} faults`);
  return faults.length === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main();
