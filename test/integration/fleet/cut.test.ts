/** The network between a gateway and the rest of its fleet is cut: it goes on alone and says so, and joins the others again. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type GatewayProcess,
  logged,
  startGatewayProcess,
  startLoad,
  startService,
  until,
} from '../../support/gateway.ts';
import { cannotCut, startNetworks } from '../../support/runner/places/networks.ts';
import type { Place } from '../../support/runner/places/place.ts';
import { askedOf, documentOf } from '../../support/stores/fleet/fleet.ts';
import { cannotRun, freePorts, REDIS, startStore } from '../../support/stores/server.ts';

const LIMITS = { skip: cannotRun(REDIS) || cannotCut(), timeout: 540_000 };
const SKETCH = { rollout: 'steps: [50, 100], dwell: 5m, evidence: false, requestsMin: 0' };

async function modeOf(gateway: GatewayProcess): Promise<string | undefined> {
  return (await gateway.status()).fleet?.mode;
}

async function fleetMetricsOf({ adminUrl }: GatewayProcess): Promise<string> {
  return (await (await fetch(`${adminUrl}/metrics`)).text()).replace(/^(?!sluice_fleet_).*\n/gm, '');
}

describe('a gateway that is cut off from Redis and from the other one', LIMITS, () => {
  it('serves, judges alone and says so, and is of the fleet again afterwards', async (t) => {
    const networks = await startNetworks();
    t.after(() => networks.end());
    const [stable, canary] = [await startService('v1'), await startService('v2')];
    t.after(() => Promise.all([stable.close(), canary.close()]));
    const ports = await freePorts(REDIS.ports);
    const redis = await startStore(REDIS, ports, networks.far);
    t.after(() => redis.end());
    const start = async (name: string, place: Place, redisHost: string): Promise<GatewayProcess> => {
      await Promise.all([place.window(stable.port), place.window(canary.port)]);
      const places = { stable: stable.port, canary: canary.port, redis: `${redisHost}:${ports[0]}` };
      const gateway = await startGatewayProcess(documentOf(name, SKETCH, places), undefined, { place });
      t.after(() => gateway.end());
      return gateway;
    };
    const [cut, other] = [
      await start('cut', networks.near, networks.far.address),
      // Over loopback there, which loses no address.
      await start('other', networks.far, '127.0.0.1'),
    ];
    const both = [cut, other];
    for (const gateway of both) {
      await until('they know one another', async () => (await gateway.status()).fleet?.members.length === 2);
    }
    await until('somebody leads and starts the rollout', async () => {
      const roles = await Promise.all(both.map(async (gateway) => (await askedOf(gateway).standing())?.role));
      const leader = both[roles.indexOf('leader')];
      // 202: it waits, while Redis is so young that it may have forgotten whose the window is.
      return leader !== undefined && [200, 202].includes((await askedOf(leader).command('start')).status);
    });
    for (const gateway of both) {
      await until('it is on the step', async () => (await askedOf(gateway).canary()).weight === 50);
    }

    for (const how of ['down', 'silent'] as const) {
      await t.test(`serves and says so when the cut is ${how}`, async () => {
        const load = startLoad(cut.proxyUrl, { connections: 2, users: 50 });
        networks.cut(how);
        await until('it is alone', async () => (await modeOf(cut)) === 'alone');
        await until('it stands still', async () => (await askedOf(cut).canary()).state === 'paused');
        const { sent } = load.counts;
        await until('requests go on', () => load.counts.sent > sent + 100);
        const refused = await askedOf(cut).command('promote');
        assert.deepEqual([refused.status, /cut off from the fleet/.test(String(refused.body['detail']))], [409, true]);
        assert.match(await fleetMetricsOf(cut), /^sluice_fleet_mode\{mode="alone"\} 1$/m);
        assert.equal((await fetch(`${cut.adminUrl}/readyz`)).status, 200);
        await logged(cut, /"event":"fleet_alone"/);
        await until('the other one goes on', async () => (await askedOf(other).canary()).state === 'progressing');
        await until('it is of the fleet still', async () => (await modeOf(other)) === 'fleet');
        networks.mend();
        await until('it is of the fleet', async () => (await modeOf(cut)) === 'fleet');
        await until('it goes on', async () => (await askedOf(cut).canary()).state === 'progressing');
        const { answers } = await load.stop();
        assert.deepEqual([...answers.keys()].toSorted(), ['200 v1', '200 v2'], 'nobody noticed');
      });
    }

    await t.test('rolls back on what it sees, and the other one follows', async () => {
      networks.cut('silent');
      await until('it is alone', async () => (await modeOf(cut)) === 'alone');
      canary.status = 500;
      const load = startLoad(cut.proxyUrl, { connections: 2, users: 200 });
      await until('it has rolled back', async () => (await askedOf(cut).canary()).state === 'rolled-back');
      await load.stop();
      canary.status = 200;
      await until(
        'nobody could tell the other one',
        async () => (await askedOf(other).canary()).state === 'progressing',
      );
      networks.mend();
      await until('so has the other one', async () => (await askedOf(other).canary()).state === 'rolled-back');
      assert.deepEqual(await askedOf(cut).canary(), { state: 'rolled-back', weight: 0 });
      assert.deepEqual(await askedOf(other).canary(), { state: 'rolled-back', weight: 0 });
    });
  });
});
