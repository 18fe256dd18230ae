/** A version at its limit, with real sockets: who waits, who is refused, what is counted, and that no place is lost. */

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { REASON } from '#src/model/reason.ts';
import { CELL } from '#src/model/tallies.ts';
import { type RouteSketch, readCell, type TestPlane } from '../../../support/plane.ts';
import {
  answeringOf,
  askedOn,
  assertQuiet,
  clientOf,
  eventually,
  FIRST_CELL,
  getOf,
  heldOf,
  OK,
  perHead,
  planeOf,
  ROUTE_CELL,
  reasonCount,
  SECOND_CELL,
  type TurningClock,
  turningClock,
  upstreamOf,
} from '../../../support/proxy/running.ts';
import { type RawClient, statusesOf } from '../../../support/raw.ts';

const TRUSTED = ['127.0.0.1/32'];
const HEADER = 'x-priority';

function limited(port: number, limit: number | 'auto', change: Partial<RouteSketch> = {}): RouteSketch {
  return { versions: [{ name: 'v1', ports: [port], weight: 1, limit }], ...change };
}

/** How many wait at the version, as the tallies show it. */
async function queued(plane: TestPlane, count: number, cell = FIRST_CELL): Promise<void> {
  await eventually(() => plane.count(cell, CELL.queued) === count, `${count} waiting`);
}

function ask(t: TestContext, plane: TestPlane, path: string, priority = ''): RawClient {
  const client = clientOf(t, plane);
  client.send(getOf(path, priority === '' ? '' : `${HEADER}: ${priority}\r\n`));
  return client;
}

const answered = (client: RawClient): Promise<string> => client.until((text) => statusesOf(text).length > 0);

