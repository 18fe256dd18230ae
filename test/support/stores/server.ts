/**
 * A real store as a child process: on a free port, in a folder of its own, ended by its process id.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Place } from '../runner/places/place.ts';
import { findBinary } from '../runner/servers.ts';

const READY_MS = 60_000;
const POLL_MS = 50;
const STOP_MS = 5000;
/** Below what Linux gives to clients by itself (from 32768 on): nobody is given one that is free for a moment. */
const PORTS = { first: 16_384, count: 16_384 };
/** Processes with numbers that follow one another look for theirs so far apart. */
const PORTS_PER_PROCESS = 64;

export interface StoreServer {
  /** `http://127.0.0.1:port`. */
  readonly url: string;
  /** Of its process. @throws when it does not run */
  pid(): number;
  /** SIGKILL; the data stays in its folder. */
  kill(): Promise<void>;
  /** Starts it again, on the same port and folder. */
  restart(): Promise<void>;
  /** Throws its data away while it is down. */
  wipe(): void;
  /** Stops all of its threads; returns when they are. */
  freeze(): void;
  thaw(): void;
  /** Ends it for good and removes its folder. */
  end(): Promise<void>;
}

/** How to run one kind of store. */
export interface StoreKind {
  readonly binary: string;
  /** What sources call it; default its binary. */
  readonly called?: string;
  /** What its process runs; default its binary. */
  readonly command?: string;
  readonly ports: number;
  readonly args: (folder: string, ports: readonly number[]) => readonly string[];
  /** Further ones, that have it answer at an address beside loopback. */
  readonly alsoAt?: (address: string, ports: readonly number[]) => readonly string[];
  /** Which of the ports is asked; the first. */
  readonly isReady: (url: string) => Promise<boolean>;
}

export const ETCD: StoreKind = {
  binary: 'etcd',
  ports: 2,
  args: (folder, [client, peer]) => [
    ...['--name', 'test', '--data-dir', folder, '--log-level', 'error'],
    ...['--listen-client-urls', loopback(client), '--advertise-client-urls', loopback(client)],
    ...['--listen-peer-urls', loopback(peer), '--initial-advertise-peer-urls', loopback(peer)],
    ...['--initial-cluster', `test=${loopback(peer)}`],
  ],
  // Here and below: the later one of two counts.
  alsoAt: (address, [client]) => ['--listen-client-urls', `${loopback(client)},http://${address}:${client}`],
  isReady: async (url) => {
    const answer = await fetch(`${url}/health`, { signal: AbortSignal.timeout(1000) });
    return ((await answer.json()) as { health: unknown }).health === 'true';
  },
};

export const CONSUL: StoreKind = {
  binary: 'consul',
  ports: 4,
  // One server that keeps its data; `-dev` would forget everything.
  args: (folder, [http, server, lan, wan]) => [
    ...['agent', '-server', '-bootstrap-expect=1', `-data-dir=${folder}`, '-bind=127.0.0.1', '-client=127.0.0.1'],
    ...[`-http-port=${http}`, `-server-port=${server}`, `-serf-lan-port=${lan}`, `-serf-wan-port=${wan}`],
    ...['-dns-port=-1', '-grpc-port=-1', '-log-level=err', '-node=test', '-disable-host-node-id'],
    ...['-hcl', 'performance { raft_multiplier = 1 } leave_on_terminate = false'],
  ],
  alsoAt: (address) => [`-client=127.0.0.1 ${address}`],
  isReady: async (url) => {
    const answer = await fetch(`${url}/v1/status/leader`, { signal: AbortSignal.timeout(1000) });
    if ((await answer.text()).length <= 2) return false;
    return (await fetch(`${url}/v1/kv/?keys`, { signal: AbortSignal.timeout(1000) })).status !== 500;
  },
};

export const ZOOKEEPER_OPTIONS: readonly string[] = [
  ...['-Xmx128m', '-Dzookeeper.admin.enableServer=false', '-Dzookeeper.maxSessionTimeout=60000'],
];

/** The main class of ZooKeeper's server. @param more archives of classes that it needs beside its own */
export function zooKeeperMain(more: readonly string[] = []): string[] {
  const path = ['/etc/zookeeper/conf', '/usr/share/java/zookeeper.jar', ...more].join(':');
  return ['-cp', path, 'org.apache.zookeeper.server.ZooKeeperServerMain'];
}

/** Its main class without the script around it, which would be the one to be frozen and killed. */
export const ZOOKEEPER: StoreKind = {
  binary: 'zkServer.sh',
  called: 'zookeeper',
  command: 'java',
  ports: 1,
  args: (folder, [port]) => [...ZOOKEEPER_OPTIONS, ...zooKeeperMain(), String(port), folder, '500'],
  isReady: async (url) => {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) });
    socket.setTimeout(1000, () => socket.destroy(new Error('no answer')));
    socket.end('srvr');
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    return answer.includes('Mode: standalone');
  },
};

/** What sources call a kind of store. */
export function callOf({ binary, called = binary }: StoreKind): string {
  return called;
}

