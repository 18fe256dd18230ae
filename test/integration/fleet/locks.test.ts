/** A fleet whose locks are in etcd or in Consul: a killed leader is followed, and a store that stands still takes nobody down. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startLoad, until } from '../../support/gateway.ts';
import { type Node, startFleet } from '../../support/stores/fleet/fleet.ts';
import { CONSUL, cannotRun, ETCD, REDIS, type StoreKind, startStore } from '../../support/stores/server.ts';

const STEPS = 'steps: [50, 100], dwell: 5m, evidence: false, requestsMin: 0';
/** Sessions of Consul end after 10 to 20 s. */
const PATIENCE_MS = 90_000;
const STORES: readonly [StoreKind, source: (url: string) => string][] = [
  [ETCD, (url) => `etcd: {endpoints: ["${url}"]}`],
  [CONSUL, (url) => `consul: {address: "${url}"}`],
];

for (const [kind, source] of STORES) {
  const skip = cannotRun(REDIS) || cannotRun(kind);
  describe(`a fleet with its locks in ${kind.binary}`, { timeout: 540_000, skip }, () => {
    it('has one leader, who is followed under a greater token, and the window stays with the rollout', async (t) => {
      const store = await startStore(kind);
      t.after(() => store.end());
      const fleet = await startFleet({
        ...{ count: 2, rollout: STEPS, routes: ['shop', 'cart'], more: `sources: [{${source(store.url)}}]` },
        fleet: `lock: ${kind.binary}\n  window: {onTaken: refuse}`,
      });
      t.after(() => fleet.end());
      const first = await fleet.leader('shop');
      await until('it has begun', async () => {
        const { status, body } = await first.command('start', 'shop');
        assert.doesNotMatch(String(body['detail']), /Redis has just begun/, 'no young Redis is waited for');
        return status === 200;
      });
      // One canary of a service at a time.
      await until('the window is refused', async () => {
        const refused = await (await fleet.leader('cart')).command('start', 'cart');
        assert.equal(refused.status, 409);
        return /the release window of its service is that of shop\//.test(String(refused.body['detail']));
      });
      const { token } = await first.standing('shop');
      const [second] = fleet.nodes.filter((node) => node !== first) as [Node];
      await until('the other one is on the step', async () => (await second.canary('shop')).weight === 50);
      first.gateway.child.kill('SIGKILL');
      const leads = async (route: string): Promise<boolean> => (await second.standing(route)).role === 'leader';
      await until('the other one leads', () => leads('shop'), PATIENCE_MS);
      await until('it leads both', () => leads('cart'), PATIENCE_MS);
      assert.ok((await second.standing('shop')).token > token);
      assert.equal((await second.canary('shop')).weight, 50);
      assert.equal((await second.command('start', 'cart')).status, 409, 'the window is still that of shop');

      const load = startLoad(second.gateway.proxyUrl, { connections: 2, users: 50 });
      store.freeze();
      await until('nobody leads', async () => !(await leads('shop')));
      store.thaw();
      await until('it leads again', () => leads('shop'), PATIENCE_MS);
      const { answers, sent } = await load.stop();
      assert.deepEqual(
        [...answers.keys()].filter((answer) => !answer.startsWith('200 ')),
        [],
      );
      assert.ok(sent > 0);
      assert.equal((await second.command('abort', 'shop')).status, 200);
      await until('the window is free', async () => (await second.command('start', 'cart')).status === 200);
    });
  });
}
