import assert from 'node:assert/strict';
import { createServer, request } from 'node:http';
import { test } from 'node:test';
import type { SourceStatus } from '#src/model/status.ts';
import { startGatewayProcess, startLoad, startService, until } from '../../../support/gateway.ts';
import { listenLoopback } from '../../../support/plane.ts';
import { startNameServer } from '../../../support/stores/lookups/name-server.ts';

function document(server: string): string {
  return `listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: 2
saturation: {response: observe}
discovery:
  dns: {servers: ["${server}"], interval: 1s, timeout: 2s}
follow: {startTimeout: 30s}
services:
  shop:
    versions:
      v1: {endpoints: {srv: {name: _http._tcp.shop.test}}}
  late:
    versions:
      v1: {endpoints: {dns: {name: late.test, port: 80}}}
routes:
  - name: shop
    backendRefs: [{name: shop}]
  - name: late
    hostnames: [late.test]
    backendRefs: [{name: late}]
`;
}

test('endpoints by DNS follow their records, and outlive whatever happens to the name server', async (t) => {
  const names = await startNameServer();
  t.after(() => names.close());
  const services = [await startService('v1'), await startService('v1')];
  for (const service of services) t.after(() => service.close());
  const ports = services.map(({ port }) => port);
  const records = (...some: readonly number[]): void => {
    const all = some.map((port) => ({ target: 'here.test', port, weight: 1, priority: 0 }));
    names.services('_http._tcp.shop.test', ...all);
  };
  names.addresses('here.test', '127.0.0.1');
  records(...ports);
  const gateway = await startGatewayProcess(document(names.address));
  t.after(() => gateway.end());
  const load = startLoad(gateway.proxyUrl, { connections: 4, users: 50 });
  t.after(() => load.stop());

  const lookup = async (name: string): Promise<SourceStatus> => {
    const { sources } = await gateway.status();
    return sources.find((source) => source.name.startsWith(name)) as SourceStatus;
  };
  const addresses = async (route = 'shop'): Promise<string> => {
    const { routes } = await gateway.status();
    const [version] = routes.find(({ name }) => name === route)?.versions ?? [];
    return (version?.endpoints ?? [])
      .map(({ address }) => address)
      .toSorted()
      .join(' ');
  };
  const here = (...some: readonly number[]): string =>
    some
      .map((port) => `127.0.0.1:${port}`)
      .toSorted()
      .join(' ');

  assert.equal(await addresses(), here(...ports));
  // A name that nobody knows is an answer without endpoints.
  await until('nobody knows the other', async () => (await lookup('dns late.test:80')).failures === 0);
  assert.equal(await addresses('late'), '');

  records(ports[0] as number);
  await until('one leaves', async () => (await addresses()) === here(ports[0] as number));
  names.addresses('late.test', '10.0.0.1', '10.0.0.2');
  await until('both addresses are endpoints', async () => (await addresses('late')) === '10.0.0.1:80 10.0.0.2:80');

  for (const mode of ['failing', 'silent'] as const) {
    names.mode = mode;
    await until(`${mode} is noticed`, async () => (await lookup('srv')).failures > 0);
    const { staleMs } = await lookup('srv');
    assert.equal((await gateway.status()).revisions.staleMs, 0, 'the file is everything');
    await until('staleness grows', async () => (await lookup('srv')).staleMs > staleMs);
    assert.equal(await addresses(), here(ports[0] as number));
    names.mode = 'well';
    await until('it is well again', async () => (await lookup('srv')).failures === 0);
  }
  names.forget('_http._tcp.shop.test');
  await until('the loss is seen', async () => (await lookup('srv')).shrink !== null);
  assert.equal(await addresses(), here(ports[0] as number));
  records(...ports);
  await until('it is back', async () => (await addresses()) === here(...ports));
  const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
  assert.match(metrics, /^sluice_source_stale_seconds\{source="srv _http\._tcp\.shop\.test"\} /m);
  const { answers } = await load.stop();
  assert.deepEqual([...answers.keys()], ['200 v1']);
});

test('a request under way to an endpoint that leaves is finished', async (t) => {
  const names = await startNameServer();
  t.after(() => names.close());
  const begun = Promise.withResolvers<() => void>();
  const server = createServer((_incoming, outgoing) => {
    outgoing.write('slow');
    begun.resolve(() => outgoing.end(' and whole'));
  });
  const port = await listenLoopback(server);
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  names.addresses('here.test', '127.0.0.1');
  const record = (at: number) => ({ target: 'here.test', port: at, weight: 1, priority: 0 });
  names.services('_http._tcp.shop.test', record(port));
  const gateway = await startGatewayProcess(document(names.address));
  t.after(() => gateway.end());
  const answer = new Promise<string>((resolve, reject) => {
    const sent = request(gateway.proxyUrl, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => resolve(`${response.statusCode} ${body}`));
    });
    sent.on('error', reject);
    sent.end();
  });
  const finish = await begun.promise;
  const { revision } = (await gateway.status()).config;
  names.services('_http._tcp.shop.test', record(1));
  await until('it has left, in every worker', async () => {
    const { config, workers } = await gateway.status();
    return config.revision > revision && workers.every((worker) => worker.revision === config.revision);
  });
  finish();
  assert.equal(await answer, '200 slow and whole');
});
