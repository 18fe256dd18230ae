/** What is not rescued, and how little is sent besides: replays, colors, tokens, headroom, hedges, outages. */

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { SWEEP_MS } from '#src/lib/deadlines.ts';
import { REASON, type Reason } from '#src/model/reason.ts';
import { CELL } from '#src/model/tallies.ts';
import { setCapacity } from '#src/snapshot/endpoint-dials.ts';
import {
  asked,
  BUSY,
  CANARY,
  CLOSE,
  rescues,
  type Scene,
  STABLE,
  scene,
  UNUSED,
} from '../../../support/http/rescued.ts';
import { endpointIdOf, readCell } from '../../../support/plane.ts';
import {
  answeringOf,
  askedOn,
  assertQuiet,
  clientOf,
  endpointWord,
  eventually,
  GET,
  getOf,
  heldOf,
  OK,
  perHead,
  planeOf,
  ROUTE_CELL,
  reasonCount,
  refusedPortOf,
  turningClock,
  upstreamOf,
} from '../../../support/proxy/running.ts';
import { sendAndClose, statusesOf } from '../../../support/raw.ts';

/** Of an attempt at a canary that does not answer. */
const HANGING = { retry: { attemptTimeoutMs: 60 } };

describe('nobody is rescued', () => {
  it('by a POST that may have been done: it is sent once', async (t) => {
    turningClock(t);
    const ways: readonly (readonly [(socket: Socket) => void, number, Reason])[] = [
      [(socket) => socket.resetAndDestroy(), 502, REASON.upstreamReset],
      [(socket) => socket.write(BUSY), 503, REASON.none],
      [() => undefined, 504, REASON.responseTimeout],
    ];
    for (const [answer, status, reason] of ways) {
      const canary = await upstreamOf(t, answer);
      const on = await scene(t, canary.port, reason === REASON.responseTimeout ? HANGING : {});
      const post = `POST / HTTP/1.1\r\nHost: a\r\n${CLOSE}Content-Length: 5\r\n\r\nhello`;
      assert.deepEqual(statusesOf(await asked(on, post)), [status]);
      assert.deepEqual([on.stable.sockets.length, canary.sockets.length], [0, 1]);
      assert.deepEqual([rescues(on.plane), reasonCount(on.plane, CANARY, reason)], [{}, 1]);
    }
  });

  it('whose body was too large to be kept', async (t) => {
    const body = 'x'.repeat(40_000);
    const canary = await upstreamOf(t, (socket, received) => {
      if (received.endsWith(`\r\n\r\n${body}`)) socket.write(BUSY);
    });
    const put = `PUT / HTTP/1.1\r\nHost: a\r\n${CLOSE}Content-Length: ${body.length}\r\n\r\n${body}`;
    const large = await scene(t, canary.port, { limits: { replayBodyBytesMax: 20_000 } });
    assert.deepEqual(statusesOf(await asked(large, put)), [503]);
    assert.deepEqual([large.stable.sockets.length, rescues(large.plane)], [0, {}]);
    const kept = await scene(t, canary.port, { limits: { replayBodyBytesMax: 65_536 } });
    assert.deepEqual(statusesOf(await asked(kept, put)), [200]);
    assert.ok(kept.stable.received[0]?.endsWith(`\r\n\r\n${body}`), 'stable got all of it');
  });

  it('who heard something of the canary’s answer', async (t) => {
    const begun = await upstreamOf(t, (socket) =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart', () => socket.resetAndDestroy()),
    );
    const hinted = await upstreamOf(t, (socket) => socket.write(`HTTP/1.1 103 Early Hints\r\n\r\n${BUSY}`));
    for (const [canary, statuses] of [
      [begun, [200]],
      [hinted, [503]],
    ] as const) {
      const on = await scene(t, canary.port);
      assert.deepEqual(statusesOf(await asked(on).catch(() => 'HTTP/1.1 200 ')), statuses);
      assert.deepEqual([on.stable.sockets.length, rescues(on.plane)], [0, {}]);
    }
  });

  it('who asked for the canary by its color, unless the rollout says so', async (t) => {
    const canary = await answeringOf(t, BUSY);
    const pinned = getOf('/', `X-Release-Stage: canary\r\n${CLOSE}`);
    const on = await scene(t, canary.port);
    assert.deepEqual(statusesOf(await asked(on, pinned)), [503]);
    assert.deepEqual([rescues(on.plane), on.plane.count(CANARY, CELL.pinnedBad)], [{}, 1]);
    const all = await scene(t, canary.port, { rescue: 'all' });
    assert.deepEqual(statusesOf(await asked(all, pinned)), [200]);
    assert.deepEqual([rescues(all.plane), all.plane.count(CANARY, CELL.pinnedBad)], [{ good: 1 }, 1]);
  });

  it('by a keep-alive race: that is nobody’s failure, and run again on the canary', async (t) => {
    const canary = await upstreamOf(
      t,
      perHead((socket, path) =>
        path === '/race' && socket.bytesWritten > 0 ? socket.resetAndDestroy() : socket.write(OK),
      ),
    );
    const on = await scene(t, canary.port);
    const client = clientOf(t, on.plane);
    assert.equal(await askedOn(client, GET), 200);
    assert.equal(await askedOn(client, getOf('/race')), 200);
    assert.deepEqual([rescues(on.plane), readCell(on.plane, CANARY)], [{}, { ...UNUSED, finished: 2 }]);
    assert.equal(on.plane.count(CANARY, CELL.mended), 0);
  });

  it('without a token: the canary’s answer passes as it is, which is counted', async (t) => {
    turningClock(t);
    const { upstream, paths, answer } = await heldOf(t);
    const versions = [
      { name: 'stable', ports: [upstream.port], weight: 0 },
      { name: 'canary', ports: [(await answeringOf(t, BUSY)).port], weight: 1 },
    ];
    const plane = await planeOf(t, { routes: [{ versions, rescue: 'unpinned' }] });
    const asking = Array.from({ length: 30 }, () => sendAndClose(plane.port, getOf('/', CLOSE)));
    await eventually(() => readCell(plane, CANARY).finished === 30, 'the canary has failed them all');
    const { skipped = 0 } = rescues(plane);
    await eventually(() => paths.length === 30 - skipped, 'stable was asked');
    for (const nth of paths.keys()) answer(nth);
    const received = await Promise.all(asking);
    const passed = received.filter((text) => text.startsWith('HTTP/1.1 503'));
    assert.ok(skipped >= 15 && passed.length === skipped, `${passed.length} of ${skipped}`);
    for (const text of passed) assert.match(text, /^HTTP\/1\.1 503 Busy\r\n[^]*\r\n\r\nbusy$/);
    assert.deepEqual(rescues(plane), { good: 30 - skipped, skipped });
  });

  it('but by the tokens of the next second, if it is as the last one was', async (t) => {
    let clockMs = performance.now();
    t.mock.method(performance, 'now', () => clockMs);
    const { upstream, paths, answer } = await heldOf(t);
    let isWell = true;
    const canary = await upstreamOf(
      t,
      perHead((socket) => socket.write(isWell ? OK : BUSY)),
    );
    const versions = [
      { name: 'stable', ports: [upstream.port], weight: 0 },
      { name: 'canary', ports: [canary.port], weight: 1 },
    ];
    const plane = await planeOf(t, { routes: [{ versions, rescue: 'unpinned' }] });
    const client = clientOf(t, plane);
    for (let n = 0; n < 400; n++) assert.equal(await askedOn(client, GET), 200);
    // A second with 400 requests: 40 tokens, besides the ten that there are.
    clockMs += 1000;
    await new Promise((resolve) => setTimeout(resolve, 3 * SWEEP_MS));
    isWell = false;
    const asking = Array.from({ length: 45 }, () => sendAndClose(plane.port, getOf('/', CLOSE)));
    await eventually(() => readCell(plane, CANARY).finished === 445, 'the canary has failed them all');
    assert.deepEqual(rescues(plane), {}, 'none was left out');
    await eventually(() => paths.length === 45, 'stable was asked');
    for (const nth of paths.keys()) answer(nth);
    for (const received of await Promise.all(asking)) assert.deepEqual(statusesOf(received), [200]);
    assert.deepEqual(rescues(plane), { good: 45 });
  });

  it('by a stable version that is out: the canary’s other endpoint is tried, as ever', async (t) => {
    const [dead, live] = [await refusedPortOf(t), await answeringOf(t)];
    const on = await scene(t, dead);
    const versions = [
      { name: 'stable', ports: [on.stable.port], weight: 0 },
      { name: 'canary', ports: [dead, live.port], weight: 1, balancer: 'roundRobin' as const },
    ];
    on.plane.swap({ routes: [{ versions, rescue: 'unpinned' }] });
    setCapacity(on.plane.endpointDials, endpointIdOf(on.stable.port), 0);
    // Turns go to the dead one, the retry to the other.
    for (let n = 0; n < 2; n++) assert.deepEqual(statusesOf(await asked(on)), [200]);
    assert.deepEqual([on.stable.sockets.length, rescues(on.plane)], [0, { skipped: 2 }]);
    assert.equal(on.plane.count(CANARY, CELL.mended), 2, 'which stays evidence, as on stable');
    assert.deepEqual(readCell(on.plane, CANARY), { ...UNUSED, finished: 2 });
  });
});

