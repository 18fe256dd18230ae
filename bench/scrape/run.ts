/**
 * What scrapes cost requests: p99 under load while a real Prometheus scrapes the gateway, against the same while it scrapes a
 * kept page elsewhere, in turns.
 *
 * `npm run bench:scrape -- --routes 10000 --rounds 24 --seconds 10 --interval 5 --touch`. Ends with 1 when a page failed. The gateway, its control thread
 * with it, has core 0 to itself; load, upstream, Prometheus and the relay share core 1, where the load goes first. Each route has two versions
 * and two objectives; `--touch` has every route asked once before, so that all have histograms. Needs two cores, nginx,
 * taskset and Prometheus.
 */

import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { prometheusKind } from '../../test/support/clients/prometheus.ts';
import { findBinary, needServers } from '../../test/support/runner/servers.ts';
import { Children, freePort, stopOnSignals, untilReady } from '../macro/children.ts';
import { sluice } from '../macro/contenders/sluice.ts';
import { openLines } from '../macro/load/lines.ts';
import { requestOf, SMALL_GET } from '../macro/load/request.ts';
import { routeTarget } from '../macro/routes.ts';
import { upstreamCommand } from '../macro/upstream.ts';
import type { Measured } from './clients.ts';
import { type Relay, startRelay } from './relay.ts';

const GATEWAY_CORES = [0];
const OTHER_CORES = [1];
/** Mean wait of a connection between answer and request. */
const GAP_MS = 20;
const CONNECTIONS = 16;
/** After a change of sides and an interval: the scrape under way has ended, the next one has begun. */
const SETTLE_MS = 500;
const LOOK_MS = 5;

interface Options {
  readonly routes: number;
  readonly rounds: number;
  readonly seconds: number;
  /** Seconds between two scrapes, and what Prometheus waits for one. */
  readonly interval: number;
  readonly isTouched: boolean;
}

interface Turn extends Measured {
  /** Longest answer of `/livez`: how long the control thread was away. */
  readonly awayMs: number;
}

function optionsOf(): Options {
  const { values } = parseArgs({
    options: {
      routes: { type: 'string', default: '10000' },
      rounds: { type: 'string', default: '24' },
      seconds: { type: 'string', default: '10' },
      interval: { type: 'string', default: '5' },
      touch: { type: 'boolean', default: false },
    },
  });
  const { routes, rounds, seconds, interval, touch } = values;
  return {
    routes: Number(routes),
    rounds: Number(rounds),
    seconds: Number(seconds),
    interval: Number(interval),
    isTouched: touch,
  };
}

/** The median. */
function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Asks every route once. */
async function touch(port: number, routes: number): Promise<void> {
  let next = 0;
  let answered = 0;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const start = requestOf({ ...SMALL_GET, routes: 2 }, 0, port);
  const ask = (): void => {
    const index = next++;
    if (index >= routes) return;
    const { host, path } = routeTarget(index, routes);
    const head = start.replace(/^GET \S+/, `GET ${path}/`).replace(/\r\nHost: [^\r]*/, `\r\nHost: ${host}`);
    openLines(port, 1, () => head, {
      onAnswer: (line) => {
        line.end();
        answered += 1;
        if (answered === routes) resolve();
        else ask();
      },
      onFault: (message) => reject(new Error(message)),
    }).then(([line]) => line?.send(), reject);
  };
  for (let n = 0; n < CONNECTIONS; n++) ask();
  await promise;
}

/** Looks at the control thread until it is stopped; resolves with its longest absence. */
function watch(adminPort: number): () => Promise<number> {
  let isOver = false;
  const look = async (): Promise<number> => {
    let longestMs = 0;
    while (!isOver) {
      const askedAtMs = performance.now();
      const answer = once(get({ port: adminPort, host: '127.0.0.1', path: '/livez', agent: false }), 'response');
      ((await answer)[0] as { resume(): void }).resume();
      longestMs = Math.max(longestMs, performance.now() - askedAtMs);
      await sleep(LOOK_MS);
    }
    return longestMs;
  };
  const looking = look();
  return () => {
    isOver = true;
    return looking;
  };
}

/** Clients that ask all the time. */
interface Load {
  readonly pid: number;
  measure(seconds: number): Promise<Measured>;
  end(): Promise<void>;
}

/** Starts the load; gives what measures so many seconds of it. */
async function startLoad(port: number, routes: number): Promise<Load> {
  const child = fork(join(import.meta.dirname, 'clients.ts'), [port, CONNECTIONS, GAP_MS, routes].map(String));
  process.once('exit', () => child.kill());
  await once(child, 'message');
  return {
    pid: child.pid as number,
    measure: async (seconds) => {
      child.send({ seconds });
      return ((await once(child, 'message')) as [Measured])[0];
    },
    end: async () => {
      const ended = once(child, 'exit');
      child.kill();
      await ended;
    },
  };
}

