/**
 * A gateway whose configuration is in a file, in Consul and in etcd, with streams open, to be reloaded again and again.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { type GatewayProcess, startGatewayProcess, startLoad, startService } from '../../gateway.ts';
import { fillConsul, fillEtcd, Lives, manyRoutes, nameOf, routeText } from '../fill.ts';
import { consulKeys, etcdKeys } from '../keys.ts';
import { CONSUL, ETCD, type StoreServer, startStore } from '../server.ts';
import { openStreams, type Stream, startNumbers } from './streams.ts';

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
  /** Kinds of the streams that were cut, or lost something. */
  readonly cut: readonly Stream['kind'][];
}

export interface SceneOptions {
  /** Of each store. */
  readonly routes: number;
  /** Of each kind. */
  readonly streams: number;
  /** Answers requests. */
  readonly port: number;
}

/** Everything that runs. */
export interface Scene {
  readonly gateway: GatewayProcess;
  readonly stores: readonly StoreServer[];
  readonly lives: Lives;
  readonly streams: readonly Stream[];
  /** Writes the `n`th change to the file, to Consul and to etcd, each every `APART_MS`, until `isOver`. */
  readonly write: (isOver: () => boolean) => Promise<void>;
  /** Writes as much and as often to where the gateway does not look. */
  readonly writeAside: (isOver: () => boolean) => Promise<void>;
  readonly end: () => Promise<void>;
}

type Writer = (n: number) => Promise<void>;

/** Starts it all. Requests for `/r/<n>` with the host `h<n mod 100>.test`, and for anything else, go to the service. */
export async function startScene({ routes, streams: each, port }: SceneOptions): Promise<Scene> {
  const numbers = await startNumbers();
  const [consul, etcd] = await Promise.all([startStore(CONSUL), startStore(ETCD)]);
  const services = Math.ceil(routes / 20);
  await fillConsul(consul.url, 'sluice', manyRoutes(routes, [port]));
  const others = manyRoutes(routes, [port]).map(([key, text]) => [key.replace('/', '/e'), withPrefix(text)] as const);
  await fillEtcd(etcd.url, '/sluice/v1/', others);
  const places = { consul: consul.url, etcd: etcd.url, numbers: numbers.port, port };
  const gateway = await startGatewayProcess(configOf(places, 0), START_MS);
  const textOf = (n: number): string => routeText(n % routes, services, 61 + n);
  const keyOf = (n: number): string => nameOf(n % routes);
  let changes = 0;
  const run = (writers: readonly Writer[], isOver: () => boolean) => runWriters(writers, () => ++changes, isOver);
  return {
    gateway,
    stores: [consul, etcd],
    lives: new Lives(gateway.child),
    streams: await openStreams(`${gateway.proxyUrl}/numbers`, each),
    write: (isOver) =>
      run(
        [
          async (n) => gateway.save(configOf(places, n)),
          (n) => consulKeys(consul.url, 'sluice').put(`routes/${keyOf(n)}`, textOf(n)),
          (n) => etcdKeys(etcd.url, '/sluice/v1/').put(`routes/e${keyOf(n)}`, withPrefix(textOf(n))),
        ],
        isOver,
      ),
    writeAside: (isOver) =>
      run(
        [
          async (n) => gateway.save(configOf(places, n), '.aside'),
          (n) => consulKeys(consul.url, 'aside').put(`routes/${keyOf(n)}`, textOf(n)),
          (n) => etcdKeys(etcd.url, '/aside/').put(`routes/e${keyOf(n)}`, withPrefix(textOf(n))),
        ],
        isOver,
      ),
    end: async () => {
      await gateway.end();
      await Promise.all([consul.end(), etcd.end()]);
      numbers.close();
    },
  };
}

/** Reloads under load from few connections, and counts. */
export async function runReloads({ reloads, routes }: ReloadsOptions): Promise<Reloads> {
  const service = await startService('v1');
  const scene = await startScene({ routes, streams: 3, port: service.port });
  try {
    const { gateway, lives, streams } = scene;
    const headers = { host: 'h1.test' };
    const load = startLoad(`${gateway.proxyUrl}/r/1`, { connections: CONNECTIONS, users: 50, headers });
    await scene.write(() => lives.count >= reloads);
    const { sent, answers } = await load.stop();
    const cut = streams.filter((stream) => !stream.isWhole()).map(({ kind }) => kind);
    for (const stream of streams) stream.end();
    const failed = sent - (answers.get('200 v1') ?? 0);
    return { reloads: lives.count, requests: sent, failed, streams: streams.length, cut };
  } finally {
    await scene.end();
    await service.close();
  }
}

async function runWriters(writers: readonly Writer[], next: () => number, isOver: () => boolean): Promise<void> {
  await Promise.all(
    writers.map(async (write) => {
      while (!isOver()) {
        await write(next());
        await sleep(APART_MS);
      }
    }),
  );
}

/** The documents of the other store: names and paths of its own. */
function withPrefix(text: string): string {
  return text.replace('value: /r/', 'value: /e/').replaceAll(/name: s/g, 'name: es');
}

interface Places {
  readonly consul: string;
  readonly etcd: string;
  readonly numbers: number;
  readonly port: number;
}

function configOf({ consul, etcd, numbers, port }: Places, delayMs: number): string {
  return `listen: {host: 127.0.0.1, port: 0, http2: true}
admin: 127.0.0.1:0
workers: 2
saturation: {response: observe}
drain: {delay: ${delayMs}ms}
services:
  numbers: {versions: {v1: {endpoints: ["127.0.0.1:${numbers}"]}}}
  shop: {versions: {v1: {endpoints: ["127.0.0.1:${port}"]}}}
routes:
  - {name: numbers, matches: [{path: {value: /numbers}}], backendRefs: [{name: numbers}], timeouts: {request: 1h}}
  - {name: shop, backendRefs: [{name: shop}]}
sources:
  - consul: {address: "${consul}"}
  - etcd: {endpoints: ["${etcd}"]}
`;
}
