/** Accepting: a bounded number of connections, believed peers, and an end that waits for what is under way. */

import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { REASON } from '#src/model/reason.ts';
import { CELL, GATEWAY_CELL } from '#src/model/tallies.ts';
import { GRADE } from '#src/model/threads/load/saturation.ts';
import { listenLoopback } from '../../support/plane.ts';
import {
  answeringOf,
  askedOn,
  clientOf,
  closedSocket,
  eventually,
  FIRST_CELL,
  GET,
  getOf,
  heldOf,
  OK,
  oneVersion,
  perHead,
  planeOf,
  ROUTE_CELL,
  reasonCount,
  upstreamOf,
} from '../../support/proxy/running.ts';
import { sendAndClose, statusesOf } from '../../support/raw.ts';
import { WAITS } from '../../support/runner/depth.ts';

const CLOSING = getOf('/', 'Connection: close\r\n');

describe('connections', () => {
  it('beyond the limit are closed at once, counted, and nobody else suffers', async (t) => {
    const upstream = await answeringOf(t);
    const plane = await planeOf(t, { ...oneVersion(upstream.port), limits: { connectionsMax: 2 } });
    const [first, second] = [clientOf(t, plane), clientOf(t, plane)];
    assert.equal(await askedOn(first, GET), 200);
    assert.equal(await askedOn(second, GET), 200);
    assert.equal(await clientOf(t, plane).closed(), '');
    assert.equal(reasonCount(plane, GATEWAY_CELL, REASON.shed), 1);
    assert.equal(await askedOn(first, GET), 200);
    second.socket.destroy();
    await eventually(() => plane.plane.listener.connections === 1, 'a place is free');
    assert.equal(await askedOn(clientOf(t, plane), GET), 200);
  });
});

describe('a gateway that is short of something', () => {
  it('refuses new connections, serves those that are there, and takes new ones when it is over', async (t) => {
    const held: Socket[] = [];
    const upstream = await upstreamOf(
      t,
      perHead((socket, path) => (path === '/held' ? held.push(socket) : socket.write(OK))),
    );
    const plane = await planeOf(t, oneVersion(upstream.port));
    const kept = clientOf(t, plane);
    // A kept connection is closed by this grade too once it is idle: it is not.
    kept.send(getOf('/held') + GET);
    await eventually(() => held.length === 1, 'it has a request under way');
    plane.press(GRADE.refusing, 0);
    const isRefused = async (): Promise<boolean> => (await sendAndClose(plane.port, CLOSING)) === '';
    await eventually(isRefused, 'a new one is refused');
    held[0]?.write(OK);
    assert.deepEqual(statusesOf(await kept.until((text) => statusesOf(text).length === 2)), [200, 200]);
    assert.ok(reasonCount(plane, GATEWAY_CELL, REASON.shed) > 0);
    plane.press(GRADE.normal, 0);
    await eventually(async () => !(await isRefused()), 'a new one is served');
  });

  it('closes connections that have been idle for a second, and no other', WAITS, async (t) => {
    const { upstream, paths, answer } = await heldOf(t);
    const plane = await planeOf(t, oneVersion(upstream.port));
    const [idle, busy] = [clientOf(t, plane), clientOf(t, plane)];
    const served = askedOn(idle, getOf('/idle'));
    await eventually(() => paths.length === 1, 'the first request');
    answer(0);
    assert.equal(await served, 200);
    busy.send(getOf('/busy'));
    await eventually(() => paths.length === 2, 'the second request');
    plane.press(GRADE.lean, 0);
    await closedSocket(idle.socket);
    answer(1);
    assert.match(await busy.until((text) => text.includes('ok')), /^HTTP\/1\.1 200/);
  });

  it('sheds requests by their priority, which is bad for the route and nothing for a version', async (t) => {
    const upstream = await answeringOf(t);
    const plane = await planeOf(t, {
      ...oneVersion(upstream.port),
      trustedProxies: ['127.0.0.1'],
      priorityHeader: 'x-priority',
    });
    plane.press(GRADE.shedding, 950);
    const ask = (priority: string): Promise<number> =>
      askedOn(clientOf(t, plane), getOf('/', `x-priority: ${priority}\r\n`));
    // Each connection is another user: of those near the threshold some are let through.
    for (const which of ['one', 'another']) {
      await eventually(async () => (await ask('best-effort')) === 503, `${which} is shed`);
      assert.equal(await ask('critical'), 200);
    }
    assert.ok(plane.count(GATEWAY_CELL, CELL.shed + 3) >= 2);
    assert.equal(plane.count(GATEWAY_CELL, CELL.shed), 0);
    assert.ok(plane.count(ROUTE_CELL, CELL.bad) >= 2);
    assert.deepEqual([plane.count(FIRST_CELL, CELL.bad), plane.count(FIRST_CELL, CELL.ignored)], [0, 0]);
    plane.press(GRADE.normal, 0);
    await eventually(async () => (await ask('best-effort')) === 200, 'it is over');
  });
});