/** Puts a process on the other core, before or behind everybody there. */
function place(pid: number, niceness: number): void {
  spawnSync('taskset', ['-a', '-cp', OTHER_CORES.join(), String(pid)]);
  for (const { pid: thread } of threadsOf(pid)) spawnSync('renice', ['-n', String(niceness), '-p', String(thread)]);
}

function threadsOf(pid: number): { pid: number }[] {
  const { stdout } = spawnSync('ls', [`/proc/${pid}/task`], { encoding: 'utf8' });
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((name) => ({ pid: Number(name) }));
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function report(turns: readonly { readonly fresh: Turn; readonly kept: Turn }[], { pages }: Relay): void {
  const ratios = turns.map(({ fresh, kept }) => fresh.p99Ms / kept.p99Ms);
  const of = (side: 'fresh' | 'kept', field: 'p50Ms' | 'p99Ms'): string =>
    median(turns.map((turn) => turn[side][field])).toFixed(3);
  const away = (side: 'fresh' | 'kept'): string => median(turns.map((turn) => turn[side].awayMs)).toFixed(1);
  print(
    `with scrapes     p50 ${of('fresh', 'p50Ms')} ms, p99 ${of('fresh', 'p99Ms')} ms, control thread away ${away('fresh')} ms`,
  );
  print(
    `without          p50 ${of('kept', 'p50Ms')} ms, p99 ${of('kept', 'p99Ms')} ms, control thread away ${away('kept')} ms`,
  );
  print(
    `p99 ratio        ${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`,
  );
  print(
    `pages            ${pages.count} made, ${pages.failed} failed, ${Math.round(median(pages.ms))} ms each, ${Math.round(pages.bytes / 1000)} kB packed`,
  );
}

async function run(options: Options, children: Children, folder: string): Promise<void> {
  const { routes, rounds, seconds, interval, isTouched } = options;
  const [upstreamPort, port, adminPort, prometheusPort] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  children.start('nginx', OTHER_CORES, upstreamCommand(folder, upstreamPort, findBinary('nginx') as string));
  const spot = { folder, port, adminPort, upstreamPort, setup: { routes, workers: 1 }, binary: findBinary } as never;
  const gateway = children.start('sluice', GATEWAY_CORES, sluice.prepare(spot));
  await untilReady(gateway, sluice.readyUrl(spot));
  if (isTouched) await touch(port, routes);
  const load = await startLoad(port, routes);
  place(process.pid, 0);
  place(load.pid, -10);
  const relay = await startRelay(adminPort);
  const kind = prometheusKind({
    target: `127.0.0.1:${relay.port}`,
    interval: `${interval}s`,
    features: ['native-histograms'],
  });
  const command = [findBinary('prometheus') as string, ...kind.args(join(folder, 'prometheus'), [prometheusPort])];
  const prometheus = children.start('prometheus', OTHER_CORES, ['nice', '-n', '19', ...command]);
  await untilReady(prometheus, `http://127.0.0.1:${prometheusPort}/-/ready`);
  print(
    `${routes} routes x 2 versions, ${isTouched ? 'all of them used' : '64 of them used'}; ${CONNECTIONS} connections`,
  );
  const take = async (isFresh: boolean): Promise<Turn> => {
    relay.isFresh = isFresh;
    await sleep(interval * 1000 + SETTLE_MS);
    const stop = watch(adminPort);
    const measured = await load.measure(seconds);
    return { ...measured, awayMs: await stop() };
  };
  await take(true);
  const turns: { fresh: Turn; kept: Turn }[] = [];
  for (let round = 0; round < rounds; round++) {
    // Who is first changes, so that drift hits both alike.
    const first = await take(round % 2 === 0);
    const second = await take(round % 2 !== 0);
    const turn = round % 2 === 0 ? { fresh: first, kept: second } : { fresh: second, kept: first };
    turns.push(turn);
    print(
      `  round ${round + 1}  p99 ${turn.fresh.p99Ms.toFixed(3)} / ${turn.kept.p99Ms.toFixed(3)} ms over ${turn.fresh.count} requests`,
    );
  }
  report(turns, relay);
  if (relay.pages.failed > 0) process.exitCode = 1;
  await load.end();
  relay.close();
}

needServers(['nginx', 'prometheus', 'taskset']);
const children = new Children();
const folder = mkdtempSync(join(tmpdir(), 'sluice-scrape-'));
stopOnSignals(new AbortController(), children);
try {
  await run(optionsOf(), children, folder);
} finally {
  await children.stopAll();
  rmSync(folder, { recursive: true, force: true });
}
process.exit();
