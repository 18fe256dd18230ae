import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { it } from 'node:test';
import { Children } from '../../../../bench/macro/children.ts';
import { type LoadOrder, type LoadResult, runLoad } from '../../../../bench/overload/load.ts';
import { until } from '../../../support/gateway.ts';
import { listenLoopback } from '../../../support/plane.ts';
import { CLIENT_TIMEOUT_MS } from '../../../support/simulate/load/shapes.ts';

/** Until then nobody is answered; the load's own process begins a little later. */
const HANGS_MS = 1500;
const RUNS_MAX = 10;

/** Runs a load again in which clients gave up: so the machine stood still, or the load measures what it should not, each time. */
async function steady(run: () => Promise<LoadResult>): Promise<LoadResult> {
  for (let runs = 1; ; runs++) {
    const result = await run();
    if (runs === RUNS_MAX || result.fates.every(({ timedOut }) => timedOut === 0)) return result;
  }
}

it('sends what is due, tells when it measures, and accounts for every request', async (t) => {
  const priorities = new Set<string>();
  let asked = 0;
  const server = createServer((request, response) => {
    asked += 1;
    priorities.add(String(request.headers['x-priority']));
    response.writeHead(asked % 2 === 0 ? 200 : 503, { 'content-length': 2 }).end('ok');
  });
  const port = await listenLoopback(server);
  const children = new Children();
  t.after(async () => {
    await children.stopAll();
    server.closeAllConnections();
    server.close();
  });
  const phases = [
    { untilMs: 200, rate: 100 },
    { untilMs: 500, rate: 400 },
  ];
  const order: LoadOrder = { port, phases, durationMs: 500, fromMs: 200, retries: 1, seed: 7 };
  let landmarks = 0;
  const result = await steady(() => {
    asked = 0;
    landmarks = 0;
    return runLoad(children, [], order, () => {
      landmarks += 1;
    });
  });
  assert.equal(landmarks, 2);
  await until('the server has heard all', () => asked >= result.sent);
  assert.equal(asked, result.sent);
  assert.ok(result.sent > result.wished, 'refused requests are tried again');
  assert.deepEqual([...priorities].sort(), ['best-effort', 'critical', 'default', 'degraded']);
  for (const { arrived, good, late, refused, timedOut, broken } of result.fates) {
    assert.equal(good + late + refused + timedOut + broken, arrived);
  }
});

it('measures nothing of what was asked before, not even how long its clients waited', async (t) => {
  let startedMs = 0;
  const server = createServer((_, response) => {
    if (performance.now() - startedMs > HANGS_MS) response.writeHead(200, { 'content-length': 2 }).end('ok');
  });
  const port = await listenLoopback(server);
  const children = new Children();
  t.after(async () => {
    await children.stopAll();
    server.closeAllConnections();
    server.close();
  });
  const order: LoadOrder = {
    port,
    phases: [{ untilMs: 3000, rate: 100 }],
    durationMs: 3000,
    fromMs: HANGS_MS,
    retries: 0,
    seed: 7,
  };
  const { fates, p99Ms } = await steady(() => {
    startedMs = performance.now();
    return runLoad(children, [], order, () => undefined);
  });
  assert.equal(
    fates.reduce((sum, { timedOut }) => sum + timedOut, 0),
    0,
  );
  assert.ok(p99Ms !== null && p99Ms < CLIENT_TIMEOUT_MS, `${p99Ms}`);
});
