/** Idempotency keys over two gateways with three workers each and a real Redis, which freezes; workers and gateways that die. */

import assert from 'node:assert/strict';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { after, before, describe, it, type TestContext } from 'node:test';
import { BroadcastChannel } from 'node:worker_threads';
import { IdempotencyKeys } from '#src/compose/watches/idempotency/keys.ts';
import { createLog } from '#src/lib/log.ts';
import type { Config } from '#src/model/config.ts';
import { DIALS_MAX } from '#src/model/tallies.ts';
import { createStandings } from '#src/model/threads/load/standing.ts';
import { Workers } from '#src/proxy/threads/workers.ts';
import { createEndpointDials } from '#src/snapshot/endpoint-dials.ts';
import { createLatencyDials } from '#src/snapshot/latency-dials.ts';
import { DEFAULT_ANSWERS } from '#src/sources/defaults.ts';
import { type GatewayProcess, logged, startGatewayProcess, until } from '../../support/gateway.ts';
import { listenLoopback, sketchSnapshot } from '../../support/plane.ts';
import { cannotRun, REDIS, type StoreServer, startStore } from '../../support/stores/server.ts';

/** An upstream that answers when it is told to. */
interface Held {
  readonly server: Server;
  readonly port: number;
  readonly responses: ServerResponse[];
}

async function heldUpstream(): Promise<Held> {
  const responses: ServerResponse[] = [];
  const server = createServer((request, response) => {
    request.resume();
    responses.push(response);
  });
  return { server, port: await listenLoopback(server), responses };
}

function documentOf(name: string, upstream: number, redis: string): string {
  return `
listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: 3
saturation: {response: observe}
idempotency: {store: redis}
fleet: {name: test, member: ${name}, redis: {address: "redis://${new URL(redis).host}", timeout: 3s}}
services: {shop: {versions: {v1: {endpoints: ["127.0.0.1:${upstream}"]}}}}
routes: [{name: shop, backendRefs: [{name: shop}], idempotency: {waitMax: 60s}}]
`;
}

/** On a connection of its own, so that it may reach any worker. */
async function post(url: string, key: string, body = 'x') {
  const response = await fetch(url, {
    method: 'POST',
    body,
    headers: { 'idempotency-key': key, authorization: 'Bearer ann', connection: 'close' },
  });
  const text = await response.text();
  return { status: response.status, text, isReplayed: response.headers.get('idempotency-replayed') === 'true' };
}

async function keysOf(gateway: GatewayProcess) {
  return (await gateway.status()).idempotency ?? assert.fail('no keys');
}

