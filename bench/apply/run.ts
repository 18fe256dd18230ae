/**
 * How soon a change in a store is in force: from the write to the last worker that obeys, against real servers.
 *
 * `npm run bench:apply -- --routes 100,10000 --changes 40`. Changes are further apart than a storm, so that none waits for another.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startGatewayProcess, startService } from '../../test/support/gateway.ts';
import { needServers } from '../../test/support/runner/servers.ts';
import { fillConsul, fillEtcd, Lives, manyRoutes, nameOf, routeText } from '../../test/support/stores/fill.ts';
import { consulKeys, etcdKeys } from '../../test/support/stores/keys.ts';
import { CONSUL, ETCD, startStore } from '../../test/support/stores/server.ts';

/** Longer than what makes a change a part of a storm (sources/follow/pace.ts). */
const APART_MS = 1300;
const WARM_UP = 5;
/** 10,000 routes are parsed in seconds, on a busy machine in many. */
const START_MS = 180_000;

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
    const times = await measure(name, routes, Number(values.changes));
    const at = (ratio: number): string => {
      return String(Math.round(times[Math.ceil(times.length * ratio) - 1] as number)).padStart(7);
    };
    const head = `${name.padEnd(7)} ${String(routes).padStart(6)} ${String(times.length).padStart(8)}`;
    console.log(`${head}${[0.5, 0.9, 0.99, 1].map(at).join('')}`);
  }
}

/** Times of the changes, ascending, those of the warm-up left out. */
async function measure(name: keyof typeof STORES, routes: number, changes: number): Promise<number[]> {
  const { kind, entry, fill, keys } = STORES[name];
  const service = await startService('v1');
  const store = await startStore(kind);
  const services = Math.ceil(routes / 20);
  await fill(store.url, manyRoutes(routes, [service.port]));
  const config = `listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nworkers: 2\nsources:\n  - ${entry(store.url)}\n`;
  const gateway = await startGatewayProcess(config, START_MS);
  try {
    const lives = new Lives(gateway.child);
    const times: number[] = [];
    for (let n = 0; n < WARM_UP + changes; n++) {
      await sleep(APART_MS);
      const route = (n * 7919) % routes;
      const live = lives.next();
      const from = performance.now();
      await keys(store.url).put(`routes/${nameOf(route)}`, routeText(route, services, 61 + n));
      await live;
      if (n >= WARM_UP) times.push(performance.now() - from);
    }
    return times.toSorted((a, b) => a - b);
  } finally {
    await gateway.end();
    await store.end();
    await service.close();
  }
}