export const REDIS: StoreKind = {
  binary: 'redis-server',
  ports: 1,
  args: (_folder, [port]) => ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'],
  alsoAt: (address) => ['--bind', '127.0.0.1', address, '--protected-mode', 'no'],
  isReady: async (url) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    try {
      socket.end('PING\r\n');
      const answers = await socket.setEncoding('utf8').toArray();
      return answers.join('').startsWith('+PONG');
    } finally {
      socket.destroy();
    }
  },
};

/** Why there can be no such store here; false when there can. For `{ skip: … }`. */
export function cannotRun({ binary }: StoreKind): string | false {
  return findBinary(binary) === null ? `${binary} is not installed` : false;
}

/** Members of one etcd cluster; each is ready only once most of them run and have a leader. */
export async function startEtcdCluster(size: number): Promise<StoreServer[]> {
  const ports = await freePorts(2 * size);
  const members = Array.from({ length: size }, (_, n) => ({ name: `m${n}`, own: ports.slice(2 * n, 2 * n + 2) }));
  const cluster = members.map(({ name, own }) => `${name}=${loopback(own[1])}`).join();
  const kindOf = (name: string): StoreKind => ({
    ...ETCD,
    args: (folder, own) => [...ETCD.args(folder, own), '--name', name, '--initial-cluster', cluster],
  });
  return Promise.all(members.map(({ name, own }) => startStore(kindOf(name), own)));
}

/**
 * Starts a store and resolves when it answers.
 * @param given its ports; default: free ones
 * @param place where it runs, and answers at the place's address too; default: here
 */
export async function startStore(kind: StoreKind, given?: readonly number[], place?: Place): Promise<StoreServer> {
  const folder = mkdtempSync(join(tmpdir(), `sluice-${kind.binary}-`));
  const ports = given ?? (await freePorts(kind.ports));
  const url = loopback(place === undefined ? ports[0] : await place.door(ports[0] as number));
  const program = findBinary(kind.command ?? kind.binary) as string;
  const also = place === undefined ? [] : (kind.alsoAt?.(place.address, ports) ?? []);
  const run = [program, ...kind.args(join(folder, 'data'), ports), ...also];
  const [command, ...args] = place === undefined ? run : [...place.command, ...run];
  let child: ChildProcess | null = null;
  const kill = async (): Promise<void> => {
    const dying = child;
    child = null;
    if (dying === null || dying.exitCode !== null || dying.signalCode !== null) return;
    const gone = new Promise((resolve) => dying.once('exit', resolve));
    dying.kill('SIGKILL');
    await gone;
  };
  const restart = async (): Promise<void> => {
    let output = '';
    const started = spawn(command as string, args, { stdio: 'pipe' });
    started.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    started.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child = started;
    // Counted in looks: a machine that stands still does not use it up.
    for (let waitedMs = 0; !(await kind.isReady(url).catch(() => false)); waitedMs += POLL_MS) {
      if (started.exitCode !== null || started.signalCode !== null || waitedMs > READY_MS) {
        await kill();
        throw new Error(`${kind.binary} does not start: ${output.slice(-2000)}`);
      }
      await sleep(POLL_MS);
    }
  };
  const end = async (): Promise<void> => {
    child?.kill('SIGCONT');
    await kill();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await restart();
  } catch (error) {
    await end();
    throw error;
  }
  return {
    url,
    pid: () => {
      if (child?.pid === undefined) throw new Error(`${kind.binary} does not run`);
      return child.pid;
    },
    kill,
    restart,
    wipe: () => rmSync(join(folder, 'data'), { recursive: true, force: true }),
    freeze: () => {
      child?.kill('SIGSTOP');
      if (child?.pid !== undefined) awaitStop(child.pid);
    },
    thaw: () => void child?.kill('SIGCONT'),
    end,
  };
}

/** A thread that runs goes on for a moment after the signal, and may answer meanwhile. Without `/proc` it returns at once. */
function awaitStop(pid: number): void {
  const tasks = `/proc/${pid}/task`;
  if (!existsSync(tasks)) return;
  const isStopped = (task: string): boolean => /\) [TZX] /.test(readFileSync(join(tasks, task, 'stat'), 'utf8'));
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let left = STOP_MS; left > 0; left--) {
    if (readdirSync(tasks).every(isStopped)) return;
    Atomics.wait(pause, 0, 0, 1);
  }
  throw new Error(`process ${pid} does not stop`);
}

function loopback(port: number | undefined): string {
  return `http://127.0.0.1:${port}`;
}

let nextPort = process.pid * PORTS_PER_PROCESS;

/** Ports that are free now, and are not given to others while nobody listens there: a store may be away for a while. */
export async function freePorts(count: number): Promise<number[]> {
  const held: Server[] = [];
  for (let tries = 0; held.length < count; tries++) {
    if (tries > PORTS.count) throw new Error(`fewer than ${count} ports are free from ${PORTS.first} on`);
    const server = await listening(PORTS.first + (nextPort++ % PORTS.count));
    if (server !== null) held.push(server);
  }
  const ports = held.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Null: somebody has it. */
function listening(port: number): Promise<Server | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