describe('idempotency keys of two gateways', { timeout: 540_000, skip: cannotRun(REDIS) }, () => {
  const gateways: GatewayProcess[] = [];
  let upstream: Held;
  let redis: StoreServer | undefined;
  before(async () => {
    upstream = await heldUpstream();
    redis = await startStore(REDIS);
    for (const name of ['one', 'two']) {
      gateways.push(await startGatewayProcess(documentOf(name, upstream.port, redis.url)));
    }
  });
  after(async () => {
    await Promise.all(gateways.map((gateway) => gateway.end()));
    await redis?.end();
    upstream.server.closeAllConnections();
    upstream.server.close();
  });
  const executed = (count: number): Promise<void> =>
    until(`${count} are executed`, () => upstream.responses.length >= count);

  // One story: what each part leaves is what the next begins with.
  it('are executed once by all of them together, Redis or not', async (t) => {
    const [one, two] = gateways as [GatewayProcess, GatewayProcess];
    const { responses } = upstream;

    await t.test('duplicates at every worker of both get one answer', async () => {
      await until(
        'both have the store',
        async () => (await keysOf(one)).mode === 'shared' && (await keysOf(two)).mode === 'shared',
      );
      const asked = Array.from({ length: 12 }, (_, n) => post((n % 2 === 0 ? one : two).proxyUrl, 'k1'));
      await executed(1);
      await until('all others wait', async () => {
        const [a, b] = await Promise.all([keysOf(one), keysOf(two)]);
        return a.waiting + b.waiting === 11;
      });
      responses[0]?.writeHead(201).end('once');
      const answers = await Promise.all(asked);
      assert.ok(answers.every(({ status, text }) => status === 201 && text === 'once'));
      assert.equal(answers.filter(({ isReplayed }) => isReplayed).length, 11);
      assert.equal(responses.length, 1);
      assert.equal((await post(one.proxyUrl, 'k1', 'y')).status, 422);
      assert.equal((await post(two.proxyUrl, 'k1', 'y')).status, 422);
    });

    await t.test('while Redis is frozen each goes by itself, and says so', async () => {
      redis?.freeze();
      const first = post(one.proxyUrl, 'k2');
      await executed(2);
      responses[1]?.writeHead(200).end('local');
      assert.equal((await first).text, 'local');
      assert.equal((await post(one.proxyUrl, 'k2')).isReplayed, true);
      await until('it says so', async () => (await keysOf(one)).mode === 'local');
      await logged(one, /"event":"idempotency_local"/);
      const metrics = await (await fetch(`${one.adminUrl}/metrics`)).text();
      assert.match(metrics, /sluice_idempotency_store_shared 0/);
      assert.match(metrics, /sluice_idempotency_requests_total\{result="replayed"\} [1-9]/);
      redis?.thaw();
      for (let n = 0; (await keysOf(one)).mode === 'local'; n++) {
        const asked = post(one.proxyUrl, `new-${n}`);
        await executed(3 + n);
        responses.at(-1)?.end();
        await asked;
      }
      await logged(one, /"event":"idempotency_shared"/);
    });

    await t.test('a gateway that is killed leaves keys that are free when their locks end', async () => {
      const count = responses.length;
      const lost = post(one.proxyUrl, 'k3').catch(() => 'cut');
      await executed(count + 1);
      one.child.kill('SIGKILL');
      assert.equal(await lost, 'cut');
      const next = post(two.proxyUrl, 'k3');
      await until('it waits for the lock', async () => (await keysOf(two)).waiting === 1);
      assert.equal(responses.length, count + 1);
      await executed(count + 2);
      responses.at(-1)?.end('again');
      assert.equal((await next).text, 'again');
    });
  });
});

describe('a worker that dies', () => {
  it('releases the keys that it has, and answers stay', async (t: TestContext) => {
    const upstream = await heldUpstream();
    t.after(() => {
      upstream.server.closeAllConnections();
      upstream.server.close();
    });
    const keys = new IdempotencyKeys(createLog({ level: 'fatal' }));
    keys.follow({ idempotency: DEFAULT_ANSWERS, fleet: null } as Config);
    const dials = new SharedArrayBuffer(DIALS_MAX * 4);
    new Int32Array(dials).fill(1);
    const versions = [{ name: 'v1', ports: [upstream.port], weight: 1 }];
    const deaths: number[] = [];
    const workers = new Workers({
      file: new URL('../../support/proxy/workers/mortal-worker.ts', import.meta.url),
      count: 1,
      listeners: [{ host: '127.0.0.1', port: 0 }],
      dials,
      endpointDials: createEndpointDials().buffer,
      latencyDials: createLatencyDials().buffer,
      standings: createStandings().buffer,
      snapshot: sketchSnapshot({ routes: [{ versions, idempotency: {} }] }),
      born: (id, tell) => keys.born(id, tell),
      died: (id) => void deaths.push(id),
    });
    t.after(async () => {
      await workers.stop();
      await keys.close();
    });
    const [port = 0] = await workers.start();
    const url = `http://127.0.0.1:${port}`;
    const kept = post(url, 'kept');
    await until('it is executed', () => upstream.responses.length === 1);
    upstream.responses[0]?.end('kept');
    assert.equal((await kept).text, 'kept');
    const lost = post(url, 'lost').catch(() => 'cut');
    await until('it is executed', () => upstream.responses.length === 2);
    const channel = new BroadcastChannel('sluice-test-kill');
    channel.postMessage(0);
    assert.equal(await lost, 'cut');
    channel.close();
    await until('another one serves', () => deaths.length === 1 && workers.status()[0]?.state === 'serving');
    const again = post(url, 'lost');
    await until('it is executed again', () => upstream.responses.length === 3);
    upstream.responses[2]?.end('again');
    assert.equal((await again).text, 'again');
    const { text, isReplayed } = await post(url, 'kept');
    assert.deepEqual([text, isReplayed, upstream.responses.length], ['kept', true, 3]);
  });
});
