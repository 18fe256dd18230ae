/** A canary whose instances are found in etcd: one that is sick is ejected, and condemns nobody; most of them do. */

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import {
  type GatewayProcess,
  startGatewayProcess,
  startLoad,
  startService,
  type TestService,
  until,
} from '../../../support/gateway.ts';
import { askEtcd } from '../../../support/stores/keys.ts';
import { cannotRun, ETCD, startStore } from '../../../support/stores/server.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/**
 * An instance is ejected after 30 failures in a row, and asked as often as the others until then. Some 16 convict, and four times
 * as many would be needed after three mercies: so the judge has its say first, and not the last one, however slow all of it is.
 */
function document(url: string, stable: number): string {
  return `listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: 1
saturation: {response: observe}
timeouts: {connect: 1m, pending: 1m}
discovery:
  etcd: {endpoints: ["${url}"], heartbeat: 1s}
services:
  shop:
    balancer: roundRobin
    outlierDetection: {consecutiveErrors: 30, requestsMin: 1000000}
    versions:
      v1: {endpoints: ["127.0.0.1:${stable}"]}
      v2: {endpoints: {etcd: {}}}
routes:
  - name: shop
    sticky: {header: x-user-id}
    backendRefs: [{name: shop, version: v1, weight: 60}, {name: shop, version: v2, weight: 40}]
    slo: {availability: 0.999}
    rollout: {stable: v1, canary: v2}
`;
}

/** Instances of the canary that can be announced and withdrawn. */
class Instances {
  readonly services: readonly TestService[];
  readonly #url: string;
  readonly #leases: string[] = [];

  constructor(url: string, services: readonly TestService[]) {
    this.#url = url;
    this.services = services;
  }

  address(n: number): string {
    return `127.0.0.1:${this.services[n]?.port}`;
  }

  async announce(n: number): Promise<void> {
    const { ID } = await askEtcd(this.#url, 'lease/grant', { TTL: 3600 });
    this.#leases[n] = ID as string;
    const key = base64(`/sluice/v1/endpoints/shop/v2/web-${n}`);
    await askEtcd(this.#url, 'kv/put', { key, value: base64(this.address(n)), lease: ID });
  }

  async withdraw(n: number): Promise<void> {
    await askEtcd(this.#url, 'lease/revoke', { ID: this.#leases[n] });
  }

  sicken(n: number): void {
    (this.services[n] as TestService).status = 500;
  }
}

/** A gateway under load, and what it says of its rollout. */
class Scene {
  readonly gateway: GatewayProcess;
  readonly instances: Instances;

  private constructor(gateway: GatewayProcess, instances: Instances) {
    this.gateway = gateway;
    this.instances = instances;
  }

  /** With three of four instances announced. */
  static async of(t: TestContext): Promise<Scene> {
    const store = await startStore(ETCD);
    t.after(() => store.end());
    const stable = await startService('v1');
    const services = await Promise.all(['v2', 'v2', 'v2', 'v2'].map(startService));
    for (const service of [stable, ...services]) t.after(() => service.close());
    const instances = new Instances(store.url, services);
    for (const n of [0, 1, 2]) await instances.announce(n);
    const gateway = await startGatewayProcess(document(store.url, stable.port));
    t.after(() => gateway.end());
    const load = startLoad(gateway.proxyUrl, { connections: 8, users: 5000 });
    t.after(() => load.stop());
    return new Scene(gateway, instances);
  }

  async route() {
    return (await this.gateway.status()).routes[0] ?? assert.fail('no route');
  }

  async rollout() {
    return (await this.route()).rollout ?? assert.fail('no rollout');
  }

  async endpoints() {
    return (await this.route()).versions.find(({ version }) => version === 'v2')?.endpoints ?? [];
  }

  /** Waits until the canary has finished so many more requests than now. */
  async served(count: number): Promise<void> {
    const finished = async (): Promise<number> => (await this.route()).rollout?.verdict?.requests.canary.finished ?? 0;
    const before = await finished();
    await until(`the canary finishes ${count}`, async () => (await finished()) >= before + count);
  }
}

describe('a canary whose instances are looked up', { skip: cannotRun(ETCD) }, () => {
  it('stays when one of them is sick: that one is ejected, and named', async (t) => {
    const scene = await Scene.of(t);
    await scene.served(60);
    // Whoever comes or goes begins nothing anew.
    await scene.instances.announce(3);
    await until('a fourth is found', async () => (await scene.endpoints()).length === 4);
    const { canary } = (await scene.rollout()).verdict?.requests ?? assert.fail('no verdict');
    assert.ok(canary.finished >= 60, `${canary.finished} requests are remembered`);
    scene.instances.sicken(1);
    const name = scene.instances.address(1);
    await until('its failures are left out', async () => {
      const { verdict, state, sentence } = await scene.rollout();
      assert.equal(state, 'progressing', sentence);
      return verdict?.errors.spared.includes(name) === true;
    });
    await scene.instances.withdraw(0);
    await until('it is ejected', async () => {
      return (await scene.endpoints()).some(({ address, state }) => address === name && state === 'ejected');
    });
    await until('another one is gone', async () => (await scene.endpoints()).length === 3);
    await scene.served(200);
    const { state, sentence, verdict } = await scene.rollout();
    assert.equal(state, 'progressing', sentence);
    assert.ok(verdict?.errors.spared.every((one) => one === name));
    assert.ok(sentence.includes(`; failures of endpoint ${name} were left out`), sentence);
    assert.ok((verdict?.requests.canary.finished ?? 0) > canary.finished, 'all of it is one judgement');
    assert.deepEqual(await scene.gateway.decisions(), []);
  });

  it('is rolled back when two of three are sick', async (t) => {
    const scene = await Scene.of(t);
    await scene.served(60);
    for (const n of [0, 2]) scene.instances.sicken(n);
    await until('it is rolled back', async () => (await scene.rollout()).state === 'rolled-back');
    const [decision] = await scene.gateway.decisions();
    assert.ok(decision?.kind === 'rollback' && decision.trigger === 'evidence', decision?.sentence ?? 'no decision');
    assert.deepEqual(decision.verdict.errors.spared, []);
  });
});
