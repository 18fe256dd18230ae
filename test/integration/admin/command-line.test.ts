/** Commands against a gateway that runs: what it reads again, what it shows, how it ends. */

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { suite, type TestContext, test } from 'node:test';
import { runCli } from '#src/cli/cli.ts';
import { logged, startGatewayProcess, until } from '../../support/gateway.ts';
import { listenLoopback } from '../../support/plane.ts';
import { depsOf, TOKEN } from '../../support/readings/admin.ts';

/** A service that answers when it is told to, and how many wait. */
async function slowService(context: TestContext) {
  const waiting: (() => void)[] = [];
  const server = createServer((request, response) => {
    if (request.url === '/slow') waiting.push(() => response.end('slow'));
    else response.end('fast');
  });
  const port = await listenLoopback(server);
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port, waiting };
}

const config = (port: number, availability = 0.999): string => `
listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: 1
saturation: {response: observe}
adminToken: ${TOKEN}
drain: {delay: 0s, timeout: 30s}
services: {shop: {versions: {v1: {endpoints: ["127.0.0.1:${port}"]}}}}
routes:
  - {name: shop, backendRefs: [{name: shop, version: v1}], slo: {availability: ${availability}}}
`;

async function run(url: string, ...argv: string[]) {
  const { deps, out, err } = depsOf(url);
  return { code: await runCli(argv, deps), out: out(), err: err() };
}

suite('the command line and a gateway', { timeout: 540_000 }, () => {
  test('a reload tells what came of it; a drain waits for what is under way', async (context) => {
    const { port, waiting } = await slowService(context);
    const gateway = await startGatewayProcess(config(port));
    context.after(() => gateway.end());
    const { adminUrl, proxyUrl } = gateway;

    assert.match((await run(adminUrl, 'reload')).out, /^unchanged: revision 1 #[0-9a-f]{8}\n$/);
    gateway.save(config(port, 0.99));
    // The watch may have taken it up already.
    const taken = await run(adminUrl, 'reload');
    assert.match(taken.out, /^(?:accepted|unchanged): revision 2 #/);
    assert.deepEqual([taken.code, taken.err], [0, '']);
    gateway.save('routes: 7\n');
    const refused = await run(adminUrl, 'reload');
    assert.equal(refused.code, 1);
    assert.match(refused.err, /gateway\.yaml:1:\d+: SLU\d+ /);
    assert.match(refused.out, /^refused, \d+ problems: the one before stays, revision 2 #/);
    assert.match((await run(adminUrl, 'why')).out, /was refused: \d+ problems/);

    const slow = fetch(`${proxyUrl}/slow`).then((response) => response.text());
    await until('the request is under way', () => waiting.length === 1);
    const draining = run(adminUrl, 'drain');
    await logged(gateway, /drain_asked/);
    waiting[0]?.();
    assert.equal(await slow, 'slow');
    const { code, out } = await draining;
    assert.deepEqual([code, out], [0, `process ${gateway.child.pid} has ended\n`]);
    assert.equal(await gateway.exited, 0);
  });

  test('a tap shows what goes by without its query, and is over when it is interrupted', async (context) => {
    const { port } = await slowService(context);
    const gateway = await startGatewayProcess(config(port));
    context.after(() => gateway.end());
    const { adminUrl, proxyUrl } = gateway;
    const { deps, out, events } = depsOf(adminUrl);
    const tap = runCli(['tap', '--route', 'shop', '--status', '2xx', '-o', 'json'], deps);
    await logged(gateway, /tap_opened/);
    const visit = (path: string): Promise<boolean> =>
      fetch(`${proxyUrl}/${path}?token=s3cret`).then(
        (response) => response.ok,
        () => false,
      );
    const isShown = (path: string) => async (): Promise<boolean> => (await visit(path)) && out().includes(`"/${path}"`);
    await until('a request is shown', isShown('first'));
    assert.ok(!out().includes('s3cret'));
    events.emit('SIGINT');
    assert.equal(await tap, 130);
    await logged(gateway, /tap_closed/);
  });
});
