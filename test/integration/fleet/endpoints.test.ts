/** Two gateways that look the canary's instances up in different places: one that is sick is told from the version by whoever leads. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startGatewayProcess, startService, until } from '../../support/gateway.ts';
import { askedOf, documentOf } from '../../support/stores/fleet/fleet.ts';
import { askEtcd } from '../../support/stores/keys.ts';
import { cannotRun, ETCD, REDIS, startStore } from '../../support/stores/server.ts';

const LIMIT = { timeout: 540_000, skip: cannotRun(REDIS) || cannotRun(ETCD) };
/** Its failures overspend the budget where the fleet stood still meanwhile. */
const SLO = 'availability: 0.999, budgetPolicy: {freeze: false}';
const STEPS = 'steps: [50, 100], dwell: 20m, evidence: false, requestsMin: 0';
const PAUSE_MS = 15;
/** Instances of the canary that each gateway finds. */
const KNOWN = { one: [0, 1], two: [2, 3] } as const;

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** Ejected after 60 failures in a row, and asked as often as the other one until then. Some 20 convict, 80 after three mercies. */
function detecting(document: string): string {
  return document
    .replace(
      '  shop:\n',
      '  shop:\n    balancer: roundRobin\n    outlierDetection: {consecutiveErrors: 60, requestsMin: 1000000}\n',
    )
    .replace(/v2: \{endpoints: \[.+?\]\}/, 'v2: {endpoints: {etcd: {}}}');
}

/** One request after another, each of another user: so few that what a silence of 2 s hides is half of the failures at most. */
function startRequests(url: string): { stop(): Promise<void> } {
  let isStopped = false;
  const all = (async () => {
    for (let user = 0; !isStopped; user++) {
      // At the end of the test the gateway ends first.
      const answer = await fetch(url, { headers: { 'x-user-id': `user-${user}` } }).catch(() => null);
      await answer?.arrayBuffer();
      await sleep(PAUSE_MS);
    }
  })();
  return {
    stop: () => {
      isStopped = true;
      return all;
    },
  };
}

it('one that only the follower knows is spared by the leader', LIMIT, async (t) => {
  const [redis, etcd] = [await startStore(REDIS), await startStore(ETCD)];
  t.after(() => Promise.all([redis.end(), etcd.end()]));
  const stable = await startService('v1');
  const canaries = await Promise.all(['v2', 'v2', 'v2', 'v2'].map(startService));
  t.after(() => Promise.all([stable, ...canaries].map((service) => service.close())));
  const address = (n: number): string => `127.0.0.1:${canaries[n]?.port}`;
  for (const [name, instances] of Object.entries(KNOWN)) {
    for (const n of instances) {
      const key = base64(`/${name}/endpoints/shop/v2/web-${n}`);
      await askEtcd(etcd.url, 'kv/put', { key, value: base64(address(n)) });
    }
  }
  const places = { stable: stable.port, canary: 1, redis: new URL(redis.url).host };
  const start = async (name: keyof typeof KNOWN) => {
    const more = `discovery: {etcd: {endpoints: ["${etcd.url}"], prefix: /${name}/, heartbeat: 1s}}`;
    const gateway = await startGatewayProcess(detecting(documentOf(name, { rollout: STEPS, slo: SLO, more }, places)));
    t.after(() => gateway.end());
    return { name, gateway, ...askedOf(gateway) };
  };
  const nodes = [await start('one'), await start('two')];
  let leader = nodes[0];
  await until('somebody leads', async () => {
    const roles = await Promise.all(nodes.map(async (node) => (await node.standing().catch(() => null))?.role));
    leader = nodes[roles.indexOf('leader')];
    return leader !== undefined;
  });
  const follower = nodes.find((node) => node !== leader) ?? assert.fail('no follower');
  const lead = leader ?? assert.fail('no leader');
  await until('it is started', async () => [200, 202].includes((await lead.command('start')).status));
  for (const node of nodes) {
    await until(`${node.name} is on the step`, async () => (await node.canary()).weight === 50);
  }
  // The leader itself has no traffic at all.
  const load = startRequests(follower.gateway.proxyUrl);
  t.after(() => load.stop());
  // One that stood still for long leads no more, and has no verdict: then the other one tells.
  const verdict = async () =>
    (await lead.route()).rollout?.verdict ?? (await follower.route()).rollout?.verdict ?? null;
  const finishedBy = async () => (await verdict())?.requests.canary.finished ?? 0;
  await until('the leader hears of it', async () => (await finishedBy()) > 60);

  const sick = KNOWN[follower.name][1];
  const service = canaries[sick] ?? assert.fail('no instance');
  service.status = 500;
  await until('its failures are left out', async () => {
    const { state, sentence } = (await lead.route()).rollout ?? assert.fail('no rollout');
    assert.equal(state, 'progressing', sentence);
    return (await verdict())?.errors.spared.includes(address(sick)) === true;
  });
  await until('it is ejected', async () => {
    const version = (await follower.route()).versions.find((one) => one.version === 'v2');
    return version?.endpoints.some((one) => one.address === address(sick) && one.state === 'ejected') === true;
  });
  const finished = await finishedBy();
  await until('the canary goes on', async () => (await finishedBy()) > finished + 60);
  for (const node of nodes) assert.deepEqual(await node.canary(), { state: 'progressing', weight: 50 });
  assert.ok((await verdict())?.errors.spared.every((name) => name === address(sick)) ?? true);
});
