/** gRPC through the running gateway, client and servers by grpc-js: every kind of call, deadlines, cancels, failures, drains. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import { status as STATUS } from '@grpc/grpc-js';
import { GrpcClient, type GrpcService, grpcServiceOf, HOST, heard, statusOf } from '../../support/clients/grpc.ts';
import { type GatewayProcess, startGatewayProcess, until } from '../../support/gateway.ts';
import { type Authority, authorityOf } from '../../support/http/certificates.ts';
import { refusedPortOf } from '../../support/proxy/running.ts';

/** Reached only when something hangs. */
const LIMIT = { timeout: 400_000 };
/** The longest message that both sides of grpc-js take. */
const LARGE_BYTES = 4 * 1_048_576;
const NAMES = [
  'shop.Plain',
  'shop.Ready',
  'shop.Limited',
  'shop.Counted',
  'shop.Safe',
  'shop.Gone',
  'shop.Spared',
  'shop.Pair',
];

interface Scene {
  readonly gateway: GatewayProcess;
  readonly plain: number;
  readonly secure: number;
  readonly authority: Authority;
  readonly shop: GrpcService;
  readonly safe: GrpcService;
  readonly pair: readonly [GrpcService, GrpcService];
}

async function sceneOf(t: TestContext): Promise<Scene> {
  const authority = authorityOf(t);
  const files = authority.issue('live', { names: `DNS:${HOST}` });
  const own = authority.issue('upstream', { names: 'IP:127.0.0.1' });
  const shop = await grpcServiceOf(t, NAMES);
  const safe = await grpcServiceOf(t, NAMES, own.pem);
  const pair = [await grpcServiceOf(t, NAMES), await grpcServiceOf(t, NAMES)] as const;
  const gateway = await startGatewayProcess(`
listen: {host: 127.0.0.1, port: 0, http2: true}
listeners:
  - {host: 127.0.0.1, port: 0, tls: {certificates: [{cert: ${files.cert}, key: ${files.key}}]}}
admin: 127.0.0.1:0
workers: 1
saturation: {response: observe}
timeouts: {connect: 1m, pending: 1m, firstByte: 1m}
limits: {bodyBytesMax: 5MiB}
drain: {delay: 0s, timeout: 20s}
services:
  shop: {protocol: grpc, versions: {v1: {endpoints: ["127.0.0.1:${shop.port}"]}}}
  safe: {protocol: grpc, tls: {ca: ${authority.ca}}, versions: {v1: {endpoints: ["127.0.0.1:${safe.port}"]}}}
  gone: {protocol: grpc, versions: {v1: {endpoints: ["127.0.0.1:${await refusedPortOf(t)}"]}}}
  none: {protocol: grpc, versions: {v1: {endpoints: []}}}
  pair:
    protocol: grpc
    healthCheck: {interval: 5s, timeout: 5s, healthyCount: 1, unhealthyCount: 1}
    versions: {v1: {endpoints: [${pair.map(({ port }) => `"127.0.0.1:${port}"`).join(', ')}]}}
routes:
  - {name: plain, matches: [{path: {value: /shop.Plain}}], backendRefs: [{name: shop}]}
  - name: ready
    matches: [{path: {value: /shop.Ready}}]
    backendRefs: [{name: shop}]
    retry: {attempts: 3, codes: [503]}
    fallback: [{type: Stale, stale: {maxAge: 1m}}, {type: Static, static: {status: 503}}]
  - name: limited
    matches: [{path: {value: /shop.Limited}}]
    backendRefs: [{name: shop}]
    rateLimits: [{requests: 1, per: 1h, by: route}]
  - {name: safe, matches: [{path: {value: /shop.Safe}}], backendRefs: [{name: safe}]}
  - {name: none, matches: [{path: {value: /shop.None}}], backendRefs: [{name: none}]}
  - {name: gone, matches: [{path: {value: /shop.Gone}}], backendRefs: [{name: gone}]}
  - {name: counted, matches: [{path: {value: /shop.Counted}}], backendRefs: [{name: shop}]}
  - name: fixed
    matches: [{path: {value: /shop.Fixed}}]
    backendRefs: [{name: gone}]
    fallback:
      - type: Static
        static:
          status: 200
          headers: [{name: Content-Type, value: application/grpc}, {name: grpc-status, value: "9"}, {name: grpc-message, value: closed}]
  - name: spared
    matches: [{path: {value: /shop.Spared}}]
    backendRefs: [{name: gone}]
    retry: {attempts: 1}
    fallback: [{type: Service, service: {name: shop}}]
  - {name: pair, matches: [{path: {value: /shop.Pair}}], backendRefs: [{name: pair}]}
`);
  t.after(() => gateway.end());
  const { listeners } = await gateway.status();
  const [plain, secure] = listeners.map((url) => Number(new URL(url).port)) as [number, number];
  return { gateway, plain, secure, authority, shop, safe, pair };
}

