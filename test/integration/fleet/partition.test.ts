/** Redis freezes, dies and comes back, and a gateway is cut off: requests notice nothing, and no rollback is forgotten. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { logged, startLoad, until } from '../../support/gateway.ts';
import { type Node, startFleet, type TestFleet } from '../../support/stores/fleet/fleet.ts';
import { cannotRun, REDIS } from '../../support/stores/server.ts';

const LIMIT = { timeout: 540_000, skip: cannotRun(REDIS) };
const STEPS = 'steps: [50, 100], dwell: 5m, evidence: false, requestsMin: 0';

async function assertServed(load: ReturnType<typeof startLoad>): Promise<void> {
  await until('many were sent', () => load.counts.sent > 100);
  const { answers } = await load.stop();
  const wrong = [...answers].filter(([answer]) => !answer.startsWith('200 '));
  assert.deepEqual(wrong, []);
}

async function modeOf(node: Node): Promise<string | undefined> {
  return (await node.gateway.status()).fleet?.mode;
}

describe('two gateways whose Redis goes away', LIMIT, () => {
  let fleet: TestFleet;
  before(async () => {
    fleet = await startFleet({ count: 2, rollout: STEPS });
    // 202: it waits, while Redis is so young that it may have forgotten whose the window is.
    await until('it is started', async () =>
      [200, 202].includes((await (await fleet.leader()).command('start')).status),
    );
    for (const node of fleet.nodes) await until('it is on the step', async () => (await node.canary()).weight === 50);
  });
  after(() => fleet.end());

  // One story: what each part leaves is what the next begins with.
  it('serve on, and go on together', async (t) => {
    await t.test('serve on, stand still and say so while it is frozen, and go on together afterwards', async () => {
      const loads = fleet.nodes.map(({ gateway }) => startLoad(gateway.proxyUrl, { connections: 2, users: 50 }));
      fleet.redis.freeze();
      for (const node of fleet.nodes) {
        await until(`${node.name} is alone`, async () => (await modeOf(node)) === 'alone');
        await until(`${node.name} stands still`, async () => (await node.canary()).state === 'paused');
        assert.equal((await node.canary()).weight, 50, 'at the weight that it had');
        const { status } = await fetch(`${node.gateway.adminUrl}/readyz`);
        assert.equal(status, 200, 'it is ready nevertheless');
        const refused = await node.command('promote');
        assert.equal(refused.status, 409);
        assert.match(String(refused.body['detail']), /cut off from the fleet test/);
        assert.match(
          await (await fetch(`${node.gateway.adminUrl}/metrics`)).text(),
          /sluice_fleet_mode\{mode="alone"\} 1/,
        );
        await logged(node.gateway, /"event":"fleet_alone"/);
      }
      fleet.redis.thaw();
      for (const node of fleet.nodes) {
        await until(`${node.name} goes on`, async () => (await node.canary()).state === 'progressing');
        // A word of the other one may be heard before the first exchange of its own.
        await until(`${node.name} is of the fleet`, async () => (await modeOf(node)) === 'fleet');
      }
      for (const load of loads) await assertServed(load);
    });

    await t.test('serve on while it is killed, and while it begins again without its data', async () => {
      const loads = fleet.nodes.map(({ gateway }) => startLoad(gateway.proxyUrl, { connections: 2, users: 50 }));
      await fleet.redis.kill();
      for (const node of fleet.nodes) await until('it is alone', async () => (await modeOf(node)) === 'alone');
      await fleet.redis.restart();
      for (const node of fleet.nodes) {
        await until(`${node.name} goes on`, async () => (await node.canary()).state === 'progressing');
        assert.equal((await node.canary()).weight, 50);
      }
      await fleet.leader();
      for (const load of loads) await assertServed(load);
    });

    await t.test(
      'let one that is cut off roll back on what it sees, and take that over when it is heard again',
      async () => {
        const leader = await fleet.leader();
        const [cut] = fleet.nodes.filter((node) => node !== leader) as [Node];
        cut.relay.cut();
        await until('it is alone', async () => (await modeOf(cut)) === 'alone');
        await until('the others go on', async () => (await leader.canary()).state === 'progressing');
        fleet.canary.status = 500;
        const load = startLoad(cut.gateway.proxyUrl, { connections: 2, users: 200 });
        await until('it has rolled back', async () => (await cut.canary()).state === 'rolled-back');
        await load.stop();
        fleet.canary.status = 200;
        await until('nobody tells the others', async () => (await leader.canary()).state === 'progressing');
        cut.relay.mend();
        await until('so have the others', async () => (await leader.canary()).state === 'rolled-back');
        assert.equal((await leader.canary()).weight, 0);
        assert.equal((await cut.canary()).state, 'rolled-back');
      },
    );
  });
});

describe('a leader that is killed', LIMIT, () => {
  let fleet: TestFleet;
  before(async () => {
    fleet = await startFleet({
      ...{ count: 2, rollout: STEPS, routes: ['shop', 'cart'] },
      fleet: 'window: {onTaken: refuse}',
    });
  });
  after(() => fleet.end());

  it('is followed by another one, under a greater token, and its window stays with the rollout', async () => {
    const first = await fleet.leader('shop');
    await until('Redis is old enough to know', async () => (await first.command('start', 'shop')).status === 200);
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
    await until('the other one leads', async () => (await second.standing('shop')).role === 'leader');
    await until('it leads both', async () => (await second.standing('cart')).role === 'leader');
    const standing = await second.standing('shop');
    assert.ok(standing.token > token, `${standing.token} after ${token}`);
    assert.equal((await second.canary('shop')).weight, 50);
    assert.equal((await second.command('start', 'cart')).status, 409, 'the window is still that of shop');
    assert.equal((await second.command('abort', 'shop')).status, 200);
    await until('the window is free', async () => (await second.command('start', 'cart')).status === 200);
  });
});
