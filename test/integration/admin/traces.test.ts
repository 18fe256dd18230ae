/** Traces through whole gateways: off, on by a reload, and off again; every lane; rescues and decisions; a collector that fails. */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { after, before, describe, it } from 'node:test';
import {
  type GatewayProcess,
  linked,
  logged,
  startGatewayProcess,
  startService,
  type TestService,
  until,
} from '../../support/gateway.ts';
import { httpUpstreamOf } from '../../support/proxy/running.ts';
import { type SeenSpan, startCollector, type TestCollector } from '../../support/readings/traces/collector.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const SECRET = `collector-${randomUUID()}`;
const UNSAMPLED = `00-${TRACE}-${SPAN}-00`;
const SAMPLED = `00-${TRACE}-${SPAN}-01`;

const ended: (() => unknown)[] = [];
const suite = { after: (done: () => unknown) => void ended.push(done) };
/** What the endpoint was told last. */
let told: Record<string, string> = {};
let collector: TestCollector;
let canary: TestService;
let gateway: GatewayProcess;
let document = '';

function tracing(): string {
  const headers = 'headers: [{name: x-key, variable: TEST_COLLECTOR_KEY}]';
  return `tracing: {endpoint: "${collector.url}", sample: 0, parent: anyone, timeout: 30s, ${headers}}\n${document}`;
}

before(async () => {
  collector = await startCollector(suite);
  canary = await startService('v2');
  suite.after(() => canary.close());
  const port = await httpUpstreamOf(suite as never, (request, response) => {
    told = request.headers as Record<string, string>;
    response.writeHead(request.url === '/fail' ? 500 : 200).end('v1');
  });
  document = `
listen: {host: 127.0.0.1, port: 0, http2: true}
admin: 127.0.0.1:0
workers: 2
saturation: {response: observe}
drain: {delay: 0s, timeout: 1s}
services:
  plain:
    versions:
      v1: {endpoints: ["127.0.0.1:${port}"]}
  shop:
    versions:
      v1: {endpoints: ["127.0.0.1:${port}"]}
      v2: {endpoints: ["127.0.0.1:${canary.port}"]}
routes:
  - name: plain
    matches: [{path: {value: /}}]
    backendRefs: [{name: plain}]
  - name: shop
    matches: [{path: {value: /shop}}]
    sticky: {header: x-user-id}
    backendRefs: [{name: shop, version: v1, weight: 50}, {name: shop, version: v2, weight: 50}]
    slo: {availability: 0.999}
    rollout: {stable: v1, canary: v2}
`;
  gateway = await startGatewayProcess(document, undefined, { env: { TEST_COLLECTOR_KEY: SECRET } });
  suite.after(() => gateway.end());
});

after(async () => {
  for (const done of ended.toReversed()) await done();
});

async function ask(path: string, headers: Record<string, string> = {}): Promise<number> {
  const response = await fetch(`${gateway.proxyUrl}${path}`, { headers });
  await response.arrayBuffer();
  return response.status;
}

/** Has the gateway trace, or not, from the next request on. */
async function traces(isTraced: boolean): Promise<void> {
  if (((await gateway.status()).tracing !== null) === isTraced) return;
  gateway.save(isTraced ? tracing() : document);
  await until('the configuration is in force', async () => ((await gateway.status()).tracing !== null) === isTraced);
  await linked(gateway);
}

const server = (span: SeenSpan): boolean => span.kind === 2;
const childrenOf = (parent: SeenSpan): SeenSpan[] =>
  collector.spans.filter(({ traceId, parentId }) => traceId === parent.traceId && parentId === parent.spanId);

/** The span of a request to `/path` that has been exported with all of its attempts. */
async function spanAt(path: string): Promise<SeenSpan> {
  const [span] = await collector.wait(1, (one) => server(one) && one.attributes['url.path'] === path);
  return span!;
}

