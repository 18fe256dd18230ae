/** Fallbacks of a gateway as its operator has it: what its status, its metrics and its access log say of them. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RouteStatus } from '#src/model/status.ts';
import { logged, startGatewayProcess, startService, until } from '../../support/gateway.ts';

const REFUSED = '127.0.0.1:1';

function documentOf(shop: string, spare: number): string {
  return `
listen: "127.0.0.1:0"
admin: "127.0.0.1:0"
workers: 1
saturation: {response: observe}
accessLog: {sample: 0.000000001}
services:
  shop: {versions: {v1: {endpoints: ["${shop}"]}}}
  spare: {versions: {v1: {endpoints: ["127.0.0.1:${spare}"]}}}
routes:
  - name: shop
    backendRefs: [{name: shop}]
    slo: {availability: 0.99}
    fallback:
      - {type: Stale, stale: {maxAge: 1m}}
      - {type: Service, service: {name: spare}, on: [connect_refused]}
      - type: Static
        static:
          status: 200
          headers: [{name: Content-Type, value: application/json}]
          body: '{"items": []}'
`;
}

test('a route whose only endpoint goes answers on, by what it kept, by another service, by what is written', async (t) => {
  const shop = await startService('shop');
  const spare = await startService('spare');
  const gateway = await startGatewayProcess(documentOf(`127.0.0.1:${shop.port}`, spare.port));
  t.after(() => Promise.all([gateway.end(), shop.close(), spare.close()]));
  const ask = async (path: string): Promise<string> => (await fetch(gateway.proxyUrl + path)).text();

  assert.equal(await ask('/kept'), 'shop');
  gateway.save(documentOf(REFUSED, spare.port));
  await until('the change is in force', async () => (await gateway.status()).config.reloads.accepted > 0);
  let asked = 0;
  await until('workers have it', async () => (await ask(`/new/${asked++}`)) === 'spare');
  const kept = await fetch(`${gateway.proxyUrl}/kept`);
  assert.equal(await kept.text(), 'shop');
  assert.match(kept.headers.get('cache-status') ?? '', /^sluice; fwd=stale; detail=connect_refused$/);
  assert.equal(await ask('/new'), 'spare');
  await spare.close();
  assert.equal(await ask('/other'), '{"items": []}');

  // Before the change was with the workers, the version itself has answered. It is counted after its route.
  let route: RouteStatus | undefined;
  await until('everything is counted', async () => {
    [route] = (await gateway.status()).routes;
    return route?.requests === 1 + asked + 3 && (route.versions[0]?.bad ?? 0) >= 4;
  });
  assert.deepEqual(route?.fallbacks, { stale: 1, service: 3, static: 1 });
  assert.equal(route?.bad, 0, 'nobody saw a failure');
  assert.equal(route?.versions[0]?.bad, 4, 'and the version failed each time');

  let metrics = '';
  await until('what is kept is shown', async () => {
    metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
    return /^sluice_stale_bytes [1-9]\d*$/m.test(metrics);
  });
  assert.ok(metrics.includes('sluice_fallbacks_total{fallback="stale",route="shop"} 1\n'), 'by kind');
  assert.match(metrics, /^sluice_requests_total\{outcome="bad",route="shop",service="spare",version="v1"\} 1$/m);

  await logged(gateway, /"fallback":"static".*\n/);
  const lines = gateway
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{"event":"request"'));
  const rows = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  const shown = rows.map(({ path, status, reason, fallback }) => [path, status, reason, fallback]);
  assert.ok(
    shown.some((row) => JSON.stringify(row) === '["/kept",200,"connect_refused","stale"]'),
    JSON.stringify(shown),
  );
  assert.ok(shown.some((row) => JSON.stringify(row) === '["/other",200,"connect_refused","static"]'));
});
