/**
 * What requests meet while Redis, Consul and etcd are frozen: the same load with the three stopped and running, in turn.
 *
 * `npm run bench:frozen -- --pairs 12 --rate 300 --seconds 4`. The gateway follows both stores, belongs to a fleet, and counts
 * every request against a limit of the fleet. Ends with 1 when a request failed, or the 99th percentile is worse than it may be.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type GatewayProcess, startGatewayProcess } from '../../test/support/gateway.ts';
import { needServers } from '../../test/support/runner/servers.ts';
import { fillConsul, fillEtcd, manyRoutes } from '../../test/support/stores/fill.ts';
import { CONSUL, ETCD, REDIS, type StoreServer, startStore } from '../../test/support/stores/server.ts';
import { Children, stopOnSignals } from '../macro/children.ts';
import { letLoose, measurePairs, moveAside, reportPairs, startUpstream } from './pairs.ts';

/** What the 99th percentile may be while the stores are frozen, times that while they run: noise, and no more. */
const RATIO_MAX = 1.2;
const START_MS = 180_000;

const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '12' },
    rate: { type: 'string', default: '300' },
    seconds: { type: 'string', default: '4' },
  },
});

needServers(['nginx', 'redis-server', 'consul', 'etcd', 'taskset', 'chrt']);
moveAside();
const children = new Children();
const abort = new AbortController();
stopOnSignals(abort, children);
const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
const stores: StoreServer[] = [];
let gateway: GatewayProcess | null = null;
try {
  const port = await startUpstream(children, folder, abort.signal);
  for (const kind of [REDIS, CONSUL, ETCD]) stores.push(await startStore(kind));
  const [redis, consul, etcd] = stores as [StoreServer, StoreServer, StoreServer];
  const [first, ...others] = manyRoutes(40, [port]);
  if (first === undefined) throw new Error('there are no routes');
  await fillConsul(consul.url, 'sluice', [first]);
  await fillEtcd(etcd.url, '/sluice/v1/', others);
  gateway = await startGatewayProcess(
    configOf({ redis: redis.url, consul: consul.url, etcd: etcd.url, port }),
    START_MS,
  );
  letLoose(gateway.child.pid as number);
  process.exitCode = await run(gateway);
} finally {
  await gateway?.end();
  for (const store of stores) await store.end();
  await children.stopAll();
  rmSync(folder, { recursive: true });
}

async function run({ proxyUrl }: GatewayProcess): Promise<number> {
  const pairs = await measurePairs({
    proxyUrl,
    stores,
    rate: Number(values.rate),
    seconds: Number(values.seconds),
    begin: async (isCalm) => {
      if (!isCalm) for (const store of stores) store.freeze();
      return async () => {
        if (!isCalm) for (const store of stores) store.thaw();
      };
    },
    isEnough: (count) => count >= Number(values.pairs) || abort.signal.aborted,
    more: () => '',
  });
  const ratio = reportPairs('while frozen', pairs);
  return ratio <= RATIO_MAX && !abort.signal.aborted ? 0 : 1;
}

interface Places {
  readonly redis: string;
  readonly consul: string;
  readonly etcd: string;
  readonly port: number;
}

function configOf({ redis, consul, etcd, port }: Places): string {
  return `listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: 2
fleet: {name: bench, redis: {address: "${redis.replace('http:', 'redis:')}"}}
services:
  shop: {versions: {v1: {endpoints: ["127.0.0.1:${port}"]}, v2: {endpoints: ["127.0.0.1:${port}"]}}}
routes:
  - name: shop
    sticky: {header: x-user-id}
    backendRefs: [{name: shop, version: v1, weight: 95}, {name: shop, version: v2, weight: 5}]
    slo: {availability: 0.999}
    rollout: {stable: v1, canary: v2}
    rateLimits: [{requests: 1000000, per: 1s, by: user, scope: fleet}]
sources:
  - consul: {address: "${consul}"}
  - etcd: {endpoints: ["${etcd}"]}
`;
}
