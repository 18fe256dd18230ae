/**
 * How soon a change in a store is in force: from the write to the last worker that obeys, against real servers.
 *
 * `npm run bench:apply -- --routes 100,10000 --changes 200 --of route`. Changes are further apart than a storm, so that none waits for
 * another. `--of service` changes the endpoints of a service that twenty routes lead to. Told is the time from the write, and from the
 * event: when the gateway heard of it. The lines below say where that goes, for the median of each stage and for the slowest twentieth
 * of the changes: the stages are those of `config_timed` in the gateway's log (sources/follow/times.ts), `deliver` is what is left, the
 * store's own time and the way to and from it. `cpu` is what the gateway's process used for each change, with all that it does meanwhile
 * and afterwards. Ends with 1 where the 99th percentile from the event is above `P99_MS_MAX`.
 */

import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { STAGES } from '#src/sources/follow/times.ts';
import { startGatewayProcess, startService, until } from '../../test/support/gateway.ts';
import { needServers } from '../../test/support/runner/servers.ts';
import { fillConsul, fillEtcd, Lives, manyRoutes, nameOf, routeText } from '../../test/support/stores/fill.ts';
import { consulKeys, etcdKeys } from '../../test/support/stores/keys.ts';
import { CONSUL, ETCD, startStore } from '../../test/support/stores/server.ts';

/** Longer than what makes a change a part of a storm (sources/follow/pace.ts), with what a slow one takes. */
const APART_MS = 1100;
/** What is wanted with 10,000 routes. */
const P99_MS_MAX = 100;
/** Of the slowest, where their time went is told by itself. */
const SLOW_RATIO = 0.05;
const WARM_UP = 5;
/** 10,000 routes are parsed in seconds, on a busy machine in many. */
const START_MS = 180_000;
/** Linux counts CPU time in hundredths of a second, `sysconf(_SC_CLK_TCK)`. */
const CPU_TICK_MS = 10;

const STORES = {
  consul: {
    kind: CONSUL,
    entry: (url: string) => `consul: {address: "${url}"}`,
    fill: (url: string, documents: ReturnType<typeof manyRoutes>) => fillConsul(url, 'sluice', documents),
    keys: (url: string) => consulKeys(url, 'sluice'),
  },
  etcd: {
    kind: ETCD,
    entry: (url: string) => `etcd: {endpoints: ["${url}"]}`,
    fill: (url: string, documents: ReturnType<typeof manyRoutes>) => fillEtcd(url, '/sluice/v1/', documents),
    keys: (url: string) => etcdKeys(url, '/sluice/v1/'),
  },
} as const;

type Stages = Readonly<Record<string, number>>;

/** What one run gave; warm-up left out. */
interface Measured {
  /** Of each change, in ms. */
  readonly times: readonly number[];
  /** Of each change, in ms: the stages that the gateway tells. */
  readonly stages: readonly Stages[];
  /** CPU time of the gateway's process for each change, in ms. */
  readonly cpuMs: number;
}

const { values } = parseArgs({
  options: {
    routes: { type: 'string', default: '10000' },
    changes: { type: 'string', default: '200' },
    of: { type: 'string', default: 'route' },
    stores: { type: 'string', default: 'consul,etcd' },
  },
});

needServers(values.stores.split(','));
console.log('store   routes  changes    p50    p90    p99    max  ms to the last worker');
for (const name of values.stores.split(',') as (keyof typeof STORES)[]) {
  for (const routes of values.routes.split(',').map(Number)) {
    const measured = await measure(name, routes, Number(values.changes));
    const { times } = measured;
    const events = measured.stages.map((lengths) => sumOf(STAGES.map((stage) => lengths[`${stage}Ms`] as number)));
    const head = `${name.padEnd(7)} ${String(routes).padStart(6)} ${String(times.length).padStart(8)}`;
    console.log(`${head}${quantilesOf(times)}  from the write`);
    console.log(`${' '.repeat(head.length)}${quantilesOf(events)}  from the event`);
    for (const line of breakdownOf(measured)) console.log(`        ${line}`);
    if (quantileOf(events, 0.99) > P99_MS_MAX) process.exitCode = 1;
  }
}

