/**
 * How soon a change in a store is in force: from the write to the last worker that obeys, against real servers.
 *
 * `npm run bench:apply -- --routes 100,10000 --changes 40`. Changes are further apart than a storm, so that none waits for another.
 * The second line says where the time goes, medians: the stages are those of `config_timed` in the gateway's log
 * (sources/follow/times.ts), `deliver` is what is left, the store's own time and the way to and from it. `cpu` is what the gateway's
 * process used for each change, with all that it does meanwhile and afterwards.
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

/** Longer than what makes a change a part of a storm (sources/follow/pace.ts). */
const APART_MS = 1300;
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
    routes: { type: 'string', default: '100,10000' },
    changes: { type: 'string', default: '40' },
    stores: { type: 'string', default: 'consul,etcd' },
  },
});

needServers(values.stores.split(','));
console.log('store   routes  changes    p50    p90    p99    max  ms from the write to the last worker');
for (const name of values.stores.split(',') as (keyof typeof STORES)[]) {
  for (const routes of values.routes.split(',').map(Number)) {
    const measured = await measure(name, routes, Number(values.changes));
    const { times } = measured;
    const head = `${name.padEnd(7)} ${String(routes).padStart(6)} ${String(times.length).padStart(8)}`;
    const cells = [0.5, 0.9, 0.99, 1].map((ratio) => String(Math.round(quantileOf(times, ratio))).padStart(7));
    console.log(head + cells.join(''));
    console.log(`        ${breakdownOf(measured)}`);
  }
}

function breakdownOf({ times, stages, cpuMs }: Measured): string {
  const lengthsOf = (stage: string): number[] => stages.map((one) => one[`${stage}Ms`] as number);
  const left = times.map((ms, n) => STAGES.reduce((rest, stage) => rest - (lengthsOf(stage)[n] as number), ms));
  const medians = STAGES.map((stage) => `${stage} ${quantileOf(lengthsOf(stage), 0.5).toFixed(1)}`);
  return `deliver ${quantileOf(left, 0.5).toFixed(1)}  ${medians.join('  ')}  cpu ${cpuMs.toFixed(0)}`;
}

function quantileOf(numbers: readonly number[], ratio: number): number {
  return numbers.toSorted((a, b) => a - b)[Math.ceil(numbers.length * ratio) - 1] as number;
}

async function measure(name: keyof typeof STORES, routes: number, changes: number): Promise<Measured> {
  const { kind, entry, fill, keys } = STORES[name];
  const service = await startService('v1');
  const store = await startStore(kind);
  const services = Math.ceil(routes / 20);
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
      const route = (n * 7919) % routes;
      const live = lives.next();
      const from = performance.now();
      await keys(store.url).put(`routes/${nameOf(route)}`, routeText(route, services, 61 + n));
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
