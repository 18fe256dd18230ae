/** A service behind a gateway that calls another one through it, and passes the color on or does not. */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import { it } from 'node:test';
import { formatStatus } from '#src/cli/admin/status.ts';
import { startGatewayProcess } from '../../support/gateway.ts';
import { listenLoopback } from '../../support/plane.ts';

const COLOR = 'x-release-stage';

it('says which version loses colors: its calls come back in the trace of a colored request, without a color', async (t) => {
  let gatewayUrl = '';
  const buy = async ({ url = '', headers }: IncomingMessage): Promise<void> => {
    const { traceparent = '', [COLOR]: color = '' } = headers as Record<string, string>;
    const passed = url.includes('keep') && color !== '' ? { [COLOR]: color } : {};
    await (await fetch(`${gatewayUrl}/stock`, { headers: { traceparent, ...passed } })).text();
  };
  const service = createServer((incoming, outgoing) => {
    const done = incoming.url?.startsWith('/buy') === true ? buy(incoming) : Promise.resolve();
    done.then(
      () => outgoing.end('ok'),
      (error: unknown) => outgoing.writeHead(500).end(String(error)),
    );
  });
  const port = await listenLoopback(service);
  t.after(() => {
    service.closeAllConnections();
    service.close();
  });
  const gateway = await startGatewayProcess(`listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: 2
saturation: {response: observe}
color: {acceptFrom: anyone, cookie: stage}
services:
  shop: {versions: {v1: {endpoints: ["127.0.0.1:${port}"]}, v2: {endpoints: ["127.0.0.1:${port}"]}}}
  stock: {versions: {v1: {endpoints: ["127.0.0.1:${port}"]}}}
routes:
  - name: shop
    matches: [{path: {value: /buy}}]
    backendRefs: [{name: shop, version: v1, weight: 1}, {name: shop, version: v2, weight: 0}]
  - name: stock
    backendRefs: [{name: stock}]
`);
  t.after(() => gateway.end());
  gatewayUrl = gateway.proxyUrl;
  const ask = async (path: string, headers: Record<string, string>): Promise<void> => {
    const answer = await fetch(gatewayUrl + path, { headers });
    assert.equal(`${answer.status} ${await answer.text()}`, '200 ok');
  };
  // A trace that the client began, and one of the gateway's own; a color in the header, and in the cookie.
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  for (let n = 0; n < 12; n++) await ask('/buy', n % 2 === 0 ? { [COLOR]: 'v2', traceparent } : { cookie: 'stage=v2' });
  for (let n = 0; n < 4; n++) await ask('/buy?keep', { [COLOR]: 'v2' });
  // Nobody gave these a color: there is none to lose.
  for (let n = 0; n < 4; n++) await ask('/buy', {});
  const { routes, ...status } = await gateway.status();
  const [v1, v2] = routes.find(({ name }) => name === 'shop')?.versions ?? [];
  assert.equal(v1?.downstream, null);
  const sentence = 'shop v2 loses colors: 12 of 16 calls that followed from its colored requests came back without one';
  assert.deepEqual(v2?.downstream, {
    kept: 4,
    lost: 12,
    lostRatio: 0.75,
    sentence: `${sentence}; it has to pass on ${COLOR}`,
  });
  assert.ok(formatStatus({ ...status, routes }).includes(`\n  ${sentence}`));
  const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
  const counts = metrics.split('\n').filter((line) => line.startsWith('sluice_color_downstream_total{'));
  assert.deepEqual(
    counts.map((line) => line.split(' ')[1]),
    ['4', '12'],
  );
});