describe('a version at its limit', () => {
  it('gets no more requests at a time, and those that wait follow', async (t) => {
    const { upstream, paths, answer } = await heldOf(t);
    const plane = await planeOf(t, { routes: [limited(upstream.port, 2)] });
    const clients = ['/0', '/1', '/2'].map((path) => ask(t, plane, path));
    await eventually(() => paths.length === 2, 'two at the upstream');
    await queued(plane, 1);
    assert.equal(plane.count(FIRST_CELL, CELL.limit), 2);
    assert.equal(plane.count(FIRST_CELL, CELL.admitted), 2);
    answer(0);
    await eventually(() => paths.length === 3, 'the third at the upstream');
    answer(1);
    answer(2);
    for (const client of clients) assert.deepEqual(statusesOf(await answered(client)), [200]);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
    await eventually(() => plane.count(FIRST_CELL, CELL.admitted) === 0, 'no place is taken');
  });

  it('serves what a trusted peer calls critical before what waits longer', async (t) => {
    const { upstream, paths, answer } = await heldOf(t);
    const plane = await planeOf(t, {
      routes: [limited(upstream.port, 1)],
      trustedProxies: TRUSTED,
      priorityHeader: HEADER,
    });
    ask(t, plane, '/first');
    await eventually(() => paths.length === 1, 'one at the upstream');
    ask(t, plane, '/least', 'best-effort');
    await queued(plane, 1);
    ask(t, plane, '/usual');
    await queued(plane, 2);
    ask(t, plane, '/vital', 'critical');
    await queued(plane, 3);
    for (let n = 0; n < 4; n++) {
      await eventually(() => paths.length === n + 1, `${n + 1} at the upstream`);
      answer(n);
    }
    assert.deepEqual(paths, ['/first', '/vital', '/usual', '/least']);
  });

  it('believes nobody else’s priority, and does not pass it on', async (t) => {
    const { upstream, paths, answer } = await heldOf(t);
    const plane = await planeOf(t, { routes: [limited(upstream.port, 1)], priorityHeader: HEADER });
    ask(t, plane, '/first');
    await eventually(() => paths.length === 1, 'one at the upstream');
    ask(t, plane, '/usual');
    await queued(plane, 1);
    ask(t, plane, '/liar', 'critical');
    await queued(plane, 2);
    for (let n = 0; n < 3; n++) {
      await eventually(() => paths.length === n + 1, `${n + 1} at the upstream`);
      answer(n);
    }
    assert.equal(upstream.received.join('').toLowerCase().includes(HEADER), false);
  });

  it('refuses what waited too long: 503, counted for the route and not for the version', async (t) => {
    turningClock(t);
    const { upstream, paths, answer } = await heldOf(t);
    const plane = await planeOf(t, {
      routes: [limited(upstream.port, 1, { priority: 'degraded', retry: { retriesMax: 3 } })],
      timeouts: { pendingMs: 100 },
    });
    const first = ask(t, plane, '/first');
    await eventually(() => paths.length === 1, 'one at the upstream');
    const text = await answered(ask(t, plane, '/late'));
    assert.deepEqual(statusesOf(text), [503]);
    assert.match(text, /\r\nRetry-After: [1-4]\r\n/);
    assert.match(text, /error=connection_limit_reached/);
    answer(0);
    await answered(first);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
    assert.equal(paths.length, 1, 'what was refused was not tried');
    assert.deepEqual(readCell(plane, FIRST_CELL), { inFlight: 0, finished: 1, bad: 0, ignored: 1, slow: 0 });
    assert.equal(plane.count(ROUTE_CELL, CELL.bad), 1);
    assert.equal(reasonCount(plane, ROUTE_CELL, REASON.shed), 1);
    assert.equal(plane.count(FIRST_CELL, CELL.shed + 2), 1, 'of priority degraded');
  });

  it('forgets clients that leave, while they wait and while they are served', async (t) => {
    const { upstream, paths, answer } = await heldOf(t);
    const plane = await planeOf(t, { routes: [limited(upstream.port, 1)] });
    const served = ask(t, plane, '/served');
    await eventually(() => paths.length === 1, 'one at the upstream');
    const waiting = ask(t, plane, '/waiting');
    await queued(plane, 1);
    const last = ask(t, plane, '/last');
    await queued(plane, 2);
    waiting.socket.destroy();
    await queued(plane, 1);
    served.socket.destroy();
    await eventually(() => paths.length === 2, 'the next at the upstream');
    answer(1);
    await answered(last);
    assert.deepEqual(paths, ['/served', '/last']);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
  });

  it('holds one place for all attempts of a request', async (t) => {
    let asked = 0;
    const upstream = await upstreamOf(
      t,
      perHead((socket) => (asked++ === 0 ? socket.resetAndDestroy() : socket.write(OK))),
    );
    const plane = await planeOf(t, { routes: [limited(upstream.port, 1)] });
    const client = clientOf(t, plane);
    for (let n = 0; n < 5; n++) assert.equal(await askedOn(client, getOf('/')), 200);
    await eventually(() => plane.count(FIRST_CELL, CELL.admitted) === 0, 'no place is taken');
    assert.equal(plane.count(FIRST_CELL, CELL.retries), 1);
  });

  it('holds none for an upgraded connection after its 101, and makes upgrades wait like others', async (t) => {
    const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n';
    const sockets: Socket[] = [];
    const upstream = await upstreamOf(
      t,
      perHead((socket) => void sockets.push(socket)),
    );
    const route = limited(upstream.port, 1, { upgrade: { protocols: ['chat'], onRollback: 'keep' } });
    const plane = await planeOf(t, { routes: [route] });
    const [one, two] = [clientOf(t, plane), clientOf(t, plane)];
    one.send(getOf('/', 'Connection: Upgrade\r\nUpgrade: chat\r\n'));
    await eventually(() => sockets.length === 1, 'one at the upstream');
    two.send(getOf('/', 'Connection: Upgrade\r\nUpgrade: chat\r\n'));
    await queued(plane, 1);
    sockets[0]?.write(SWITCH);
    await one.until((text) => text.includes('101'));
    await eventually(() => sockets.length === 2, 'the next at the upstream');
    sockets[1]?.write(SWITCH);
    await two.until((text) => text.includes('101'));
    await eventually(() => plane.count(FIRST_CELL, CELL.admitted) === 0, 'no place is taken');
    assert.equal(plane.count(FIRST_CELL, CELL.sessions), 2);
  });

  it('keeps its limit across a snapshot, and those that wait are served by the old one', async (t) => {
    const { upstream, paths, answer } = await heldOf(t);
    const plane = await planeOf(t, { routes: [limited(upstream.port, 1)] });
    const clients = [ask(t, plane, '/0')];
    await eventually(() => paths.length === 1, 'one at the upstream');
    clients.push(ask(t, plane, '/1'));
    await queued(plane, 1);
    plane.swap({ routes: [limited(upstream.port, 1)] });
    clients.push(ask(t, plane, '/2'));
    await queued(plane, 2);
    plane.swap({ routes: [limited(upstream.port, 'auto')] });
    for (let n = 0; n < 3; n++) {
      await eventually(() => paths.length === n + 1, `${n + 1} at the upstream`);
      answer(n);
    }
    for (const client of clients) assert.deepEqual(statusesOf(await answered(client)), [200]);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
  });

  it('finishes those that wait when the gateway drains', async (t) => {
    const { upstream, paths, answer } = await heldOf(t);
    const plane = await planeOf(t, { routes: [limited(upstream.port, 1)] });
    const clients = [ask(t, plane, '/0')];
    await eventually(() => paths.length === 1, 'one at the upstream');
    clients.push(ask(t, plane, '/1'));
    await queued(plane, 1);
    const drained = plane.plane.drain();
    answer(0);
    await eventually(() => paths.length === 2, 'the next at the upstream');
    answer(1);
    for (const client of clients) assert.deepEqual(statusesOf(await answered(client)), [200]);
    await drained;
  });
});