describe('hedged reads of a canary', () => {
  /** Two endpoints of the canary that hold every request, as they came. */
  async function race(t: TestContext): Promise<Scene & { readonly held: Socket[]; readonly ports: number[] }> {
    const held: Socket[] = [];
    const hold = perHead((socket) => void held.push(socket));
    const ports = [(await upstreamOf(t, hold)).port, (await upstreamOf(t, hold)).port];
    const on = await scene(t, ports[0] as number);
    const versions = [
      { name: 'stable', ports: [on.stable.port], weight: 0 },
      { name: 'canary', ports, weight: 1 },
    ];
    on.plane.swap({ routes: [{ versions, rescue: 'unpinned', retry: { hedgeMs: 20 } }] });
    return { ...on, held, ports };
  }

  for (const first of [0, 1]) {
    it(`are rescued when both arms have failed, not before: arm ${first} fails first`, async (t) => {
      const on = await race(t);
      const client = clientOf(t, on.plane);
      client.send(GET);
      await eventually(() => on.held.length === 2, 'both arms');
      on.held[first]?.write(BUSY);
      await eventually(
        () => on.ports.reduce((sum, port) => sum + endpointWord(on.plane, port, 'finished'), 0) === 1,
        'the arm is over',
      );
      assert.equal(on.stable.sockets.length, 0, 'the other arm lives');
      on.held[1 - first]?.resetAndDestroy();
      await client.until((text) => text.endsWith('ok'));
      await assertQuiet(on.plane, [ROUTE_CELL, STABLE, CANARY], [on.stable.port, ...on.ports]);
      assert.deepEqual([rescues(on.plane), readCell(on.plane, CANARY).bad], [{ good: 1 }, 1]);
    });
  }

  it('are not rescued when the other arm answers; that an arm failed is evidence', async (t) => {
    const on = await race(t);
    const client = clientOf(t, on.plane);
    client.send(GET);
    await eventually(() => on.held.length === 2, 'both arms');
    on.held[0]?.resetAndDestroy();
    on.held[1]?.write(OK);
    assert.deepEqual(statusesOf(await client.until((text) => text.endsWith('ok'))), [200]);
    await assertQuiet(on.plane, [ROUTE_CELL, STABLE, CANARY], [on.stable.port, ...on.ports]);
    assert.deepEqual([rescues(on.plane), readCell(on.plane, CANARY)], [{}, { ...UNUSED, finished: 1 }]);
    assert.equal(on.stable.sockets.length, 0);
  });
});