describe('traces of a gateway', () => {
  it('that has none: contexts go on as they came, before there were any and after', async () => {
    for (const isTraced of [false, true, false]) {
      await traces(isTraced);
      const sent = { traceparent: SAMPLED, tracestate: 'a=1', b3: `${TRACE}-${SPAN}-1` };
      await ask('/a', sent);
      const { traceparent, tracestate, b3 } = told;
      if (isTraced) assert.ok(traceparent !== sent.traceparent && b3 !== sent.b3 && tracestate === sent.tracestate);
      else assert.deepEqual({ traceparent, tracestate, b3 }, sent);
    }
  });

  it('the client’s span is the parent of the gateway’s, and that of the endpoint’s', async () => {
    await traces(true);
    await ask('/sampled?token=secret', { traceparent: SAMPLED, tracestate: 'a=1' });
    const own = await spanAt('/sampled');
    assert.deepEqual([own.traceId, own.parentId, own.name], [TRACE, SPAN, 'GET /']);
    assert.equal(own.attributes['url.query'], 'token=REDACTED');
    const [attempt] = childrenOf(own);
    assert.equal(told['traceparent'], `00-${TRACE}-${attempt!.spanId}-01`);
    assert.equal(told['tracestate'], 'a=1');
    assert.ok(own.startedAtNs <= attempt!.startedAtNs && attempt!.endedAtNs <= own.endedAtNs);
    assert.ok(Math.abs(Number(own.endedAtNs / 1_000_000n) - Date.now()) < 3_600_000);
  });

  it('of those that nobody sampled only what fails is exported, with whom it came from', async () => {
    await traces(true);
    await ask('/quiet', { traceparent: UNSAMPLED });
    assert.equal(told['traceparent'], UNSAMPLED);
    assert.equal(await ask('/fail', { traceparent: UNSAMPLED, 'x-request-id': 'unsampled' }), 500);
    const isOurs = ({ attributes }: SeenSpan) => attributes['sluice.request_id'] === 'unsampled';
    const [own] = await collector.wait(1, isOurs);
    assert.deepEqual([own!.parentId, own!.status, own!.attributes['error.type']], [SPAN, 2, '500']);
    assert.equal(childrenOf(own!)[0]!.attributes['http.response.status_code'], 500);
    assert.ok(!collector.spans.some(({ attributes }) => attributes['url.path'] === '/quiet'));
  });

  it('are in B3 for who speaks that, over HTTP/2 as well', async () => {
    await traces(true);
    const session = connect(gateway.proxyUrl);
    const stream = session.request({ ':path': '/h2', b3: `${TRACE}-${SPAN}-1` });
    stream.resume();
    await once(stream, 'close');
    session.close();
    const own = await spanAt('/h2');
    const [attempt] = childrenOf(own);
    assert.deepEqual([own.parentId, own.attributes['network.protocol.version']], [SPAN, '2']);
    assert.equal(told['b3'], `${TRACE}-${attempt!.spanId}-1`);
  });

  it('have both attempts of a rescue, and the rollback that follows is a span that leads to them', async () => {
    await traces(true);
    canary.status = 503;
    let user = 0;
    const decided = async () => (await gateway.decisions()).find(({ kind }) => kind === 'rollback');
    await until('the canary is rolled back', async () => {
      for (let n = 0; n < 10; n++) await ask('/shop', { 'x-user-id': `user-${user++}` });
      return (await decided()) !== undefined;
    });
    const decision = (await decided())!;
    const [span] = await collector.wait(1, ({ name }) => name === 'rollout rollback');
    assert.equal(span!.attributes['sluice.decision.sentence'], decision.sentence);
    assert.deepEqual(span!.attributes['sluice.decision.request_ids'], [...decision.sampleRequestIds]);
    const { links } = span!;
    assert.ok(links.length > 0);
    const led = await collector.wait(links.length, (one) => links.includes(`${one.traceId}-${one.spanId}`));
    assert.equal(led.length, links.length);
    // Beyond the budget of retries some are not rescued.
    const rescued = led.find(({ attributes }) => attributes['sluice.rescued_from'] === 'v2')!;
    const attempts = childrenOf(rescued).map(({ attributes }) => [
      attributes['sluice.attempt'],
      attributes['sluice.version'],
    ]);
    assert.deepEqual(attempts, [
      ['first', 'v2'],
      ['rescue', 'v1'],
    ]);
  });

  it('say nothing of the process but what is listed', async () => {
    await traces(true);
    await ask('/listed?token=secret', { traceparent: SAMPLED, authorization: SECRET, cookie: SECRET });
    await spanAt('/listed');
    assert.ok(collector.headers.every((headers) => headers['x-key'] === SECRET));
    const names = new Set(collector.spans.flatMap(({ resource }) => Object.keys(resource)));
    assert.deepEqual([...names].toSorted(), ['service.instance.id', 'service.name', 'service.version']);
    const all = Buffer.concat(collector.messages);
    const args = gateway.child.spawnargs.filter((arg) => arg.includes('/'));
    for (const text of [SECRET, 'token=secret', process.execPath, ...args]) assert.ok(!all.includes(text), text);
    assert.ok(!gateway.output().includes(SECRET));
  });

  it('that are not taken are counted and told, and no request notices', async (t) => {
    t.after(() => {
      collector.mood = 'takes';
    });
    await traces(true);
    const status = async () => (await gateway.status()).tracing;
    const failed = (await status())?.counts.failed ?? 0;
    collector.mood = 'refuses';
    assert.equal(await ask('/fail'), 500);
    await until('a batch is lost', async () => ((await status())?.counts.failed ?? 0) > failed);
    assert.notEqual((await status())?.because, '');
    assert.equal(await ask('/fine'), 200);
    await logged(gateway, /"traces_lost"/);
    const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
    assert.match(metrics, /^sluice_tracing_up 0$/m);
    collector.mood = 'takes';
    await ask('/fail');
    await until('the next one is taken', async () => (await status())?.because === '');
  });
});

describe('a gateway that ends', () => {
  it('hands over what waits', async (t) => {
    const own = await startCollector(t);
    const ending = await startGatewayProcess(tracing().replace(collector.url, own.url), undefined, {
      env: { TEST_COLLECTOR_KEY: SECRET },
    });
    t.after(() => ending.end());
    const fail = async (id: string): Promise<void> => {
      await (await fetch(`${ending.proxyUrl}/fail`, { headers: { 'x-request-id': id } })).arrayBuffer();
    };
    await fail('first');
    await own.wait(2);
    await fail('last');
    ending.child.kill('SIGTERM');
    assert.equal(await ending.exited, 0);
    const ids = own.spans.filter(server).map(({ attributes }) => attributes['sluice.request_id']);
    assert.deepEqual(ids, ['first', 'last']);
  });
});
