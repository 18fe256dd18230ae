import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { logged, startGatewayProcess, startService, until } from '../../support/gateway.ts';
import { listenLoopback } from '../../support/plane.ts';

test('a directory and a URL are followed, the earlier source goes first, and SIGHUP asks both', async (t) => {
  const service = await startService('v1');
  t.after(() => service.close());
  const folder = mkdtempSync(join(tmpdir(), 'sluice-conf-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const save = (name: string, text: string): void => {
    writeFileSync(join(folder, '.new'), text);
    renameSync(join(folder, '.new'), join(folder, name));
  };
  const shop = `services: {shop: {versions: {v1: {endpoints: ["127.0.0.1:${service.port}"]}}}}\n`;
  save('shop.yaml', `${shop}routes: [{name: a, hostnames: [a.test], backendRefs: [{name: shop}]}]\n`);
  let page = 'routes: [{name: b, hostnames: [b.test], backendRefs: [{name: shop}]}]';
  const remote = createServer((_request, response) => response.end(page));
  const port = await listenLoopback(remote);
  t.after(() => {
    remote.closeAllConnections();
    remote.close();
  });
  const gateway = await startGatewayProcess(
    'listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nworkers: 1\nsources:\n' +
      `  - directory: {path: "${folder}"}\n  - http: {url: "http://127.0.0.1:${port}/r.yaml", interval: 1h}\n`,
  );
  t.after(() => gateway.end());
  const names = async (): Promise<string> => (await gateway.status()).routes.map(({ name }) => name).join(' ');
  assert.equal(await names(), 'a b');

  save('more.yaml', 'routes: [{name: b, hostnames: [c.test], backendRefs: [{name: shop}]}]\n');
  // The directory comes first: its route of that name takes the place of the other.
  await until('the directory is followed', async () => (await gateway.status()).config.revision === 2);
  assert.equal(await names(), 'b a');
  await logged(gateway, /SLU1919/);

  page = 'routes: [{name: d, hostnames: [d.test], backendRefs: [{name: shop}]}]';
  gateway.child.kill('SIGHUP');
  await until('the URL is asked again', async () => (await names()) === 'b a d');

  save('bad.yaml', 'routes:\n  - {name: e, backendRefs: [{name: nowhere}]}\n');
  await until('it is refused', async () => (await gateway.status()).config.last.result === 'refused');
  const { config, sources } = await gateway.status();
  const [problem] = config.last.problems;
  assert.deepEqual(
    [problem?.file, problem?.line, problem?.path],
    [join(folder, 'bad.yaml'), 2, 'routes[0].backendRefs[0].name'],
  );
  assert.deepEqual(
    sources.map(({ kind, pieces, failures }) => [kind, pieces, failures]),
    [
      ['directory', 3, 0],
      ['http', 1, 0],
    ],
  );
});

test('a document of thousands of routes is parsed in its own thread, and refused there as anywhere', async (t) => {
  const service = await startService('v1');
  t.after(() => service.close());
  const text = (count: number, name: string): string => {
    const routes = Array.from(
      { length: count },
      (_, i) => `  - {name: r${i}, hostnames: [h${i}.test], backendRefs: [{name: ${name}}]}`,
    );
    return `listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nworkers: 1\nservices: {shop: {versions: {v1: {endpoints: ["127.0.0.1:${service.port}"]}}}}\nroutes:\n${routes.join('\n')}\n`;
  };
  const gateway = await startGatewayProcess(text(1500, 'shop'), undefined, { args: ['--log-level', 'debug'] });
  t.after(() => gateway.end());
  gateway.save(text(1600, 'shop'));
  await until('it is taken', async () => (await gateway.status()).routes.length === 1600);
  // The status has it as soon as it is taken in; workers a moment later.
  await until('every worker has it', async () => (await gateway.status()).apply.count === 1);
  await logged(gateway, /"event":"config_timed","readMs":[\d.]+,"parseMs":[\d.]+,"compileMs":[\d.]+,"linkMs":[\d.]+\}/);
  gateway.save(text(1700, 'ship'));
  await until('it is refused', async () => (await gateway.status()).config.last.result === 'refused');
  const { config, routes } = await gateway.status();
  assert.equal(routes.length, 1600);
  assert.equal(config.last.problems.at(-1)?.code, 'SLU1013');
});
