/** A broken canary with rescue through a whole gateway: its users hardly notice, and the evidence convicts it all the same. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RouteStatus, VersionStatus } from '#src/model/status.ts';
import {
  type GatewayProcess,
  startGatewayProcess,
  startService,
  type TestService,
  until,
} from '../../../support/gateway.ts';

/** Between two requests: about 60 a second, of which the canary gets half. */
const PAUSE_MS = 15;
/** Reached only when something hangs: a minute of them on a machine that is not busy. */
const REQUESTS_MAX = 4000;
const USERS = 1000;

let stable: TestService;
let canary: TestService;
let gateway: GatewayProcess;

function documentOf(canaryWeight: number): string {
  return `
listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: 1
saturation: {response: observe}
timeouts: {connect: 1m, pending: 1m}
accessLog: {sample: 0.000001}
drain: {delay: 0s, timeout: 1s}
services:
  shop:
    versions:
      v1: {endpoints: ["127.0.0.1:${stable.port}"]}
      v2: {endpoints: ["127.0.0.1:${canary.port}"]}
routes:
  - name: shop
    sticky: {header: x-user-id}
    backendRefs: [{name: shop, version: v1, weight: 50}, {name: shop, version: v2, weight: ${canaryWeight}}]
    slo: {availability: 0.999}
    rollout: {stable: v1, canary: v2}
`;
}

async function route(): Promise<RouteStatus> {
  return (await gateway.status()).routes[0] ?? assert.fail('no route');
}

function versionOf({ versions }: RouteStatus, name: string): VersionStatus {
  return versions.find(({ version }) => version === name) ?? assert.fail(`no ${name}`);
}

let asked = 0;

/** One request of the next user; its status. */
async function ask(): Promise<number> {
  const answer = await fetch(gateway.proxyUrl, { headers: { 'x-user-id': `user-${asked++ % USERS}` } });
  await answer.arrayBuffer();
  return answer.status;
}

/** Asks until `isOver`; every status that was not 200. */
async function askUntil(isOver: () => Promise<boolean>): Promise<number[]> {
  const failures: number[] = [];
  for (let n = 0; !(await isOver()); n++) {
    assert.ok(n < REQUESTS_MAX, 'it takes too long');
    const status = await ask();
    if (status !== 200) failures.push(status);
    await sleep(PAUSE_MS);
  }
  return failures;
}

describe('a canary that fails altogether, with half of the users', () => {
  before(async () => {
    stable = await startService('v1');
    canary = await startService('v2');
    gateway = await startGatewayProcess(documentOf(50));
  });
  after(async () => {
    await gateway.end();
    await Promise.all([stable.close(), canary.close()]);
  });

  it('is rolled back for what stable answered, and its users saw 2 failures at most', async (t) => {
    assert.deepEqual(await askUntil(async () => (await route()).requests >= 150), [], 'all is well');
    assert.ok(canary.served > 20, 'it had its users');
    canary.status = 503;
    const failures = await askUntil(async () => (await route()).rollout?.state === 'rolled-back');
    let after = await route();
    // What versions and rescues did is counted after what the route did.
    const isCounted = async (): Promise<boolean> => {
      after = await route();
      const { requests, bad, rescued } = versionOf(after, 'v2');
      if (after.requests !== asked || requests + versionOf(after, 'v1').requests !== asked) return false;
      return (rescued?.good ?? 0) + failures.length === bad;
    };
    await until('everything is counted', isCounted).catch(() => undefined);
    assert.equal(after.requests, asked);
    const { rescued, bad } = versionOf(after, 'v2');
    t.diagnostic(`${bad} failures of the canary, ${failures.length} seen, rescues ${JSON.stringify(rescued)}`);
    assert.ok(failures.length <= 2, `${failures.length} failures`);
    assert.ok(bad >= 3 && rescued !== null && rescued.good === bad - failures.length, 'every other one was rescued');
    assert.equal(after.bad, failures.length, 'the route’s budget pays for what users saw');

    const [decision] = await gateway.decisions();
    assert.ok(decision !== undefined && decision.kind === 'rollback' && decision.trigger === 'evidence');
    assert.match(decision.sentence, /v2 rolled back/);
    const { canary: convicted, stable: compared } = decision.verdict.requests;
    assert.deepEqual([convicted.bad <= bad, compared.bad], [true, 0]);
    const { requests } = versionOf(after, 'v1');
    assert.ok(compared.finished <= requests, 'what stable answered for the canary is not stable’s evidence');
    assert.equal(
      after.requests,
      requests + versionOf(after, 'v2').requests,
      'and each request is on one version’s record',
    );

    await t.test('and says so: in metrics, in the table, and in the access log under the ids of the decision', saysSo);
  });

  async function saysSo(): Promise<void> {
    const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
    const good = versionOf(await route(), 'v2').rescued?.good ?? 0;
    const labels = 'outcome="good",route="shop",service="shop",version="v2"';
    assert.ok(
      metrics.includes(`sluice_rescues_total{${labels}} ${good}`),
      /sluice_rescues.*/.exec(metrics)?.[0] ?? 'none',
    );
    const [decision] = await gateway.decisions();
    const ids = decision?.sampleRequestIds ?? [];
    assert.ok(ids.length > 0);
    // The decision's own line has the ids as well, and may come first. The last line may not have come as a whole.
    const lineOf = (id: string): string | undefined => {
      const lines = gateway.output().split('\n').slice(0, -1);
      return lines.find((line) => line.startsWith('{"event":"request"') && line.includes(id));
    };
    await until('the log has them', () => ids.every((id) => lineOf(id) !== undefined));
    const records = ids.map((id) => JSON.parse(lineOf(id) ?? '{}') as Record<string, unknown>);
    const rescued = records.filter(({ rescuedFrom }) => rescuedFrom === 'v2');
    assert.ok(rescued.length >= ids.length - 2 && rescued.length > 0, JSON.stringify(records));
    for (const { version, status, attempts } of rescued) assert.deepEqual([version, status, attempts], ['v1', 200, 2]);
  }
});
