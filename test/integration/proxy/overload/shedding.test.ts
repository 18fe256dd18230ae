/** A gateway whose version gets twice what it can serve: the route with budget left pays, the one without keeps its requests. */

import assert from 'node:assert/strict';
import { Agent, createServer, get, type Server } from 'node:http';
import { it, type TestContext } from 'node:test';
import { type GatewayProcess, logged, startGatewayProcess, until } from '../../../support/gateway.ts';
import { listenLoopback } from '../../../support/plane.ts';

const SERVERS = 4;
const BUSY_MS = 40;
const TICK_MS = 20;

/** Answers as many requests at a time as it has servers; what `/fail` is in is answered with 500. */
async function upstreamOf(t: TestContext): Promise<number> {
  const waiting: (() => void)[] = [];
  let busy = 0;
  const next = (): void => {
    if (busy >= SERVERS) return;
    const answer = waiting.shift();
    if (answer === undefined) return;
    busy += 1;
    setTimeout(() => {
      busy -= 1;
      answer();
      next();
    }, BUSY_MS);
  };
  const server: Server = createServer((incoming, outgoing) => {
    incoming.resume();
    waiting.push(() => {
      outgoing.statusCode = incoming.url?.includes('/fail') === true ? 500 : 200;
      outgoing.end('x');
    });
    next();
  });
  const port = await listenLoopback(server);
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return port;
}

/** Requests at a steady pace, and their answers by route and status. */
function loadOf(gateway: GatewayProcess) {
  const agent = new Agent({ keepAlive: true });
  const answers = new Map<string, number>();
  const under = new Set<Promise<void>>();
  const ask = (path: string): void => {
    const one = new Promise<void>((resolve) => {
      const note = (answer: string): void => {
        const key = `${path} ${answer}`;
        answers.set(key, (answers.get(key) ?? 0) + 1);
        resolve();
      };
      get(`${gateway.proxyUrl}${path}`, { agent }, (response) => {
        response.resume();
        response.once('end', () => note(String(response.statusCode)));
        response.once('error', (error) => note(error.message));
      }).once('error', (error) => note(error.message));
    }).finally(() => under.delete(one));
    under.add(one);
  };
  let turn = 0;
  // 200 requests a second of one route, 25 of the other; 100 can be served.
  const timer = setInterval(() => {
    for (let n = 0; n < 4; n++) ask('/search');
    if (turn++ % 2 === 0) ask('/checkout');
  }, TICK_MS);
  const stop = async (): Promise<void> => {
    clearInterval(timer);
    await Promise.all(under);
    agent.destroy();
  };
  return { count: (key: string) => answers.get(key) ?? 0, answers, stop };
}

it('sheds those first whose budget is not spent, and says so', async (t) => {
  const port = await upstreamOf(t);
  // The budget of search is so large that it outlasts what is refused here; checkout has the time to wait for a machine that stands still.
  const gateway = await startGatewayProcess(`
listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: 1
saturation: {response: observe}
timeouts: {connect: 1m, pending: 30s}
services:
  shop:
    outlierDetection: false
    overload: {limit: ${SERVERS}}
    versions:
      v1: {endpoints: ["127.0.0.1:${port}"]}
routes:
  - name: search
    matches: [{path: {value: /search}}]
    backendRefs: [{name: shop}]
    slo: {availability: 0.1}
  - name: checkout
    matches: [{path: {value: /checkout}}]
    backendRefs: [{name: shop}]
    retry: {attempts: 0}
    slo: {availability: 0.99, latency: {threshold: 60s, target: 0.5}}
`);
  t.after(() => gateway.end());
  for (let n = 0; n < 20; n++) {
    for (const path of ['/search', '/checkout', '/checkout/fail']) {
      await (await fetch(gateway.proxyUrl + path)).arrayBuffer();
    }
  }
  const routeOf = async (name: string) => {
    const route = (await gateway.status()).routes.find((one) => one.name === name);
    return route ?? assert.fail();
  };
  await until('both stand where they should', async () => {
    const [search, checkout] = [await routeOf('search'), await routeOf('checkout')];
    const isCurbed = search.versions[0]?.admission?.isCurbed === true;
    return search.shedding?.standing === 3 && checkout.shedding?.standing === 0 && isCurbed;
  });
  const { shedding, versions } = await routeOf('checkout');
  assert.equal(shedding?.because, 'its budget is overspent, burning fast');
  const order =
    'of default requests to shop/v1, those of search (100 % of its budget left) go first, those of checkout ' +
    '(its budget is overspent, burning fast) last; best-effort requests to shop/v1 get at most half of its places, ' +
    'as checkout burns its budget fast';
  assert.equal(versions[0]?.admission?.order, order);

  const load = loadOf(gateway);
  await until(
    'search is refused for a while',
    () => load.count('/search 503') >= 300 && load.count('/checkout 200') >= 100,
  );
  await load.stop();
  t.diagnostic(JSON.stringify([...load.answers]));
  const kept = load.count('/checkout 200');
  const lost = [...load.answers].filter(([key]) => key.startsWith('/checkout') && key !== '/checkout 200');
  const lostCount = lost.reduce((sum, [, count]) => sum + count, 0);
  assert.ok(kept / (kept + lostCount) >= 0.99, `${kept} kept, ${JSON.stringify(lost)} lost`);
  assert.ok(load.count('/search 200') > 0, 'what can be served of the other is');
  await until('the refusals are shown', async () => {
    const shed = (await routeOf('search')).versions[0]?.admission?.shed.default ?? 0;
    return shed === load.count('/search 503');
  });
  await logged(gateway, /"version_sheds".*\n/);
  const lines = gateway.output().split('\n').slice(0, -1);
  const [line = '', ...more] = lines.filter((text) => text.includes('"version_sheds"'));
  assert.match(line, /"state":"begins"/);
  assert.match(
    line,
    /shop\/v1 refused \d+ requests? in 1 s: \d+ default; of default requests to shop\/v1, those of search/,
  );
  // Of a pause of 10 s, on a machine that stands still, it says that it ended, and it may begin anew.
  const states = more.map((text) => /"state":"(\w+)"/.exec(text)?.[1]);
  assert.ok(
    states.every((state, n) => state === (n % 2 === 0 ? 'ends' : 'begins')),
    `once, then ${states.join()}`,
  );
});
