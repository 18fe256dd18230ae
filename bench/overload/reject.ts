/**
 * What a refused request costs the gateway, as a share of what a proxied one does: CPU time per request of the same process,
 * by turns, with the same 600-byte heads in a closed loop. bench/README.md says how and why.
 *
 * Loopback only. Every child is ended by its pid, also on Ctrl-C and on failure.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { listenLoopback } from '../../test/support/plane.ts';
import { findBinary } from '../../test/support/runner/servers.ts';
import { processTicks, ticksPerSecond } from '../macro/accounts/processes.ts';
import { type Child, Children, freePort, stopOnSignals, untilReady } from '../macro/children.ts';
import { SMALL_GET } from '../macro/load/request.ts';
import { type LoadResult, runLoad } from '../macro/load/wrk.ts';
import { median } from '../macro/report/statistics.ts';
import { chooseCores } from '../macro/session.ts';
import { upstreamCommand } from '../macro/upstream.ts';

/** A refused request may cost this share of a proxied one. */
const RATIO_MAX = 0.5;
/** A machine that stands still answers nothing for some seconds. */
const TRIES_MAX = 20;
const USAGE = `Usage: npm run bench:reject -- [--rounds N] [--seconds N] [--json FILE]\n`;

/** What is asked for; the first is what the others are compared with. Of the last 128 wait at a time, the others find the queue full. */
const KINDS = [
  { name: 'proxied', path: '/proxied', status: 200, connections: 160 },
  { name: '429', path: '/limited', status: 429, connections: 160 },
  { name: '503', path: '/full', status: 503, connections: 160 },
] as const;
type Kind = (typeof KINDS)[number];

interface Rig {
  readonly folder: string;
  readonly wrk: string;
  readonly port: number;
  readonly gateway: Child;
  readonly cores: ReturnType<typeof chooseCores>;
  readonly ticksPerSecond: number;
  readonly signal: AbortSignal;
}

/** One route is free, one has used up its limit, one has its only place taken for good. Nothing is shed for a machine that stood still. */
function documentOf(port: number, adminPort: number, upstreamPort: number, silentPort: number): string {
  const path = (value: string): string => `matches: [{path: {type: Exact, value: ${value}}}]`;
  return `listen: "127.0.0.1:${port}"
admin: "127.0.0.1:${adminPort}"
workers: 1
drain: {delay: 0s, timeout: 1s}
timeouts: {firstByte: 1h}
saturation: {response: observe}
services:
  shop: {versions: {v1: {endpoints: ["127.0.0.1:${upstreamPort}"]}}}
  silent: {overload: {limit: 1}, versions: {v1: {endpoints: ["127.0.0.1:${silentPort}"]}}}
routes:
  - {name: proxied, ${path('/proxied')}, backendRefs: [{name: shop}]}
  - {name: limited, ${path('/limited')}, backendRefs: [{name: shop}], rateLimits: [{requests: 1, per: 24h}]}
  - {name: full, ${path('/full')}, backendRefs: [{name: silent}], timeouts: {request: 1h}}
`;
}

function loadOf(rig: Rig, { path, connections }: Kind, seconds: number): Promise<LoadResult> {
  const { wrk, folder, cores, port, signal } = rig;
  return runLoad({ wrk, folder, cores: cores.load, port, shape: { ...SMALL_GET, path }, connections, seconds, signal });
}

/** CPU time of the gateway per request, in us; taken again while nothing is answered. @throws when it answered otherwise than it should */
async function costOf(rig: Rig, kind: Kind, seconds: number, tries = TRIES_MAX): Promise<number> {
  const before = processTicks(rig.gateway.pid);
  const { requests, badStatus, socketErrors } = await loadOf(rig, kind, seconds);
  const ticks = processTicks(rig.gateway.pid) - before;
  if (requests * ticks + socketErrors === 0 && tries > 1) return costOf(rig, kind, seconds, tries - 1);
  const wanted = kind.status === 200 ? 0 : requests;
  if (requests === 0 || socketErrors > 0 || Math.abs(badStatus - wanted) > 1) {
    throw new Error(`${kind.name}: ${badStatus} of ${requests} answers above 399, ${socketErrors} errors`);
  }
  return (ticks / rig.ticksPerSecond / requests) * 1e6;
}

async function measure(rig: Rig, rounds: number, seconds: number): Promise<Record<string, number[]>> {
  // The one place and the one request are taken by the first of these.
  for (const kind of KINDS) await loadOf(rig, kind, 1);
  const costs: Record<string, number[]> = {};
  for (let round = 0; round < rounds; round++) {
    for (const kind of KINDS) (costs[kind.name] ??= []).push(await costOf(rig, kind, seconds));
  }
  return costs;
}

function report(costs: Readonly<Record<string, readonly number[]>>, json: string | undefined): void {
  const base = median(costs['proxied'] ?? []);
  const rows = KINDS.map(({ name }) => {
    const us = median(costs[name] ?? []);
    return { name, us, ratio: us / base, all: costs[name] ?? [] };
  });
  for (const { name, us, ratio } of rows) {
    const verdict = name === 'proxied' ? '    ' : ratio <= RATIO_MAX ? 'PASS' : 'FAIL';
    process.stdout.write(
      `${verdict}  ${name.padEnd(8)} ${us.toFixed(1)} us of CPU  ${ratio.toFixed(2)} of a proxied one\n`,
    );
  }
  if (json !== undefined) writeFileSync(json, `${JSON.stringify({ ratioMax: RATIO_MAX, rows }, null, 2)}\n`);
}

/** Takes connections, and never says anything. */
function silentServer(): { readonly server: Server; readonly close: () => void } {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    // The gateway ends with a reset.
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.resume();
  });
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { server, close };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '4' },
      json: { type: 'string' },
    },
  });
  const [wrk, nginx] = [findBinary('wrk'), findBinary('nginx')];
  if (wrk === null || nginx === null) throw new Error(`needs wrk and nginx\n${USAGE}`);
  const children = new Children();
  const abort = new AbortController();
  stopOnSignals(abort, children);
  const folder = mkdtempSync(join(tmpdir(), 'sluice-reject-'));
  const silent = silentServer();
  try {
    const cores = chooseCores();
    const [silentPort, upstreamPort, port, adminPort] = [
      await listenLoopback(silent.server),
      await freePort(),
      await freePort(),
      await freePort(),
    ];
    const upstream = children.start('upstream', cores.load, upstreamCommand(folder, upstreamPort, nginx));
    await untilReady(upstream, `http://127.0.0.1:${upstreamPort}/`, abort.signal);
    const file = join(folder, 'sluice.yaml');
    writeFileSync(file, documentOf(port, adminPort, upstreamPort, silentPort));
    const main = join(import.meta.dirname, '../../src/main.ts');
    const gateway = children.start('sluice', cores.gateway, [process.execPath, main, 'run', '--config', file]);
    await untilReady(gateway, `http://127.0.0.1:${adminPort}/readyz`, abort.signal);
    const rig = { folder, wrk, port, gateway, cores, ticksPerSecond: ticksPerSecond(), signal: abort.signal };
    report(await measure(rig, Number(values.rounds), Number(values.seconds)), values.json);
  } finally {
    await children.stopAll();
    silent.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