describe('an outage of both versions', () => {
  const REQUESTS = 400;

  const ways: readonly (readonly [string, number, (socket: Socket) => void])[] = [
    ['resets', 502, (socket) => socket.resetAndDestroy()],
    ['503', 503, (socket) => socket.write(BUSY)],
  ];
  for (const [name, status, fail] of ways) {
    it(`brings the upstreams 1.1 times the requests, 3 a second, the ten of the reserve and what a second earns: ${name}`, (t) =>
      suffer(t, status, fail));
  }

  async function suffer(t: TestContext, status: number, fail: (socket: Socket) => void): Promise<void> {
    const ports = [0, 1].map(() => upstreamOf(t, perHead(fail)));
    const [stable, canary] = (await Promise.all(ports)).map(({ port }) => port) as [number, number];
    const versions = [
      { name: 'stable', ports: [stable], weight: 1 },
      { name: 'canary', ports: [canary], weight: 1 },
    ];
    const plane = await planeOf(t, { routes: [{ versions, rescue: 'unpinned' }] });
    const started = performance.now();
    for (let n = 0; n < REQUESTS; n += 20) {
      const batch = Array.from({ length: 20 }, () => sendAndClose(plane.port, getOf('/', CLOSE)));
      for (const received of await Promise.all(batch)) assert.deepEqual(statusesOf(received), [status]);
    }
    const seconds = (performance.now() - started) / 1000;
    await assertQuiet(plane, [ROUTE_CELL, STABLE, CANARY], [stable, canary]);
    const attempts = endpointWord(plane, stable, 'finished') + endpointWord(plane, canary, 'finished');
    const { bad = 0, good = 0 } = rescues(plane);
    t.diagnostic(`${attempts} attempts for ${REQUESTS} requests, ${bad} rescues, in ${seconds.toFixed(1)} s`);
    // In advance, however fast they came: no second had more of them.
    const advance = 0.1 * REQUESTS;
    assert.ok(attempts <= 1.1 * REQUESTS + 3 * seconds + 10 + advance, `${attempts} attempts in ${seconds} s`);
    assert.ok(bad > 0 && good === 0, 'some were tried');
    assert.equal(attempts, REQUESTS + bad + plane.count(ROUTE_CELL, CELL.retries));
    assert.equal(readCell(plane, ROUTE_CELL).bad, REQUESTS);
    assert.equal(readCell(plane, STABLE).bad + readCell(plane, CANARY).bad, REQUESTS, 'each is billed once');
  }
});