async function assertFourKinds(client: GrpcClient): Promise<void> {
  const { code, message } = await client.echo('hello');
  assert.deepEqual([code, message], [STATUS.OK, 'hello']);

  const counted: string[] = [];
  const counting = client.count(100);
  counting.on('data', (text: string) => counted.push(text));
  assert.equal(await statusOf(counting), STATUS.OK);
  assert.deepEqual([counted.length, counted[99]], [100, 'message 100']);
  assert.equal(await statusOf(client.count(0).resume()), STATUS.OK, 'an answer without messages');

  const joined = await client.join((call) => {
    for (const text of ['a', 'b', 'c']) call.write(text);
    call.end();
  });
  assert.deepEqual([joined.code, joined.message], [STATUS.OK, 'a b c']);

  const refused = await client.join((call) => call.write('enough'));
  assert.deepEqual(
    [refused.code, refused.details],
    [STATUS.NOT_FOUND, 'enough'],
    'answered before the request has ended',
  );

  const talking = client.talk('Talk');
  for (const text of ['one', 'two', 'three']) {
    talking.write(text);
    // The next one is written when this one was answered.
    assert.equal(await heard(talking), `re: ${text}`);
  }
  talking.end();
  assert.equal(await statusOf(talking.resume()), STATUS.OK);
}

async function assertFields(client: GrpcClient): Promise<void> {
  const bytes = Buffer.from([0, 255, 10, 13, 58]);
  const metadata = { 'x-word': 'hello, world', 'x-word-bin': bytes };
  const { code, head, trailers } = await client.echo('x', { metadata });
  assert.equal(code, STATUS.OK);
  for (const fields of [head, trailers]) {
    assert.deepEqual([fields.get('x-word'), fields.get('x-word-bin')], [['hello, world'], [bytes]]);
  }
  const failed = await client.echo('x', { metadata: { 'x-word-bin': bytes, 'x-fail': String(STATUS.ABORTED) } });
  assert.deepEqual([failed.code, failed.details], [STATUS.ABORTED, 'as asked: ü']);
  assert.deepEqual(failed.trailers.get('x-word-bin'), [bytes]);
}

async function assertLarge(client: GrpcClient): Promise<void> {
  const text = 'x'.repeat(LARGE_BYTES);
  const { code, message } = await client.echo(text);
  assert.equal(code, STATUS.OK);
  assert.ok(message === text);
}

async function assertEnds(t: TestContext, { plain, shop }: Scene): Promise<void> {
  const client = new GrpcClient(t, plain, 'shop.Plain');
  const { held, cancelled } = shop;
  const cancelling = client.talk('Hold');
  cancelling.write('cancel');
  await once(cancelling, 'metadata');
  cancelling.cancel();
  assert.equal(await statusOf(cancelling), STATUS.CANCELLED);
  await until('the server sees the cancel', () => cancelled.includes('cancel'));

  // A deadline may be over before the server has the call: then there is nothing to be cancelled, and the next one is longer.
  for (let limitMs = 500; !held.includes('deadline'); limitMs *= 2) {
    const expiring = client.talk('Hold', { deadline: Date.now() + limitMs });
    expiring.write('deadline');
    assert.equal(await statusOf(expiring), STATUS.DEADLINE_EXCEEDED);
  }
  await until('the server sees the end', () => cancelled.includes('deadline'));
}

async function assertFailures(t: TestContext, { gateway, plain }: Scene): Promise<void> {
  const limited = new GrpcClient(t, plain, 'shop.Limited');
  assert.equal((await limited.echo('x')).code, STATUS.OK);
  for (const [client, code, details] of [
    [limited, STATUS.RESOURCE_EXHAUSTED, /^Too many requests/],
    [new GrpcClient(t, plain, 'shop.Gone'), STATUS.UNAVAILABLE, /^The upstream refused the connection/],
    [new GrpcClient(t, plain, 'shop.Fixed'), STATUS.FAILED_PRECONDITION, /^closed$/],
    [new GrpcClient(t, plain, 'shop.None'), STATUS.UNAVAILABLE, /^No endpoint is available/],
    [new GrpcClient(t, plain, 'shop.Unknown'), STATUS.UNIMPLEMENTED, /route/i],
  ] as const) {
    const failed = await client.echo('x');
    assert.equal(failed.code, code);
    assert.match(failed.details, details);
    const talking = client.talk('Talk');
    talking.write('x');
    assert.equal(await statusOf(talking), code, 'also while the client has more to say');
  }
  const counted = new GrpcClient(t, plain, 'shop.Counted');
  const long = await new GrpcClient(t, plain, 'shop.Plain').join((call) => {
    for (let n = 0; n < 6; n++) call.write('x'.repeat(1_048_576));
  });
  assert.equal(long.code, STATUS.RESOURCE_EXHAUSTED, 'messages of more than limits.bodyBytesMax together');
  for (const code of [STATUS.UNAVAILABLE, STATUS.NOT_FOUND]) {
    assert.equal((await counted.echo('x', { metadata: { 'x-fail': String(code) } })).code, code);
  }
  assert.equal((await counted.echo('x')).code, STATUS.OK);
  const route = async () => (await gateway.status()).routes.find(({ name }) => name === 'counted');
  await until('calls are counted', async () => (await route())?.requests === 3);
  assert.equal((await route())?.bad, 1, 'UNAVAILABLE, and not NOT_FOUND');
}