const TICK_MS = 16;

/** Servers that take `busyMs` for each request, `servers` at a time; counts what is there at once. */
async function serversOf(t: TestContext, clock: TurningClock, servers: number, busyMs: number) {
  const waiting: Socket[] = [];
  const now = { present: 0, max: 0, served: 0 };
  let busy = 0;
  const serve = (): void => {
    while (busy < servers && waiting.length > 0) {
      const socket = waiting.shift() as Socket;
      busy++;
      void clock.passed(busyMs).then(() => {
        busy--;
        now.present--;
        now.served++;
        if (!socket.destroyed) socket.write(OK);
        serve();
      });
    }
  };
  const upstream = await upstreamOf(
    t,
    perHead((socket) => {
      now.max = Math.max(now.max, ++now.present);
      waiting.push(socket);
      serve();
    }),
  );
  return { port: upstream.port, now };
}

/** Requests at a steady pace, whatever becomes of them, one in ten of them critical; each on a connection of its own. */
function loadOf(t: TestContext, clock: TurningClock, plane: TestPlane, perTick: number) {
  const counts = { critical: 0, criticalOk: 0, other: 0, otherOk: 0, refused: 0 };
  const idle: RawClient[] = [];
  const under = new Set<Promise<void>>();
  let sent = 0;
  let isOver = false;
  const send = async (isCritical: boolean): Promise<void> => {
    const client = idle.pop() ?? clientOf(t, plane);
    const status = await askedOn(client, getOf('/', isCritical ? `${HEADER}: critical\r\n` : ''));
    idle.push(client);
    counts[isCritical ? 'critical' : 'other']++;
    if (status === 200) counts[isCritical ? 'criticalOk' : 'otherOk']++;
    else if (status === 503) counts.refused++;
  };
  const tick = (): void => {
    if (isOver) return;
    for (let n = 0; n < perTick; n++) {
      const one = send(sent++ % 10 === 0).finally(() => under.delete(one));
      under.add(one);
    }
    void clock.passed(TICK_MS).then(tick);
  };
  tick();
  const stop = async (): Promise<void> => {
    isOver = true;
    await Promise.all(under);
  };
  return { counts, stop };
}

