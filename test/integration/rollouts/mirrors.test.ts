/** A canary that answers otherwise than stable does, seen before it has a user: by mirrored requests of a running gateway. */

import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import { type TestContext, test } from 'node:test';
import { runCli } from '#src/cli/cli.ts';
import type { MirrorStatus } from '#src/model/threads/requests/compared.ts';
import { recordedDeps } from '../../support/cli.ts';
import { logged, startGatewayProcess, until } from '../../support/gateway.ts';
import { listenLoopback } from '../../support/plane.ts';

async function serviceOf(t: TestContext, answer: (path: string, response: ServerResponse) => void): Promise<number> {
  const server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
    request.resume();
    answer(request.url ?? '', response);
  });
  const port = await listenLoopback(server);
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return port;
}

function json(response: ServerResponse, value: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
}

const documentOf = (stable: number, canary: number): string => `
listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: 2
saturation: {response: observe}
drain: {delay: 0s, timeout: 1s}
services:
  shop: {versions: {v1: {endpoints: ["127.0.0.1:${stable}"]}, v2: {endpoints: ["127.0.0.1:${canary}"]}}}
routes:
  - name: shop
    backendRefs: [{name: shop, version: v1}]
    filters:
      - type: RequestMirror
        requestMirror: {backendRef: {name: shop, version: v2}, compare: {ignoreHeaders: [x-build]}}
`;

test('what a canary changes is told, and nothing of what stable says differently each time', async (t) => {
  let id = 0;
  const stable = await serviceOf(t, (path, response) => {
    if (path === '/gone') response.writeHead(404).end();
    else json(response, { id: ++id, price: 12.5, name: 'secret of a user' }, { etag: '"a"', 'x-build': '1' });
  });
  const canary = await serviceOf(t, (path, response) => {
    if (path === '/gone') json(response, {});
    else json(response, { id: ++id, price: '12.5', name: 'secret of a user' }, { 'x-build': '2', 'x-seen': `${++id}` });
  });
  const gateway = await startGatewayProcess(documentOf(stable, canary));
  t.after(() => gateway.end());
  const mirror = async (): Promise<MirrorStatus> => (await gateway.status()).mirrors[0] as MirrorStatus;

  await until('every difference is found', async () => {
    for (const path of ['/', '/gone']) assert.notEqual((await fetch(gateway.proxyUrl + path)).status, 502);
    return (await mirror()).real === 4;
  });
  const { differences, candidate, compared } = await mirror();
  assert.deepEqual([candidate, compared > 0], ['shop/v2', true]);
  assert.deepEqual(
    differences
      .filter(({ isReal }) => isReal)
      .map(({ kind, path, from, to }) => `${kind} ${path} ${from} ${to}`)
      .toSorted(),
    ['header etag present absent', 'header x-seen absent present', 'status  404 200', 'type $.price number string'],
  );
  const [itself] = differences.filter(({ isReal }) => !isReal);
  assert.deepEqual([itself?.kind, itself?.path], ['value', '$.id']);

  await logged(gateway, /"mirror_differs".*\$\.price number -> string/);
  const { deps, out } = recordedDeps({ env: { SLUICE_ADMIN: gateway.adminUrl } });
  assert.equal(await runCli(['diff', 'shop'], deps), 1);
  assert.match(out(), /^type +\$\.price +number +string +\d+ of \d+ +0 of \d+$/m);
  const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
  assert.match(metrics, /^sluice_mirror_differing_places\{route="shop"\} 4$/m);
  assert.match(metrics, /^sluice_mirror_differences_total\{kind="type",route="shop"\} [1-9]/m);
  for (const text of [gateway.output(), out(), metrics, JSON.stringify(await gateway.status())]) {
    assert.doesNotMatch(text, /secret of a user|12\.5/);
  }
});
