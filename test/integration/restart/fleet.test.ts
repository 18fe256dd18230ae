/** A planned restart of a fleet's leader: whoever serves leads, however long the old process drains. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { nowMs } from '#src/lib/clock.ts';
import { startService, until } from '../../support/gateway.ts';
import { type Restarting, restarted, startRestarting } from '../../support/state/restarting.ts';
import { cannotRun, REDIS, startStore } from '../../support/stores/server.ts';

/** Renewed for the last time up to a third of it before. The first leader waits for one as well. */
const LEASE_S = 30;

async function roleOf(gateway: Restarting): Promise<string | undefined> {
  return (await gateway.status()).fleet?.rollouts[0]?.role;
}

it('the successor leads while the process before it still drains', {
  skip: cannotRun(REDIS),
  timeout: 540_000,
}, async (t) => {
  const redis = await startStore(REDIS);
  const service = await startService('v1');
  const endpoint = `{endpoints: ["127.0.0.1:${service.port}"]}`;
  const gateway = await startRestarting(
    t,
    `
listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: 1
saturation: {response: observe}
drain: {delay: 5m, timeout: 5m}
fleet: {name: shop, lease: ${LEASE_S}s, redis: {address: "${redis.url.replace('http:', 'redis:')}"}}
services: {shop: {versions: {v1: ${endpoint}, v2: ${endpoint}}}}
routes:
  - name: shop
    backendRefs: [{name: shop, version: v1, weight: 90}, {name: shop, version: v2, weight: 10}]
    slo: {availability: 0.999}
    rollout: {stable: v1, canary: v2}
`,
  );
  t.after(() => Promise.all([redis.end(), service.close()]));
  await until('it leads', async () => (await roleOf(gateway)) === 'leader');
  assert.equal((await fetch(gateway.proxyUrl, { headers: { connection: 'close' } })).status, 200);
  const beganMs = nowMs();
  await restarted(gateway);
  await until('the successor leads', async () => (await roleOf(gateway)) === 'leader');
  const tookMs = nowMs() - beganMs;
  assert.equal(gateway.first.exitCode, null, 'the old one drains');
  assert.ok(tookMs < (LEASE_S * 1000 * 2) / 3, 'its lease has not run out');
});
