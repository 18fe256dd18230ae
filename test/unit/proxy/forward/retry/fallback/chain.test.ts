/** Fallbacks through a real data plane: which step answers, what it sends, and who is billed. */

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { REASON } from '#src/model/reason.ts';
import { CELL } from '#src/model/tallies.ts';
import { FALLBACK_KINDS } from '#src/model/threads/answers/fallback.ts';
import { blackholeOf } from '../../../../../support/http/blackhole.ts';
import { asking, SORRY, STALE } from '../../../../../support/http/fallen.ts';
import { type PlaneSketch, type RouteSketch, readCell, type TestPlane } from '../../../../../support/plane.ts';
import {
  answeringOf,
  assertQuiet,
  clientOf,
  eventually,
  FIRST_CELL,
  getOf,
  OK,
  perHead,
  planeOf,
  ROUTE_CELL,
  reasonCount,
  refusedPortOf,
  turningClock,
  upstreamOf,
} from '../../../../../support/proxy/running.ts';
import { sendAndClose, statusesOf } from '../../../../../support/raw.ts';
import { WAITS } from '../../../../../support/runner/depth.ts';

const CLOSE = 'Connection: close\r\n';
const GET = getOf('/', CLOSE);
const POST = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n${CLOSE}\r\nhi`;
const UNUSED = { inFlight: 0, finished: 0, bad: 0, ignored: 0, slow: 0 };
/** Cells of the versions that the steps of the first route ask, by index of the step. */
const STEP_CELL = 50;

function routeOn(ports: readonly number[], more: Partial<RouteSketch>): PlaneSketch {
  return { routes: [{ versions: [{ name: 'v1', ports, weight: 1 }], ...more }] };
}

/** Fallbacks by kind; what is 0 is left out. */
function fallbacks(plane: TestPlane): Record<string, number> {
  const counts = FALLBACK_KINDS.map(
    (kind, n) => [kind as string, plane.count(ROUTE_CELL, CELL.fallbacks + n)] as const,
  );
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

describe('a fixed answer', () => {
  const ways: readonly (readonly [string, number, (t: TestContext) => Promise<number[]>])[] = [
    ['refused connections', REASON.connectRefused, async (t) => [await refusedPortOf(t)]],
    ['no endpoint', REASON.noEndpoint, async () => []],
    ['resets', REASON.upstreamReset, async (t) => [(await upstreamOf(t, (socket) => socket.resetAndDestroy())).port]],
    [
      'nonsense',
      REASON.upstreamProtocol,
      async (t) => [(await upstreamOf(t, (socket) => void socket.write('HI\r\n\r\n'))).port],
    ],
    ['silence', REASON.responseTimeout, async (t) => [(await upstreamOf(t, () => undefined)).port]],
  ];
  for (const [name, reason, portsOf] of ways) {
    it(`stands in for ${name}: good for the route, bad for the version`, async (t) => {
      const requestTimeoutMs = reason === REASON.responseTimeout ? 100 : 60_000;
      const plane = await planeOf(t, routeOn(await portsOf(t), { fallback: [SORRY], requestTimeoutMs }));
      const received = await sendAndClose(plane.port, GET);
      assert.match(
        received,
        /^HTTP\/1\.1 200 OK\r\nContent-Type: text\/plain; charset=utf-8\r\nCache-Control: no-store\r\n/,
      );
      assert.match(received, /\r\nContent-Length: 5\r\n[^]*\r\nConnection: close\r\n\r\nsorry$/);
      assert.match(received, /\r\nProxy-Status: sluice; error=[a-z_]+\r\n/);
      await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], []);
      assert.deepEqual(readCell(plane, ROUTE_CELL), { ...UNUSED, finished: 1 });
      assert.deepEqual(readCell(plane, FIRST_CELL), { ...UNUSED, finished: 1, bad: 1 });
      assert.deepEqual([reasonCount(plane, FIRST_CELL, reason), reasonCount(plane, ROUTE_CELL, reason)], [1, 0]);
      assert.deepEqual(fallbacks(plane), { static: 1 });
    });
  }

  it('that counts as bad, or is a 5xx, is the failure that it stands for', async (t) => {
    for (const step of [
      { ...SORRY, isGood: false },
      { ...SORRY, status: 503, isGood: false },
    ]) {
      const plane = await planeOf(t, routeOn([await refusedPortOf(t)], { fallback: [step] }));
      assert.deepEqual(statusesOf(await sendAndClose(plane.port, GET)), [step.status]);
      assert.deepEqual(readCell(plane, ROUTE_CELL), { ...UNUSED, finished: 1, bad: 1 });
      assert.equal(reasonCount(plane, ROUTE_CELL, REASON.connectRefused), 1);
    }
  });

  it('has its own headers and bytes of UTF-8, and no body for HEAD or with 204', async (t) => {
    const headers = [
      { name: 'Content-Type', value: 'text/html' },
      { name: 'Cache-Control', value: 'max-age=1' },
    ];
    const port = await refusedPortOf(t);
    const plane = await planeOf(t, routeOn([port], { fallback: [{ ...SORRY, headers, body: 'größer' }] }));
    const received = await sendAndClose(plane.port, GET);
    assert.match(
      received,
      /^HTTP\/1\.1 200 OK\r\nContent-Type: text\/html\r\nCache-Control: max-age=1\r\nContent-Length: 8\r\n/,
    );
    assert.ok(received.endsWith(`\r\n\r\n${Buffer.from('größer').toString('latin1')}`));
    assert.match(await sendAndClose(plane.port, GET.replace('GET', 'HEAD')), /\r\nContent-Length: 8\r\n[^]*\r\n\r\n$/);
    const empty = await planeOf(t, routeOn([port], { fallback: [{ ...SORRY, status: 204, body: '' }] }));
    assert.doesNotMatch(await sendAndClose(empty.port, GET), /Content-/);
  });

  it('leaves the connection open for the next request, also within a pipeline', async (t) => {
    const plane = await planeOf(t, routeOn([await refusedPortOf(t)], { fallback: [SORRY] }));
    const received = await sendAndClose(plane.port, getOf('/') + getOf('/') + GET);
    assert.deepEqual(statusesOf(received), [200, 200, 200]);
    assert.deepEqual(fallbacks(plane), { static: 3 });
  });

  it('comes while a body is still being sent, and ends the connection', async (t) => {
    const plane = await planeOf(t, routeOn([await refusedPortOf(t)], { fallback: [SORRY] }));
    const client = clientOf(t, plane);
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nhi');
    assert.match(await client.closed(), /^HTTP\/1\.1 200 OK\r\n[^]*\r\nConnection: close\r\n\r\nsorry$/);
  });
});

it('stands in for a version that is left alone, which is billed as without', async (t) => {
  const breaker = {
    consecutiveErrors: 2,
    successRatioMin: 0.1,
    requestsMin: 100,
    windowMs: 10_000,
    openMs: 60_000,
    probes: 1,
  };
  const reset = await upstreamOf(t, (socket) => socket.resetAndDestroy());
  const versions = [{ name: 'v1', ports: [reset.port], weight: 1, breaker }];
  const retry = { retriesMax: 0 };
  const plane = await planeOf(t, { routes: [{ versions, retry, fallback: [{ ...SORRY, on: ['circuit_open'] }] }] });
  const statuses: number[] = [];
  for (let n = 0; n < 4; n++) statuses.push(...statusesOf(await sendAndClose(plane.port, GET)));
  assert.deepEqual(statuses, [502, 502, 200, 200]);
  assert.equal(reset.sockets.length, 2, 'nothing was sent for the last two');
  assert.deepEqual(readCell(plane, FIRST_CELL), { ...UNUSED, finished: 2, bad: 2, ignored: 2 });
  assert.deepEqual(readCell(plane, ROUTE_CELL), { ...UNUSED, finished: 4, bad: 2 });
});

describe('a step acts on the failures that it names', () => {
  it('and on no other', async (t) => {
    const fallback = [{ ...SORRY, on: ['no_endpoint'] }];
    const plane = await planeOf(t, routeOn([await refusedPortOf(t)], { fallback }));
    assert.deepEqual(statusesOf(await sendAndClose(plane.port, GET)), [502]);
    assert.deepEqual(fallbacks(plane), {});
    assert.deepEqual(readCell(plane, ROUTE_CELL), { ...UNUSED, finished: 1, bad: 1 });
  });

  it('which stay those of the route when an earlier step failed otherwise', async (t) => {
    const reset = await upstreamOf(t, (socket) => socket.resetAndDestroy());
    const fallback = [asking(reset.port), { ...SORRY, on: ['connect_refused'] }];
    const plane = await planeOf(t, routeOn([await refusedPortOf(t)], { fallback }));
    assert.deepEqual(statusesOf(await sendAndClose(plane.port, GET)), [200]);
    assert.deepEqual(fallbacks(plane), { service: 1, static: 1 });
  });

  it('not on a 5xx of the upstream, nor on an answer that broke off, nor on a client’s mistake', async (t) => {
    const broken = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab';
    const upstream = await upstreamOf(
      t,
      perHead((socket, path) => {
        if (path === '/503') socket.write('HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n');
        else socket.end(broken);
      }),
    );
    const plane = await planeOf(t, routeOn([upstream.port], { fallback: [SORRY], retry: { retriesMax: 0 } }));
    assert.deepEqual(statusesOf(await sendAndClose(plane.port, getOf('/503', CLOSE))), [503]);
    assert.ok((await sendAndClose(plane.port, getOf('/cut', CLOSE))).endsWith('ab'));
    assert.deepEqual(statusesOf(await sendAndClose(plane.port, 'BREW / HTTP/1.1\r\nHost: a b\r\n\r\n')), [400]);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
    assert.deepEqual(fallbacks(plane), {});
  });
});

describe('another version', () => {
  it('gets the same bytes and answers; each is billed for what it did', async (t) => {
    const spare = await answeringOf(t);
    const plane = await planeOf(t, routeOn([await refusedPortOf(t)], { fallback: [asking(spare.port), SORRY] }));
    assert.match(
      await sendAndClose(plane.port, getOf('/a?b', `X-Some: thing\r\n${CLOSE}`)),
      /^HTTP\/1\.1 200 OK\r\n[^]*ok$/,
    );
    assert.match(spare.received[0] as string, /^GET \/a\?b HTTP\/1\.1\r\nHost: a\r\nX-Some: thing\r\n/);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL, STEP_CELL], [spare.port]);
    assert.deepEqual(readCell(plane, ROUTE_CELL), { ...UNUSED, finished: 1 });
    assert.deepEqual(readCell(plane, FIRST_CELL), { ...UNUSED, finished: 1, bad: 1 });
    assert.deepEqual(readCell(plane, STEP_CELL), { ...UNUSED, finished: 1 });
    assert.deepEqual(fallbacks(plane), { service: 1 });
  });

  it('that fails as well is billed too, and the next step answers', async (t) => {
    const fallback = [asking(await refusedPortOf(t)), SORRY];
    const plane = await planeOf(t, routeOn([await refusedPortOf(t)], { fallback }));
    assert.match(await sendAndClose(plane.port, GET), /sorry$/);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL, STEP_CELL], []);
    assert.deepEqual(readCell(plane, FIRST_CELL), { ...UNUSED, finished: 1, bad: 1 });
    assert.deepEqual(readCell(plane, STEP_CELL), { ...UNUSED, finished: 1, bad: 1 });
    assert.deepEqual(readCell(plane, ROUTE_CELL), { ...UNUSED, finished: 1 });
    assert.deepEqual(fallbacks(plane), { service: 1, static: 1 });
  });

  it('with nobody behind it leaves the failure, which is the last one’s', async (t) => {
    const reset = await upstreamOf(t, (socket) => socket.resetAndDestroy());
    const plane = await planeOf(t, routeOn([await refusedPortOf(t)], { fallback: [asking(reset.port)] }));
    assert.match(await sendAndClose(plane.port, GET), /^HTTP\/1\.1 502 [^]*error=connection_terminated/);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL, STEP_CELL], [reset.port]);
    assert.deepEqual(readCell(plane, ROUTE_CELL), { ...UNUSED, finished: 1, bad: 1 });
    assert.equal(reasonCount(plane, FIRST_CELL, REASON.connectRefused), 1);
  });

  it('gets a POST that was not sent, with its body, and none that was', async (t) => {
    const spare = await upstreamOf(t, (socket, received) => void (received.endsWith('hi') && socket.write(OK)));
    const unsent = await planeOf(t, routeOn([await refusedPortOf(t)], { fallback: [asking(spare.port)] }));
    assert.deepEqual(statusesOf(await sendAndClose(unsent.port, POST)), [200]);
    assert.match(spare.received[0] as string, /\r\n\r\nhi$/);
    const reset = await upstreamOf(t, (socket) => socket.resetAndDestroy());
    const sent = await planeOf(t, routeOn([reset.port], { fallback: [asking(spare.port)] }));
    assert.deepEqual(statusesOf(await sendAndClose(sent.port, POST)), [502]);
    assert.equal(spare.sockets.length, 1);
  });

  it('is asked within the request’s own time, and not after it', WAITS, async (t) => {
    turningClock(t);
    const spare = await answeringOf(t);
    const silent = await blackholeOf(t);
    const late = await planeOf(t, routeOn([silent], { fallback: [asking(spare.port), SORRY], requestTimeoutMs: 60 }));
    assert.match(await sendAndClose(late.port, GET), /sorry$/);
    assert.equal(spare.sockets.length, 0);
    // The other version's attempt has as long.
    const retry = { attemptTimeoutMs: 1000, retriesMax: 0 };
    const soon = await planeOf(t, routeOn([silent], { fallback: [asking(spare.port), SORRY], retry }));
    assert.match(await sendAndClose(soon.port, GET), /ok$/);
  });

  it('lets no more in than its own limit', async (t) => {
    const held: (() => void)[] = [];
    const spare = await upstreamOf(
      t,
      perHead((socket) => void held.push(() => socket.write(OK))),
    );
    const version = { name: 'spare', ports: [spare.port], weight: 1, limit: 1 };
    const fallback = [{ kind: 'service' as const, on: ['connect_refused'], version }, SORRY];
    const plane = await planeOf(t, {
      ...routeOn([await refusedPortOf(t)], { fallback }),
      timeouts: { pendingMs: 20 },
    });
    const first = sendAndClose(plane.port, GET);
    await eventually(() => held.length === 1, 'the first is asked for');
    assert.match(await sendAndClose(plane.port, GET), /sorry$/, 'the second waits, and then not any more');
    held[0]?.();
    assert.match(await first, /ok$/);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL, STEP_CELL], [spare.port]);
    assert.deepEqual(fallbacks(plane), { service: 2, static: 1 });
  });

  it('is left when the client leaves, without a trace in any gauge', async (t) => {
    const spare = await upstreamOf(t, () => undefined);
    const plane = await planeOf(t, routeOn([await refusedPortOf(t)], { fallback: [asking(spare.port), SORRY] }));
    const client = clientOf(t, plane);
    client.send(getOf('/'));
    await eventually(() => spare.received.length === 1, 'it is asked');
    client.socket.destroy();
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL, STEP_CELL], [spare.port]);
    assert.deepEqual(readCell(plane, STEP_CELL), { ...UNUSED, ignored: 1 });
    assert.deepEqual(readCell(plane, FIRST_CELL), { ...UNUSED, finished: 1, bad: 1 });
  });
});

it('a rescue in vain is billed to the canary once, whatever another version makes of the request', async (t) => {
  const spare = await answeringOf(t);
  const versions = [
    { name: 'stable', ports: [await refusedPortOf(t)], weight: 0 },
    { name: 'canary', ports: [await refusedPortOf(t)], weight: 1 },
  ];
  const plane = await planeOf(t, { routes: [{ versions, rescue: 'unpinned', fallback: [asking(spare.port)] }] });
  assert.match(await sendAndClose(plane.port, GET), /ok$/);
  await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL, 2, STEP_CELL], [spare.port]);
  assert.deepEqual(
    [0, 1, 2].map((effect) => plane.count(2, CELL.rescues + effect)),
    [0, 1, 0],
  );
  assert.deepEqual(readCell(plane, 2), { ...UNUSED, finished: 1, bad: 1 });
  assert.deepEqual(readCell(plane, STEP_CELL), { ...UNUSED, finished: 1 });
});

it('a canary that failed is rescued first; when stable fails too the chain is next, and each is billed once', async (t) => {
  const versions = [
    { name: 'stable', ports: [await refusedPortOf(t)], weight: 0 },
    { name: 'canary', ports: [await refusedPortOf(t)], weight: 1 },
  ];
  const plane = await planeOf(t, { routes: [{ versions, rescue: 'unpinned', fallback: [STALE, SORRY] }] });
  assert.match(await sendAndClose(plane.port, GET), /sorry$/);
  await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL, 2], []);
  assert.deepEqual(readCell(plane, 2), { ...UNUSED, finished: 1, bad: 1 });
  assert.deepEqual(readCell(plane, FIRST_CELL), UNUSED);
  assert.deepEqual(readCell(plane, ROUTE_CELL), { ...UNUSED, finished: 1 });
  assert.equal(plane.count(2, CELL.rescues + 1), 1, 'the rescue was in vain');
});
