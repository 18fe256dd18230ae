import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite, type TestContext, test } from 'node:test';
import { type Load, type Phase, startLoad } from '#src/cli/demo/load.ts';

interface Target {
  readonly url: string;
  readonly users: Set<string>;
  readonly connections: () => number;
  /** Resolves when the server has been asked this often. */
  readonly requested: (count: number) => Promise<void>;
}

async function target(
  context: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse, index: number) => void,
): Promise<Target> {
  const users = new Set<string>();
  const waiting: { count: number; resolve: () => void }[] = [];
  let requests = 0;
  let connections = 0;
  const server = createServer((request, response) => {
    requests += 1;
    users.add(String(request.headers['x-user-id']));
    answer(request, response, requests);
    for (const { count, resolve } of waiting) if (requests >= count) resolve();
  });
  server.on('connection', () => (connections += 1));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/checkout`,
    users,
    connections: () => connections,
    requested: (count) => new Promise((resolve) => waiting.push({ count, resolve })),
  };
}

function start(context: TestContext, url: string, requestsPerSecond = 400): Load {
  const load = startLoad({ url, requestsPerSecond, seed: 3 });
  context.after(() => load.stop());
  return load;
}

/**
 * Ends it, and every request of its last phase: one that ended later would take its timer from the clock of whichever test has one then.
 */
async function leave(load: Load, phase: Phase): Promise<void> {
  load.stop();
  while (phase.inFlight > 0) await new Promise((resolve) => setImmediate(resolve));
}

suite('load', { timeout: 120_000 }, () => {
  test('what users saw is counted by outcome and by version', async (context) => {
    const { url, users, connections, requested } = await target(context, (_request, response, index) => {
      response.setHeader('x-version', index % 4 === 0 ? 'v2' : 'v1');
      response.statusCode = index % 8 === 0 ? 500 : 200;
      response.end('ok');
    });
    const load = start(context, url);
    const phase = load.begin();
    await requested(80);
    const between = phase.inFlight;
    const next = load.begin();
    await load.settle(phase);
    assert.equal(phase.inFlight, 0);
    assert.equal(phase.succeeded + phase.failed, phase.sent);
    const [v1, v2] = [phase.byVersion.get('v1'), phase.byVersion.get('v2')];
    assert.equal(v1?.failed, 0);
    const answered = [v1, v2].reduce((sum, counts) => sum + (counts?.succeeded ?? 0) + (counts?.failed ?? 0), 0);
    // On a busy machine more may be due at once than are sent: those fail without an answer.
    assert.equal((v2?.failed ?? 0) + phase.sent - answered, phase.failed);
    // Those under way between two phases the server may count in another order, and no others.
    assert.ok(
      Math.abs((v2?.failed ?? 0) - answered / 8) <= 1 + between,
      `${v2?.failed} of ${answered}, ${between} between`,
    );
    assert.ok((phase.quantileMs(0.5) ?? 0) > 0 && (phase.quantileMs(0.99) ?? 0) >= (phase.quantileMs(0.5) ?? 0));
    assert.ok(users.size > 40, 'many users');
    assert.ok(connections() < phase.sent + next.sent, `connections are reused, ${connections()} were made`);
  });

  test('a broken connection is one failure', async (context) => {
    const { url, requested } = await target(context, (_request, response, index) => {
      if (index % 2 === 0) {
        response.destroy();
        return;
      }
      response.writeHead(200, { 'content-length': '100' });
      response.write('half');
      setImmediate(() => response.destroy());
    });
    const load = start(context, url);
    const phase = load.begin();
    await requested(20);
    load.begin();
    await load.settle(phase);
    assert.equal(phase.succeeded, 0);
    assert.equal(phase.failed, phase.sent);
    assert.equal(phase.quantileMs(0.5), null);
  });

  test('a server that is away fails requests and does not throw', async (context) => {
    const load = start(context, 'http://127.0.0.1:1/checkout');
    const phase = load.begin();
    while (phase.failed < 5) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(phase.succeeded, 0);
  });

  test('users wait for so long in all, whatever came meanwhile', async (context) => {
    const responses: ServerResponse[] = [];
    const { url, requested } = await target(context, (_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half');
      responses.push(response);
    });
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const load = start(context, url);
    const phase = load.begin();
    await requested(20);
    const next = load.begin();
    const settled = load.settle(phase);
    context.mock.timers.tick(4900);
    for (const response of responses) response.write('more');
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(phase.failed, 0);
    context.mock.timers.tick(100);
    await settled;
    assert.equal(phase.succeeded, 0);
    assert.equal(phase.failed, phase.sent);
    await leave(load, next);
  });

  test('requests are sent on time however slow the answers, up to a bound that is counted', async (context) => {
    const held: ServerResponse[] = [];
    let isHolding = true;
    const { url, requested } = await target(context, (_request, response) => {
      if (isHolding) held.push(response);
      else response.end();
    });
    // A slow machine takes longer to connect all of them than users wait.
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const load = start(context, url, 4000);
    const phase = load.begin();
    await requested(1000);
    while (phase.failed === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(phase.inFlight <= 1024, `${phase.inFlight} under way`);
    const next = load.begin();
    isHolding = false;
    for (const response of held) response.end();
    await load.settle(phase);
    assert.equal(phase.succeeded + phase.failed, phase.sent);
    assert.equal(phase.succeeded, 1024);
    await leave(load, next);
  });

  test('what came due while the process stood still goes out a few at a time, and all of it', async (context) => {
    const { url } = await target(context, (_request, response) => response.end());
    const load = start(context, url);
    const phase = load.begin();
    while (phase.succeeded === 0) await new Promise((resolve) => setImmediate(resolve));
    const before = phase.sent;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
    await new Promise((resolve) => setTimeout(resolve, 0));
    assert.ok(phase.sent - before <= 10, `${phase.sent - before} at once`);
    while (phase.sent < before + 200) await new Promise((resolve) => setImmediate(resolve));
    load.begin();
    await load.settle(phase);
    // Those that a slow machine held up for longer than users wait have failed.
    assert.equal(phase.succeeded + phase.failed, phase.sent);
  });

  test('a phase owns the requests that were sent in it, whenever they are answered', async (context) => {
    const held: ServerResponse[] = [];
    let isHolding = true;
    const { url, requested } = await target(context, (_request, response) => {
      if (isHolding) held.push(response);
      else response.end();
    });
    const load = start(context, url);
    const first = load.begin();
    await requested(10);
    const second = load.begin();
    isHolding = false;
    for (const response of held) response.writeHead(503).end();
    while (second.succeeded < 10) await new Promise((resolve) => setImmediate(resolve));
    load.begin();
    await Promise.all([load.settle(first), load.settle(second)]);
    assert.ok(first.failed >= held.length, `${first.failed} of ${held.length} held`);
    for (const { sent, failed, succeeded } of [first, second]) assert.equal(sent, failed + succeeded);
  });
});