describe('a peer', () => {
  const seen = async (t: TestContext, trustedProxies: string[]): Promise<string> => {
    const upstream = await answeringOf(t);
    const plane = await planeOf(t, { ...oneVersion(upstream.port), trustedProxies });
    await sendAndClose(plane.port, getOf('/', 'X-Forwarded-For: 198.51.100.1\r\nConnection: close\r\n'));
    return /X-Forwarded-For: (.*)\r\n/.exec(upstream.received[0] as string)?.[1] ?? '';
  };

  for (const trusted of ['127.0.0.1', '127.0.0.0/8', '0.0.0.0/0']) {
    it(`within ${trusted} is believed`, async (t) =>
      assert.equal(await seen(t, ['::1', trusted]), '198.51.100.1, 127.0.0.1'));
  }
  for (const trusted of ['128.0.0.0/8', '::1', '127.0.0.2/32']) {
    it(`outside ${trusted} is not`, async (t) => assert.equal(await seen(t, [trusted]), '127.0.0.1'));
  }
});

describe('leaving', () => {
  it('refuses new connections, and lets kept ones go with their next answer', async (t) => {
    const upstream = await answeringOf(t);
    const plane = await planeOf(t, oneVersion(upstream.port));
    const kept = clientOf(t, plane);
    assert.equal(await askedOn(kept, GET), 200);
    assert.equal(plane.plane.listener.fdsOf(0).length, process.platform === 'win32' ? 0 : 1);
    plane.plane.leave();
    assert.deepEqual(plane.plane.listener.fdsOf(0), []);
    assert.equal(await clientOf(t, plane).closed(), '', 'nobody listens');
    kept.socket.write(GET);
    assert.match(await kept.closed(), /200 OK[\s\S]*Connection: close/i);
  });
});

describe('listening', () => {
  it('on a port in use is refused with the system’s code', async (t) => {
    const taken = createServer();
    const port = await listenLoopback(taken);
    t.after(() => taken.close());
    const plane = await planeOf(t, { routes: [] });
    await assert.rejects(plane.plane.listener.listen({ host: '127.0.0.1', port, reusePort: false }), {
      code: /^(EADDRINUSE|ERR_SERVER_ALREADY_LISTEN)$/,
    });
  });
});

describe('draining', () => {
  it('closes idle connections, lets the busy ones finish, and refuses new ones', async (t) => {
    const sockets: Socket[] = [];
    const upstream = await upstreamOf(
      t,
      perHead((socket, path) => (path === '/slow' ? sockets.push(socket) : socket.write(OK))),
    );
    const plane = await planeOf(t, oneVersion(upstream.port));
    const [idle, busy] = [clientOf(t, plane), clientOf(t, plane)];
    assert.equal(await askedOn(idle, GET), 200);
    busy.send(getOf('/slow') + getOf('/never'));
    await eventually(() => sockets.length === 1, 'the slow request');
    let isDrained = false;
    const drained = plane.plane.drain().then(() => (isDrained = true));
    await idle.closed();
    await assert.rejects(sendAndClose(plane.port, GET).then((text) => assert.match(text, /^HTTP/)));
    assert.equal(isDrained, false);
    sockets[0]?.write(OK);
    const received = await busy.closed();
    assert.deepEqual(statusesOf(received), [200]);
    assert.match(received, /Connection: close/);
    await drained;
    assert.doesNotMatch(upstream.received.join(''), /never/);
    for (const socket of upstream.sockets) await closedSocket(socket);
  });

  it('is over at once when nobody is there', async (t) => {
    const plane = await planeOf(t, { routes: [] });
    await plane.plane.drain();
  });

  it('asked for twice ends twice', { timeout: 240_000 }, async (t) => {
    const { upstream, paths, answer } = await heldOf(t);
    const plane = await planeOf(t, oneVersion(upstream.port));
    const client = clientOf(t, plane);
    client.send(GET);
    await eventually(() => paths.length === 1, 'the request');
    const both = Promise.all([plane.plane.drain(), plane.plane.drain()]);
    answer(0);
    await client.closed();
    await both;
  });

  it('waits for what a slow reader has not taken yet', async (t) => {
    const body = 'x'.repeat(16_000);
    const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    let answered = 0;
    const upstream = await upstreamOf(
      t,
      perHead((socket) => {
        answered++;
        socket.write(answer);
      }),
    );
    const plane = await planeOf(t, oneVersion(upstream.port));
    const client = clientOf(t, plane);
    client.socket.pause();
    // More than the kernel holds: the last answers wait in the gateway, and reading pauses.
    client.send(GET.repeat(2000));
    let last = -1;
    await eventually(() => {
      const isSettled = answered === last;
      last = answered;
      return isSettled && answered > 100;
    }, 'the client is so far behind that no further request is begun');
    const drained = plane.plane.drain();
    client.socket.resume();
    const received = await client.closed();
    await drained;
    assert.equal(statusesOf(received).length, answered, 'answers were counted as given, and dropped');
    assert.ok(received.endsWith(body));
  });
});
