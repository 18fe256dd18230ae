/** One limit over two gateways and a real Redis, which freezes and comes back: no request waits for it. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { logged, until } from '../../support/gateway.ts';
import { type Node, startFleet, type TestFleet } from '../../support/stores/fleet/fleet.ts';
import { cannotRun, REDIS } from '../../support/stores/server.ts';

const BURST = 20;
/** One request an hour, so that nobody gets one back while the test runs. */
const LIMITS = `rateLimits: [{requests: 1, per: 1h, burst: ${BURST}, by: user, scope: fleet}]`;
const ROLLOUT = 'steps: [50, 100], autoStart: false';

async function ask({ gateway }: Node, user: string): Promise<number> {
  const response = await fetch(gateway.proxyUrl, { headers: { 'x-user-id': user } });
  await response.arrayBuffer();
  return response.status;
}

/** How many of `count` requests are let through. */
async function through(node: Node, user: string, count: number): Promise<number> {
  let passed = 0;
  for (let n = 0; n < count; n++) if ((await ask(node, user)) === 200) passed += 1;
  return passed;
}

async function ratesOf({ gateway }: Node) {
  return (await gateway.status()).fleet?.rates ?? assert.fail();
}

describe('a limit of two gateways', { timeout: 540_000, skip: cannotRun(REDIS) }, () => {
  let fleet: TestFleet;
  before(async () => {
    fleet = await startFleet({ count: 2, rollout: ROLLOUT, route: LIMITS });
  });
  after(() => fleet.end());

  // One story: what each part leaves is what the next begins with.
  it('is one limit, without Redis each gateway’s own, and one again', async (t) => {
    const [one, two] = fleet.nodes as [Node, Node];

    await t.test('what one lets through, the other does not', async () => {
      assert.equal(await through(one, 'ann', 15), 15);
      assert.equal(await ask(two, 'ann'), 200, 'it has not heard of ann yet');
      await until('both have told', async () => {
        const counts = await Promise.all([one, two].map(async (node) => (await ratesOf(node)).exchanges.done));
        return counts.every((done) => done >= 2);
      });
      const rest = (await through(two, 'ann', 30)) + (await through(one, 'ann', 30));
      assert.ok(rest >= 4 && rest <= 4 + BURST, `${rest} of 4, and what was let through within an exchange`);
      await until('both refuse', async () => (await ask(one, 'ann')) === 429 && (await ask(two, 'ann')) === 429);
      assert.equal(await through(two, 'bob', 5), 5, 'others have their own');
    });

    await t.test('while Redis is frozen each goes by its own counts, and no request waits', async () => {
      fleet.redis.freeze();
      for (const [n, node] of [one, two].entries()) {
        assert.equal(await through(node, `cut${n}`, BURST + 5), BURST);
        await until(`${node.name} says so`, async () => {
          await ask(node, `new ${performance.now()}`);
          return (await ratesOf(node)).mode === 'local';
        });
        await logged(node.gateway, /"event":"fleet_rates_local"/);
        const metrics = await (await fetch(`${node.gateway.adminUrl}/metrics`)).text();
        assert.match(metrics, /sluice_fleet_rates_shared 0/);
      }
      assert.equal(await through(one, 'carl', BURST + 5), BURST);
      assert.equal(await through(two, 'carl', BURST + 5), BURST, 'a burst each');
      fleet.redis.thaw();
    });

    await t.test('and when it answers again they count together', async () => {
      for (const node of [one, two]) {
        await until(`${node.name} is heard`, async () => {
          await ask(node, `new ${performance.now()}`);
          return (await ratesOf(node)).mode === 'shared';
        });
        await logged(node.gateway, /"event":"fleet_rates_shared"/);
      }
      assert.equal(await ask(two, 'dora'), 200);
      assert.equal(await through(one, 'dora', BURST - 1), BURST - 1);
      await until('the other has heard of it', async () => (await ask(two, 'dora')) === 429);
    });
  });
});
