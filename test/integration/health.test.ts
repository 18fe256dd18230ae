/** Endpoints that fail and recover: in a gateway as its operator has it, and checks against real sockets. */

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { startProbe } from '#src/health/checks/probe.ts';
import { Health } from '#src/health/health.ts';
import { planOf } from '#src/health/plan.ts';
import { nowMs } from '#src/lib/clock.ts';
import { Random } from '#src/lib/random.ts';
import type { Config } from '#src/model/config.ts';
import { createDials, getDial } from '#src/snapshot/dials.ts';
import { Store } from '#src/snapshot/store.ts';
import { configOf } from '../support/config.ts';
import { logged, startGatewayProcess, startLoad, startService, type TestService, until } from '../support/gateway.ts';

async function serviceOf(t: TestContext, name: string): Promise<TestService> {
  const service = await startService(name);
  t.after(() => service.close());
  return service;
}

/** @param more fields of the service, each a line. */
function documentOf(v1: readonly TestService[], v2: readonly TestService[], more = ''): string {
  const list = (services: readonly TestService[]): string =>
    services.map(({ port }) => `"127.0.0.1:${port}"`).join(', ');
  return `listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: 2
saturation: {response: observe}
services:
  shop:
${more}    versions:
      v1: {endpoints: [${list(v1)}]}
      v2: {endpoints: [${list(v2)}]}
routes:
  - name: shop
    backendRefs:
      - {name: shop, version: v1, weight: 80}
      - {name: shop, version: v2, weight: 20}
`;
}

describe('a gateway with a failing endpoint', () => {
  it('ejects it, says so everywhere, and goes on with the others', async (t) => {
    const [sick, fine, canary] = [await serviceOf(t, 'sick'), await serviceOf(t, 'fine'), await serviceOf(t, 'canary')];
    sick.status = 500;
    // Much shorter than the default: it is to be over while somebody waits.
    const detection = '    outlierDetection: {ejection: 3s}\n';
    const gateway = await startGatewayProcess(documentOf([sick, fine], [canary], detection));
    t.after(() => gateway.end());
    const load = startLoad(gateway.proxyUrl, { connections: 8, users: 1000 });
    t.after(() => load.stop());
    const sickNow = async () => (await gateway.status()).routes[0]?.versions[0]?.endpoints[0];
    let [servedThen, ejectionsThen] = [0, 0];
    // One may be over before a busy machine has looked at all of it; the next one lasts longer.
    await until('an ejection is looked at from its beginning to its end', async () => {
      const before = await sickNow();
      if (before?.state !== 'ejected') return false;
      const [served, sent] = [sick.served, load.counts.sent];
      await until('the others serve on', () => load.counts.sent > sent + 300);
      const arrived = sick.served - served;
      const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
      const after = await sickNow();
      if (after?.state !== 'ejected' || after.ejections !== before.ejections) return false;
      assert.match(before.because, /^(\d+ errors in a row|a probe of it failed), tried again in \d+ s$/);
      assert.ok(arrived <= 8, `only what was under way still arrives there, not ${arrived}`);
      const up = (port: number) => `sluice_endpoint_up\\{[^}]*endpoint="127\\.0\\.0\\.1:${port}"[^}]*\\}`;
      assert.match(metrics, new RegExp(`${up(sick.port)} 0`));
      assert.match(metrics, new RegExp(`${up(fine.port)} 1`));
      [servedThen, ejectionsThen] = [served, before.ejections];
      return true;
    });
    const told = '"event":"endpoint","address":"127\\.0\\.0\\.1:PORT","before":"up","after":"ejected"';
    await logged(gateway, new RegExp(told.replace('PORT', String(sick.port))));
    await until('a trial that it failed', async () => {
      const now = await sickNow();
      return now !== undefined && now.because.startsWith('a probe of it failed') && now.ejections > ejectionsThen;
    });
    const trials = ((await sickNow())?.ejections ?? 0) - ejectionsThen;
    const since = sick.served - servedThen;
    assert.ok(since <= 8 + trials, `${since} requests in ${trials} trials`);
    sick.status = 200;
    const { served } = sick;
    await until('it is back and serves', async () => (await sickNow())?.state === 'up' && sick.served > served + 20);
  });
});

describe('checks against real upstreams', () => {
  it('take the weight of a version whose endpoints all fail, and give it back exactly', async (t) => {
    const [v1, v2] = [await serviceOf(t, 'v1'), await serviceOf(t, 'v2')];
    const read = configOf(documentOf([v1], [v2]));
    const check = { path: '/', host: null, intervalMs: 50, timeoutMs: 20_000, healthyCount: 2, unhealthyCount: 2 };
    const services = read.services.map((service) => ({ ...service, health: check }));
    const config: Config = { ...read, services };
    const dials = createDials();
    const store = new Store({ file: 'a', dials, wallTime: () => '', mayRecycle: () => false });
    const offered = store.offer({ ok: true, config, warnings: [] });
    assert.equal(offered.kind, 'swapped');
    const { snapshot } = offered.current;
    const weights = (): number[] => snapshot.routes[0]?.splits.map(({ dial }) => getDial(dials, dial)) ?? [];
    const health = new Health({
      random: new Random(1),
      nowMs,
      setCapacity: () => undefined,
      offerProbe: () => undefined,
      isProbeOffered: () => false,
      startProbe,
    });
    t.after(() => health.close());
    health.follow(planOf(config, snapshot), false);
    const turn = (): void => {
      const { down } = health.turn([]);
      if (down !== null) store.setDown(down);
    };
    const turnUntil = (what: string, done: () => boolean): Promise<void> => until(what, () => (turn(), done()));
    await turnUntil('some checks passed', () => health.status.checks.passed > 4);
    assert.deepEqual(weights(), [80, 20]);
    v1.status = 503;
    await turnUntil('v1 is down', () => weights()[0] === 0);
    assert.deepEqual(weights(), [0, 20]);
    v2.status = 503;
    await turnUntil('both are down', () => weights()[0] === 80);
    assert.deepEqual(weights(), [80, 20], 'nobody can take over: as the operator wrote it');
    v1.status = 200;
    v2.status = 200;
    await turnUntil('both are up', () => health.of(0).state === 'up' && health.of(1).state === 'up');
    assert.deepEqual(weights(), [80, 20]);
  });
});
