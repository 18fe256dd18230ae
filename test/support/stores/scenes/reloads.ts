/**
 * Reload after reload of one gateway whose configuration is in a file, in Consul and in etcd, under load and with streams open.
 */

import { createServer, get, type Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { startGatewayProcess, startLoad, startService } from '../../gateway.ts';
import { listenLoopback } from '../../plane.ts';
import { fillConsul, fillEtcd, Lives, manyRoutes, nameOf, routeText } from '../fill.ts';
import { consulKeys, etcdKeys } from '../keys.ts';
import { CONSUL, ETCD, startStore } from '../server.ts';

const LINE_MS = 50;
const STREAMS = 8;
const CONNECTIONS = 8;
/** From one write of a place to its next: more often, a store is asked ever more rarely. */
const APART_MS = 250;
const START_MS = 180_000;

export interface ReloadsOptions {
  /** Configurations to put in force. */
  readonly reloads: number;
  /** Of each store. */
  readonly routes: number;
}

export interface Reloads {
  readonly reloads: number;
  readonly requests: number;
  /** Requests that were answered with something else than they should, or not at all. */
  readonly failed: number;
  readonly streams: number;
  readonly cut: number;
}

/** Runs it all and counts. */
export async function runReloads({ reloads, routes }: ReloadsOptions): Promise<Reloads> {
  const service = await startService('v1');
  const lines = createLines();
  const linesPort = await listenLoopback(lines);
  const [consul, etcd] = await Promise.all([startStore(CONSUL), startStore(ETCD)]);
  const services = Math.ceil(routes / 20);
  await fillConsul(consul.url, 'sluice', manyRoutes(routes, [service.port]));
  const others = manyRoutes(routes, [service.port]).map(([key, text]) => [key, withPrefix(text)] as const);
  await fillEtcd(
    etcd.url,
    '/sluice/v1/',
    others.map(([key, text]) => [key.replace('/', '/e'), text] as const),
  );
  const config = (delayMs: number): string => configOf({ consul: consul.url, etcd: etcd.url, linesPort, delayMs });
  const gateway = await startGatewayProcess(config(0), START_MS);
  try {
    const lives = new Lives(gateway.child);
    const load = startLoad(`${gateway.proxyUrl}/r/1`, {
      connections: CONNECTIONS,
      users: 50,
      headers: { host: 'h1.test' },
    });
    const streams = Array.from({ length: STREAMS }, () => openStream(`${gateway.proxyUrl}/lines`));
    const writers = [
      async (n: number) => gateway.save(config(n)),
      (n: number) =>
        consulKeys(consul.url, 'sluice').put(`routes/${nameOf(n % routes)}`, routeText(n % routes, services, 61 + n)),
      (n: number) => {
        const text = withPrefix(routeText(n % routes, services, 61 + n));
        return etcdKeys(etcd.url, '/sluice/v1/').put(`routes/e${nameOf(n % routes)}`, text);
      },
    ];
    await Promise.all(
      writers.map(async (write) => {
        for (let n = 1; lives.count < reloads; n++) {
          await write(n);
          await sleep(APART_MS);
        }
      }),
    );
    const { sent, answers } = await load.stop();
    const cut = streams.filter((stream) => !stream.isWhole()).length;
    for (const stream of streams) stream.end();
    return { reloads: lives.count, requests: sent, failed: sent - (answers.get('200 v1') ?? 0), streams: STREAMS, cut };
  } finally {
    await gateway.end();
    await Promise.all([consul.end(), etcd.end()]);
    await service.close();
    lines.closeAllConnections();
    lines.close();
  }
}

/** The documents of the other store: names and paths of its own. */
function withPrefix(text: string): string {
  return text.replace('value: /r/', 'value: /e/').replaceAll(/name: s/g, 'name: es');
}

interface Places {
  readonly consul: string;
  readonly etcd: string;
  readonly linesPort: number;
  readonly delayMs: number;
}

function configOf({ consul, etcd, linesPort, delayMs }: Places): string {
  return `listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: 2
drain: {delay: ${delayMs}ms}
services:
  lines: {versions: {v1: {endpoints: ["127.0.0.1:${linesPort}"]}}}
routes:
  - {name: lines, matches: [{path: {value: /lines}}], backendRefs: [{name: lines}], timeouts: {request: 1h}}
sources:
  - consul: {address: "${consul}"}
  - etcd: {endpoints: ["${etcd}"]}
`;
}

/** Answers every request with a line now and then, for ever. */
function createLines(): Server {
  return createServer((_incoming, outgoing) => {
    outgoing.write('0\n');
    let count = 0;
    const timer = setInterval(() => outgoing.write(`${++count}\n`), LINE_MS);
    outgoing.on('close', () => clearInterval(timer));
  });
}

/** Reads lines until it is ended. */
function openStream(url: string): { isWhole(): boolean; end(): void } {
  let isOver = false;
  let isInOrder = true;
  let expected = 0;
  let rest = '';
  const asked = get(url, (response) => {
    response.on('data', (chunk: Buffer) => {
      const parts = (rest + chunk.toString()).split('\n');
      rest = parts.pop() as string;
      for (const part of parts) isInOrder &&= part === String(expected++);
    });
    response.on('close', () => (isOver = true));
  });
  asked.on('error', () => (isOver = true));
  return { isWhole: () => !isOver && isInOrder && expected > 0, end: () => asked.destroy() };
}