it('a rollback onto a stable version that cannot serve all: never above its limit, the rest is shed, critical survives', async (t) => {
  // 100 requests a second, three in ten of what both can do; asked are 250 a second, of which it gets 75 before.
  const clock = turningClock(t);
  const stable = await serversOf(t, clock, 4, 40);
  const canary = await answeringOf(t);
  const versions = [
    { name: 'stable', ports: [stable.port], weight: 30, limit: 'auto' as const },
    { name: 'canary', ports: [canary.port], weight: 70, limit: 'auto' as const },
  ];
  const routes = [{ versions, slowMs: 400, priority: 'degraded' as const }];
  const plane = await planeOf(t, { routes, trustedProxies: TRUSTED, priorityHeader: HEADER });
  const load = loadOf(t, clock, plane, 4);
  await eventually(() => stable.now.served > 200, 'stable is known');
  const before = { ...load.counts };
  const limits = [plane.count(FIRST_CELL, CELL.limit)];
  const watch = setInterval(() => limits.push(plane.count(FIRST_CELL, CELL.limit)), 5);
  const servedBefore = stable.now.served;
  stable.now.max = stable.now.present;
  Atomics.store(plane.dials, SECOND_CELL, 0);
  await eventually(() => stable.now.served > servedBefore + 400, 'stable serves');
  await load.stop();
  clearInterval(watch);
  const after = { ...load.counts };
  const limitMax = Math.max(...limits);
  t.diagnostic(JSON.stringify({ before, after, presentMax: stable.now.max, limitMax }));
  assert.equal(before.refused, 0, 'nobody was refused before');
  assert.ok(stable.now.max <= limitMax, `${stable.now.max} at the servers, at most ${limitMax} allowed`);
  assert.ok(limitMax <= 64, `${limitMax}: it follows what is answered`);
  assert.ok(after.refused > 100, `${after.refused} refused`);
  assert.equal(after.criticalOk, after.critical, 'critical requests are answered');
  assert.ok(after.critical - before.critical > 50);
  await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL, SECOND_CELL], [stable.port, canary.port]);
});

describe('a rescue between two versions with limits', () => {
  /** Stable holds its requests, the canary refuses them all; one place each. */
  async function rescuing(t: TestContext) {
    const stable = await heldOf(t);
    const canary = await answeringOf(t, 'HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n');
    const plane = await planeOf(t, {
      routes: [
        {
          rescue: 'all',
          versions: [
            { name: 'v1', ports: [stable.upstream.port], weight: 1, limit: 1 },
            { name: 'v2', ports: [canary.port], weight: 0, limit: 1, colors: ['v2'] },
          ],
        },
      ],
    });
    const canaryAsks = (path: string): RawClient => {
      const client = clientOf(t, plane);
      client.send(getOf(path, 'x-release-stage: v2\r\n'));
      return client;
    };
    return { plane, stable, canaryAsks };
  }

  it("takes a place at stable and leaves the canary's, and loses neither", async (t) => {
    const { plane, stable, canaryAsks } = await rescuing(t);
    const client = canaryAsks('/rescued');
    await eventually(() => stable.paths.length === 1, 'the rescued one at stable');
    await eventually(() => plane.count(FIRST_CELL, CELL.admitted) === 1, 'a place at stable');
    await eventually(() => plane.count(SECOND_CELL, CELL.admitted) === 0, 'none at the canary');
    stable.answer(0);
    assert.deepEqual(statusesOf(await answered(client)), [200]);
    await eventually(() => plane.count(FIRST_CELL, CELL.admitted) === 0, 'no place is taken');
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL, SECOND_CELL], [stable.upstream.port]);
  });

  it("does not drive stable past its limit: the canary's failure goes to its client", async (t) => {
    const { plane, stable, canaryAsks } = await rescuing(t);
    ask(t, plane, '/own');
    await eventually(() => stable.paths.length === 1, 'one at stable, which is full');
    assert.deepEqual(statusesOf(await answered(canaryAsks('/failed'))), [503]);
    assert.equal(plane.count(SECOND_CELL, CELL.rescuesSkipped), 1);
    assert.equal(stable.paths.length, 1);
    stable.answer(0);
    await eventually(() => plane.count(FIRST_CELL, CELL.admitted) === 0, 'no place is taken');
  });
});