/** Where the time of the middle and of the slowest goes. */
function breakdownOf({ times, stages, cpuMs }: Measured): string[] {
  const changes = times.map((ms, n) => {
    const lengths = STAGES.map((stage) => stages[n]?.[`${stage}Ms`] as number);
    return { ms, lengths: [ms - sumOf(lengths), ...lengths] };
  });
  const slow = changes.toSorted((a, b) => b.ms - a.ms).slice(0, Math.ceil(changes.length * SLOW_RATIO));
  const line = (some: typeof changes): string =>
    ['deliver', ...STAGES]
      .map((stage, at) => {
        const lengths = some.map((one) => one.lengths[at] as number);
        return `${stage} ${quantileOf(lengths, 0.5).toFixed(1)}`;
      })
      .join('  ');
  return [`${line(changes)}  cpu ${cpuMs.toFixed(0)}`, `${line(slow)}  in the slowest ${slow.length}`];
}

function quantilesOf(times: readonly number[]): string {
  return [0.5, 0.9, 0.99, 1].map((ratio) => String(Math.round(quantileOf(times, ratio))).padStart(7)).join('');
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0);
}

function quantileOf(numbers: readonly number[], ratio: number): number {
  return numbers.toSorted((a, b) => a - b)[Math.ceil(numbers.length * ratio) - 1] as number;
}

async function measure(name: keyof typeof STORES, routes: number, changes: number): Promise<Measured> {
  const { kind, entry, fill, keys } = STORES[name];
  const service = await startService('v1');
  const store = await startStore(kind);
  await fill(store.url, manyRoutes(routes, [service.port]));
  const config = `listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nworkers: 2\nsources:\n  - ${entry(store.url)}\n`;
  const gateway = await startGatewayProcess(config, START_MS, { args: ['--log-level', 'debug'] });
  try {
    const lives = new Lives(gateway.child);
    const times: number[] = [];
    let cpuFromMs = 0;
    for (let n = 0; n < WARM_UP + changes; n++) {
      await sleep(APART_MS);
      if (n === WARM_UP) cpuFromMs = cpuOf(gateway.child.pid as number);
      const [key, text] = changeOf(n, routes, values.of);
      const live = lives.next();
      const from = performance.now();
      await keys(store.url).put(key, text);
      await live;
      times.push(performance.now() - from);
    }
    await sleep(APART_MS);
    const cpuMs = (cpuOf(gateway.child.pid as number) - cpuFromMs) / changes;
    await until('every change is timed', () => stagesIn(gateway.output()).length >= times.length);
    const stages = stagesIn(gateway.output()).slice(-changes);
    return { times: times.slice(WARM_UP), stages, cpuMs };
  } finally {
    await gateway.end();
    await store.end();
    await service.close();
  }
}

/** The `n`th change: its key and value. */
function changeOf(n: number, routes: number, what: string): readonly [key: string, text: string] {
  const services = Math.ceil(routes / 20);
  const route = (n * 7919) % routes;
  if (what === 'route') return [`routes/${nameOf(route)}`, routeText(route, services, 61 + n)];
  return [`services/s${route % services}`, `versions: {v1: {endpoints: ["127.0.0.1:${9000 + n}"]}}\n`];
}

function stagesIn(log: string): Stages[] {
  const lines = log.split('\n').filter((line) => line.includes('"config_timed"'));
  return lines.map((line) => JSON.parse(line) as Stages);
}

/** User and system time of a process so far, in ms. Source: proc(5). */
function cpuOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // What comes before is its name, in which anything may stand.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * CPU_TICK_MS;
}