/** Answers of a server that says NOT_SERVING are another's, until it serves again. */
async function assertHealth(t: TestContext, { gateway, plain, pair }: Scene): Promise<void> {
  const client = new GrpcClient(t, plain, 'shop.Pair');
  const [sick] = pair;
  const isUp = async (service: GrpcService): Promise<boolean> => {
    const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
    return new RegExp(`^sluice_endpoint_up\\{[^}]*:${service.port}"[^}]*\\} 1$`, 'm').test(metrics);
  };
  sick.isServing = false;
  await until('it is out', async () => !(await isUp(sick)));
  const served = async (calls: number): Promise<number> => {
    const before = sick.served;
    for (let n = 0; n < calls; n++) assert.equal((await client.echo('x')).code, STATUS.OK);
    return sick.served - before;
  };
  // Workers hear of it a little later.
  await until('the other one answers', async () => (await served(20)) === 0);
  sick.isServing = true;
  await until('it is back', async () => (await served(1)) === 1);
}

async function assertBreaks(t: TestContext, { plain, safe }: Scene): Promise<void> {
  const talking = new GrpcClient(t, plain, 'shop.Safe').talk('Talk');
  talking.write('x');
  await heard(talking);
  safe.server.forceShutdown();
  const code = await statusOf(talking);
  assert.ok(code === STATUS.INTERNAL || code === STATUS.UNAVAILABLE, `${code}`);
}

/** First an endpoint leaves, then the gateway, each while a call is under way that goes on. */
async function assertDrains(t: TestContext, { gateway, plain, pair }: Scene): Promise<void> {
  const client = new GrpcClient(t, plain, 'shop.Pair');
  const talking = client.talk('Talk');
  const say = async (text: string): Promise<void> => {
    talking.write(text);
    assert.equal(await heard(talking), `re: ${text}`);
  };
  await say('before');
  const left = pair.map((service) => service.leave());
  await say('the endpoint leaves');
  talking.end();
  assert.equal(await statusOf(talking.resume()), STATUS.OK);
  await Promise.all(left);
  assert.equal((await client.echo('x')).code, STATUS.UNAVAILABLE, 'nobody is left');

  const other = new GrpcClient(t, plain, 'shop.Plain');
  const last = other.talk('Talk');
  last.write('before');
  assert.equal(await heard(last), 're: before');
  gateway.child.kill('SIGTERM');
  await until('the gateway drains', () => /^draining/m.test(gateway.output()));
  for (const text of ['one', 'two']) {
    last.write(text);
    assert.equal(await heard(last), `re: ${text}`);
  }
  last.end();
  assert.equal(await statusOf(last.resume()), STATUS.OK);
  assert.equal(await gateway.exited, 0);
}

/** Clients in plain and over TLS, endpoints as well, and routes with retries and fallbacks. */
async function assertPasses(t: TestContext, { plain, secure, authority }: Scene): Promise<void> {
  const ca = readFileSync(authority.ca);
  const services = ['shop.Plain', 'shop.Safe', 'shop.Spared'];
  const clients = services.map((service) => new GrpcClient(t, plain, service));
  for (const client of [...clients, new GrpcClient(t, secure, 'shop.Ready', ca)]) {
    await assertFourKinds(client);
    await assertFields(client);
  }
  await assertLarge(new GrpcClient(t, secure, 'shop.Safe', ca));
}

describe('a gateway between grpc-js and grpc-js', LIMIT, () => {
  it('is as if it were not there, until it has something to say', async (t) => {
    const scene = await sceneOf(t);
    await t.test('every kind of call passes', () => assertPasses(t, scene));
    await t.test('a cancel and a deadline end calls at both ends', () => assertEnds(t, scene));
    await t.test('what it answers itself is a status, and statuses count', () => assertFailures(t, scene));
    await t.test('a server that does not serve gets no calls', () => assertHealth(t, scene));
    await t.test('a server that dies ends its calls', () => assertBreaks(t, scene));
    await t.test('calls go on while an endpoint or the gateway leaves', () => assertDrains(t, scene));
  });
});
