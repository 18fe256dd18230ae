/** A whole gateway whose sources bring a configuration that breaks a route: it goes back by itself. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { startGatewayProcess, startLoad, startService, until } from '../../support/gateway.ts';
import { listenLoopback } from '../../support/plane.ts';
import { refusedPortOf } from '../../support/proxy/running.ts';
import { etcdKeys } from '../../support/stores/keys.ts';
import { cannotRun, ETCD, startStore } from '../../support/stores/server.ts';

const run = promisify(execFile);
const MAIN = new URL('../../../src/main.ts', import.meta.url).pathname;
const SETTINGS = 'listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nworkers: 2\nsaturation: {response: observe}\n';
const LOAD = { connections: 2, users: 50 };
const nameOf = (route: string) => ({ headers: { host: `${route}.test` } });
const routeTo = (service: string, more = ''): string =>
  `{hostnames: ["${service}.test"], backendRefs: [{name: ${service}}]${more}}`;
const serviceAt = (port: number): string => `{versions: {v1: {endpoints: ["127.0.0.1:${port}"]}}}`;

test('a wrong endpoint in a file is reverted, pinned and told; a mended document is taken', async (t) => {
  const [shop, blog] = [await startService('shop'), await startService('blog')];
  t.after(() => Promise.all([shop.close(), blog.close()]));
  const text = (port: number, more = ''): string =>
    `${SETTINGS}state: {directory: "${state}"}\n${more}services: {shop: ${serviceAt(port)}, blog: ${serviceAt(blog.port)}}\n` +
    `routes:\n  - ${routeTo('shop').replace('{', '{name: shop, ')}\n  - ${routeTo('blog').replace('{', '{name: blog, ')}\n`;
  const state = mkdtempSync(join(tmpdir(), 'sluice-state-'));
  t.after(() => rmSync(state, { recursive: true }));
  const gateway = await startGatewayProcess(text(shop.port));
  t.after(() => gateway.end());
  const loads = ['shop', 'blog'].map((name) => startLoad(gateway.proxyUrl, { ...LOAD, ...nameOf(name) }));
  t.after(() => Promise.all(loads.map((load) => load.stop())));
  await until('both have a record', () =>
    loads.every(({ counts }) => (counts.answers.get('200 shop') ?? counts.answers.get('200 blog') ?? 0) > 200),
  );

  gateway.save(text(await refusedPortOf(t)));
  await until('it is reverted', async () => (await gateway.status()).revisions.rollbacks.sluice === 1);
  const { revisions } = await gateway.status();
  assert.equal(revisions.pin?.by, 'sluice');
  assert.match(revisions.pin?.reason ?? '', /^route shop: \d+ of \d+ requests failed within \d+\.\d s of the change/);
  assert.match(revisions.difference, /^pinned to revision 1 by sluice: route shop/);
  const took = /"tookMs":(\d+)/.exec(gateway.output())?.[1];
  t.diagnostic(`reverted ${took} ms after the change`);
  const isWritten = async (): Promise<boolean> => (await gateway.decisions()).length === 1;
  await until('it is a row of the log', isWritten);
  await until('which is on the disk', () => gateway.output().includes('"decision_recorded"'));
  const commands = [
    ['verify', /1 of 1 decisions verified/],
    ['replay', /^shop {2}revert \S+ {2}identical: route shop/m],
    ['decisions', /^ +1 {2}\S+ {2}revert {4}route shop: \d+ of \d+ requests failed/m],
  ] as const;
  for (const [name, told] of commands) {
    const words = name === 'decisions' ? [name, '--state', state] : [name, state];
    // Rejects unless it exits with 0.
    const { stdout } = await run(process.execPath, [MAIN, ...words]);
    assert.match(stdout, told);
  }
  const explained = await fetch(`${gateway.adminUrl}/api/v1/explain/config?path=services.shop.versions.v1`);
  assert.match(((await explained.json()) as { difference: string }).difference, /^pinned to revision 1 by sluice/);
  const taken = await fetch(`${gateway.adminUrl}/api/v1/explain/route?url=http://shop.test/`);
  assert.equal(((await taken.json()) as { route: string }).route, 'shop');
  const answer = await new Promise<number>((resolve) => {
    void fetch(gateway.proxyUrl).then((response) => resolve(response.status));
  });
  assert.equal(answer, 404, 'of no host that is served');
  const good = loads[0]?.counts.answers.get('200 shop') ?? 0;
  await until('the shop is served again', () => (loads[0]?.counts.answers.get('200 shop') ?? 0) > good + 50);

  gateway.save(text(shop.port, 'limits: {headerCountMax: 64}\n'));
  await until('a mended document ends the pin', async () => (await gateway.status()).revisions.pin === null);
  assert.equal((await gateway.status()).revisions.difference, '');
});

test('a wrong rewrite in etcd is reverted, an outage of everything is not', { skip: cannotRun(ETCD) }, async (t) => {
  const server = await startStore(ETCD);
  t.after(() => server.end());
  const shop = createServer((request, response) => {
    response.statusCode = isDown ? 500 : request.url === '/' ? 200 : 404;
    response.end('shop');
  });
  let isDown = false;
  const port = await listenLoopback(shop);
  t.after(() => {
    shop.closeAllConnections();
    shop.close();
  });
  const keys = etcdKeys(server.url, '/sluice/v1/');
  for (const name of ['shop', 'blog']) {
    await keys.put(`services/${name}`, serviceAt(port));
    await keys.put(`routes/${name}`, routeTo(name));
  }
  const gateway = await startGatewayProcess(`${SETTINGS}sources: [{etcd: {endpoints: ["${server.url}"]}}]\n`);
  t.after(() => gateway.end());
  const loads = ['shop', 'blog'].map((name) => startLoad(gateway.proxyUrl, { ...LOAD, ...nameOf(name) }));
  t.after(() => Promise.all(loads.map((load) => load.stop())));
  const served = (answer: string): Promise<void> => {
    const before = loads.map(({ counts }) => counts.answers.get(answer) ?? 0);
    return until(answer, () =>
      loads.every(({ counts }, n) => (counts.answers.get(answer) ?? 0) > (before[n] as number) + 300),
    );
  };
  await served('200 shop');
  const path = '{type: ReplaceFullPath, replaceFullPath: /nowhere}';
  await keys.put('routes/shop', routeTo('shop', `, filters: [{type: URLRewrite, urlRewrite: {path: ${path}}}]`));
  await until('it is reverted', async () => (await gateway.status()).revisions.rollbacks.sluice === 1);
  assert.match(
    (await gateway.status()).revisions.pin?.reason ?? '',
    /^route shop: \d+ of \d+ requests failed or were turned/,
  );
  t.diagnostic(`reverted ${/"tookMs":(\d+)/.exec(gateway.output())?.[1]} ms after the change`);
  await served('200 shop');

  await keys.put('routes/shop', routeTo('shop'));
  await until('the pin ends', async () => (await gateway.status()).revisions.pin === null);
  // Everything fails from the change on.
  await keys.put('routes/blog', routeTo('blog', ', timeouts: {request: 9s}'));
  await until('it is watched', () => (gateway.output().match(/config_watched/g) ?? []).length === 2);
  isDown = true;
  await served('500');
  isDown = false;
  await served('200 shop');
  assert.equal((await gateway.status()).revisions.rollbacks.sluice, 1);
});
