/** Three gateways and one Redis: one verdict, and a rollback on all of them. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startLoad, until } from '../../support/gateway.ts';
import { startFleet, type TestFleet } from '../../support/stores/fleet/fleet.ts';
import { cannotRun, REDIS } from '../../support/stores/server.ts';

const LIMIT = { timeout: 540_000, skip: cannotRun(REDIS) };
const STEPS = 'steps: [50, 100], dwell: 5m, evidence: false, requestsMin: 0';

describe('three gateways of a fleet', LIMIT, () => {
  let fleet: TestFleet;
  before(async () => {
    // Who leads does so to the end, also when the machine stands still for longer than the default lease.
    fleet = await startFleet({ count: 3, rollout: STEPS, fleet: 'lease: 10s' });
  });
  after(() => fleet.end());

  // One story: what each part leaves is what the next begins with.
  it('lead, roll back and begin again', async (t) => {
    await t.test('have one leader, who alone takes commands and says so', async () => {
      const leader = await fleet.leader();
      const [follower] = fleet.nodes.filter((node) => node !== leader);
      assert.ok(follower !== undefined);
      await until('it knows who leads', async () => (await follower.standing()).leader === leader.name);
      const refused = await follower.command('start');
      assert.equal(refused.status, 409);
      assert.equal(
        refused.body['detail'],
        `shop is led by ${leader.name}; send start there: --admin ${leader.gateway.adminUrl}`,
      );
      const started = await leader.command('start');
      // 202: it waits, while Redis is so young that it may have forgotten whose the window is.
      assert.ok([200, 202].includes(started.status), JSON.stringify(started.body));
      for (const node of fleet.nodes) {
        await until(`${node.name} is on the step`, async () => (await node.canary()).weight === 50);
        await until(`${node.name} knows who leads`, async () => (await node.standing()).leader === leader.name);
        assert.equal((await node.standing()).role, node === leader ? 'leader' : 'follower');
      }
    });

    await t.test('roll the canary back everywhere on evidence that none of them has alone', async () => {
      const leader = await fleet.leader();
      const others = fleet.nodes.filter((node) => node !== leader);
      fleet.canary.status = 500;
      // The leader itself has no traffic at all.
      const loads = others.map(({ gateway }) => startLoad(gateway.proxyUrl, { connections: 2, users: 200 }));
      for (const node of fleet.nodes) {
        await until(`${node.name} has rolled back`, async () => (await node.canary()).state === 'rolled-back');
        assert.equal((await node.canary()).weight, 0);
      }
      await Promise.all(loads.map((load) => load.stop()));
      const [decision] = (await leader.gateway.decisions()).filter(({ kind }) => kind === 'rollback');
      assert.equal(decision?.trigger, 'evidence');
      for (const node of others) {
        const decisions = await node.gateway.decisions();
        assert.deepEqual(
          decisions.filter(({ kind }) => kind === 'rollback'),
          [],
        );
      }
    });

    await t.test('begin again when a person starts it on the leader', async () => {
      fleet.canary.status = 200;
      const leader = await fleet.leader();
      assert.equal((await leader.command('start')).status, 200);
      for (const node of fleet.nodes) {
        await until(`${node.name} has begun again`, async () => (await node.canary()).weight === 50);
        assert.equal((await node.standing()).run, 1);
      }
    });

    await t.test('end it on any of them', async () => {
      const leader = await fleet.leader();
      const [follower] = fleet.nodes.filter((node) => node !== leader);
      assert.equal((await follower?.command('abort'))?.status, 200);
      for (const node of fleet.nodes) {
        await until(`${node.name} has ended`, async () => (await node.canary()).state === 'rolled-back');
      }
    });
  });
});
