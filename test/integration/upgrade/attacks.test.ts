/**
 * Upgrades against hostile and broken peers: vulnerability classes 14 (the upstream says no), 47 (tunnelled before the
 * 101, or for a protocol that is not allowed) and 48 (a 101 nobody asked for).
 *
 * No byte sequence ends the process, reaches the wrong side, or is relayed as something it is not.
 */

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { REASON } from '#src/model/reason.ts';
import { readCell } from '../../support/plane.ts';
import {
  clientOf,
  eventually,
  FIRST_CELL,
  planeOf,
  reasonCount,
  turningClock,
  upstreamOf,
} from '../../support/proxy/running.ts';
import {
  assertEnds,
  assertOver,
  dripping,
  openSessions,
  saying,
  scene,
  switching,
  upgradeRequest,
} from '../../support/proxy/upgrade.ts';
import { sendAndClose, statusesOf } from '../../support/raw.ts';

/** Reached only when something hangs. */
const LIMIT = { timeout: 240_000 };
const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
const NO = 'HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno';

describe('class 14: the upstream says no to the upgrade', LIMIT, () => {
  const REFUSALS: readonly (readonly [string, string, RegExp])[] = [
    [
      '401 with a body',
      'HTTP/1.1 401 No\r\nX-Why: you\r\nContent-Length: 2\r\n\r\nno',
      /X-Why: you\r\n[^]*\r\n\r\nno$/,
    ],
    [
      '200 with a chunked body',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
      /o(?:\r\n1\r\n)?k\r\n0\r\n\r\n$/,
    ],
    ['204', 'HTTP/1.1 204 No Content\r\n\r\n', /204 No Content\r\n[^]*\r\n\r\n$/],
    ['304', 'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n', /ETag: "x"\r\n[^]*\r\n\r\n$/],
    ['426', 'HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n', /\r\n\r\n$/],
    ['500', 'HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n', /\r\n\r\n$/],
  ];
  for (const [name, answer, expected] of REFUSALS) {
    it(`relays ${name}, closes, and reads nothing of what the client sent behind its request`, async (t) => {
      for (const say of [saying, dripping]) {
        const on = await scene(t, say(answer));
        const text = await sendAndClose(on.plane.port, upgradeRequest() + SMUGGLED);
        assert.deepEqual(statusesOf(text), [Number(answer.slice(9, 12))]);
        assert.match(text, expected);
        assert.match(text, /\r\nConnection: close\r\n/);
        assert.doesNotMatch(text, /\r\n(?:upgrade|keep-alive):/i);
        if (/ (?:204|304) /.test(answer)) assert.doesNotMatch(text, /chunked|Content-Length/i);
        assert.doesNotMatch(on.upstream.received.join(''), /smuggled/);
        await assertOver(on);
        const bad = answer.includes(' 500 ') ? 1 : 0;
        assert.deepEqual(readCell(on.plane, FIRST_CELL), { inFlight: 0, finished: 1, bad, ignored: 0, slow: 0 });
      }
    });
  }

  it('strips hop-by-hop fields from a refusal, and passes on interim responses', async (t) => {
    const hop =
      'Keep-Alive: timeout=5\r\nConnection: X-Hop\r\nX-Hop: 1\r\nProxy-Authenticate: Basic\r\nUpgrade: h2c\r\n';
    const early = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n';
    const on = await scene(t, saying(`${early}HTTP/1.1 403 No\r\n${hop}Content-Length: 2\r\n\r\nno`));
    const text = await sendAndClose(on.plane.port, upgradeRequest());
    assert.ok(text.startsWith(early));
    assert.doesNotMatch(text, /X-Hop|Keep-Alive|Proxy-Authenticate|h2c/i);
  });

  it('relays a large refusal to a slow reader without holding it, and cuts one that ends early', async (t) => {
    const megabytes = 64;
    const on = await scene(t, (socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${megabytes * 1_000_000}\r\n\r\n`);
      for (let n = 0; n < megabytes; n++) socket.write(Buffer.alloc(1_000_000));
    });
    const client = clientOf(t, on.plane);
    client.socket.pause();
    client.send(upgradeRequest());
    await eventually(() => on.upstream.sockets.length > 0, 'asked');
    const [socket] = on.upstream.sockets as [Socket];
    let left = -1;
    await eventually(() => {
      const isStill = left === socket.writableLength;
      left = socket.writableLength;
      return isStill && left > 0;
    }, 'nothing moves');
    assert.ok(left > 40_000_000, `${left} bytes wait at the upstream`);
    socket.destroy();
    client.socket.resume();
    await client.closed();
    assert.equal(reasonCount(on.plane, FIRST_CELL, REASON.upstreamTruncated), 1);
    await assertOver(on);
  });

  it('gives up on a client that does not read a refusal, and on a refusal that stalls', async (t) => {
    turningClock(t);
    const timeouts = { bodyIdleMs: 200 };
    const stalled = await scene(t, saying('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsome'), { timeouts });
    assert.match(await sendAndClose(stalled.plane.port, upgradeRequest()), /some$/);
    assert.equal(reasonCount(stalled.plane, FIRST_CELL, REASON.upstreamTruncated), 1);
    await assertOver(stalled);
    const body = 'x'.repeat(30_000_000);
    const unread = await scene(t, saying(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`), {
      timeouts,
    });
    const client = clientOf(t, unread.plane);
    client.socket.pause();
    client.send(upgradeRequest());
    await eventually(() => reasonCount(unread.plane, FIRST_CELL, REASON.clientClosed) === 1, 'given up');
    await assertOver(unread);
  });
});

describe('class 47: nothing is tunnelled before the 101, or for a protocol that is not allowed', LIMIT, () => {
  it('holds back what the client sends before the 101, and delivers it after', async (t) => {
    const asked: Socket[] = [];
    const on = await scene(t, (socket) => void asked.push(socket));
    const client = clientOf(t, on.plane);
    client.send(upgradeRequest() + SMUGGLED);
    await eventually(() => asked.length === 1, 'asked');
    client.send('later');
    // Bytes that are on loopback arrive before those of a round trip that begins now.
    await sendAndClose(on.plane.port, 'junk\r\n\r\n');
    assert.doesNotMatch(on.upstream.received[0] ?? '', /smuggled|later/);
    asked[0]?.write(switching());
    await eventually(() => (on.upstream.received[0] ?? '').endsWith(`\r\n\r\n${SMUGGLED}later`), 'delivered in order');
  });

  it('holds back a bounded amount', async (t) => {
    const on = await scene(t, () => undefined);
    const client = clientOf(t, on.plane);
    client.send(upgradeRequest());
    await eventually(() => on.upstream.sockets.length === 1, 'asked');
    const before = process.memoryUsage().external;
    const flood = Buffer.alloc(64_000_000);
    client.send(flood);
    let left = -1;
    await eventually(() => {
      const isStill = left === client.socket.writableLength;
      left = client.socket.writableLength;
      return isStill;
    }, 'nothing moves');
    assert.ok(left > 40_000_000, `${left} bytes wait at the client`);
    assert.ok(process.memoryUsage().external - before - flood.length < 4_000_000);
  });

  const PLAIN: readonly (readonly [string, string])[] = [
    ['a protocol that the route does not allow', upgradeRequest('/', '', 'telnet')],
    ['h2c', upgradeRequest('/', 'HTTP2-Settings: AAMAAABkAAQAAP__\r\n', 'h2c')],
    ['no Upgrade field', 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n\r\n'],
    ['no Connection: upgrade', 'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n'],
    ['HTTP/1.0', upgradeRequest().replace('HTTP/1.1', 'HTTP/1.0')],
    ['another method', upgradeRequest().replace('GET', 'POST')],
    ['a body', `${upgradeRequest('/', 'Content-Length: 3\r\n')}abc`],
    ['a chunked body', `${upgradeRequest('/', 'Transfer-Encoding: chunked\r\n')}0\r\n\r\n`],
  ];
  for (const [name, request] of PLAIN) {
    it(`serves as a plain request one with ${name}`, async (t) => {
      let hasAnswered = false;
      const on = await scene(t, (socket) => {
        if (!hasAnswered) socket.write(NO);
        hasAnswered = true;
      });
      const client = clientOf(t, on.plane);
      client.send(request);
      await client.until((text) => text.endsWith('no'));
      assert.doesNotMatch(on.upstream.received.join(''), /\r\n(?:upgrade|connection|http2-settings):/i);
      assert.equal(openSessions(on.plane), 0);
      client.socket.destroy();
    });
  }

  it('offers h2c to no upstream even where it is configured, and of several protocols only an allowed one', async (t) => {
    const on = await scene(t, saying(NO));
    const upgrade = { protocols: ['h2c', 'chat/2'], onRollback: 'close' } as const;
    const versions = [{ name: 'v1', ports: [on.upstream.port], weight: 1 }];
    on.plane.swap({ routes: [{ versions, upgrade }] });
    for (const [offer, expected] of [
      ['h2c', null],
      ['websocket', null],
      ['h2c, Chat/2, websocket', 'chat/2'],
    ] as const) {
      const client = clientOf(t, on.plane);
      client.send(upgradeRequest('/', '', offer));
      await client.until((text) => text.endsWith('no'));
      const got = /\r\nUpgrade: ([^\r]*)\r\n/i.exec(on.upstream.received.at(-1) ?? '');
      assert.equal(got?.[1] ?? null, expected, offer);
      client.socket.destroy();
    }
  });

  it('tunnels any allowed protocol, half-closed connections included', async (t) => {
    const upstream = await upstreamOf(t, (socket, received) => {
      if (received.endsWith('\r\n\r\n')) socket.write(switching('', 'echo'));
      else if (received.endsWith('done')) socket.write('and done');
    });
    const versions = [{ name: 'v1', ports: [upstream.port], weight: 1 }];
    const upgrade = { protocols: ['echo'], onRollback: 'close' } as const;
    const plane = await planeOf(t, { routes: [{ versions, upgrade }] });
    const client = clientOf(t, plane);
    client.send(upgradeRequest('/', '', 'Echo'));
    await client.until((text) => text.includes('\r\n\r\n'));
    client.send('I am done');
    client.socket.end();
    assert.match(await client.closed(), /\r\nand done$/);
    await assertEnds(plane, { client_closed: 1 });
  });
});

describe('class 48: a 101 that was not asked for, or is not an answer', LIMIT, () => {
  const OTHER: readonly (readonly [string, string])[] = [
    ['a 101 without Upgrade', 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\nevil'],
    ['a 101 without Connection', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\nevil'],
    ['a bare 101', 'HTTP/1.1 101 Switching Protocols\r\n\r\nevil'],
    ['a 101 to another protocol', `${switching('', 'h2c')}PRI * HTTP/2.0\r\n\r\n`],
    ['a 101 to two protocols', switching('Upgrade: h2c\r\n')],
    ['a 101 with Content-Length', `${switching('Content-Length: 4\r\n')}evil`],
    ['a 101 with Transfer-Encoding', `${switching('Transfer-Encoding: chunked\r\n')}0\r\n\r\n`],
    ['a 101 in HTTP/1.0', switching().replace('HTTP/1.1', 'HTTP/1.0')],
    ['a 101 with a bare LF', switching('X-A: 1\n')],
    ['a 101 with an obs-fold', switching('X-A: 1\r\n b\r\n')],
    ['a 101 with a NUL', switching('X-A: \0\r\n')],
    ['a 101 with white space before a colon', switching('X-A : 1\r\n')],
    ['a 101 that nominates what must stay', switching('Connection: Set-Cookie\r\nSet-Cookie: a=b\r\n')],
    ['junk instead of a status line', 'junk\r\n\r\n'],
    ['a status outside of 100 to 599', 'HTTP/1.1 999 Odd\r\n\r\n'],
    ['HTTP/2', 'HTTP/2 101\r\n\r\n'],
    ['a CR in the reason phrase', 'HTTP/1.1 101 Switching\rProtocols\r\n\r\n'],
    [
      'Content-Length and Transfer-Encoding',
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['Content-Length twice', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok'],
    ['another transfer coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc'],
    ['a head that never ends', `HTTP/1.1 101 Switching Protocols\r\nX-A: ${'x'.repeat(40_000)}`],
    ['too many fields', switching('X-A: 1\r\n'.repeat(200))],
    ['too many interim responses', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(11)],
  ];
  for (const [name, answer] of OTHER) {
    it(`answers 502 for ${name}`, async (t) => {
      for (const say of answer.length < 1000 ? [saying, dripping] : [saying]) {
        const on = await scene(t, say(answer));
        const text = await sendAndClose(on.plane.port, upgradeRequest());
        assert.deepEqual(statusesOf(text), [502]);
        assert.doesNotMatch(text, /evil|PRI|x{100}/);
        assert.equal(reasonCount(on.plane, FIRST_CELL, REASON.upstreamProtocol), 1);
        assert.equal(readCell(on.plane, FIRST_CELL).bad, 1);
        await assertOver(on);
      }
    });
  }

  it('never relays more body than was announced', async (t) => {
    const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\nevil';
    for (const [say, status] of [
      [saying, 502],
      [dripping, 200],
    ] as const) {
      const on = await scene(t, say(answer));
      const text = await sendAndClose(on.plane.port, upgradeRequest());
      assert.deepEqual(statusesOf(text), [status]);
      assert.doesNotMatch(text, /evil/);
      await assertOver(on);
    }
  });

  it('answers 502 for a 101 to a plain request, and takes nothing behind it', async (t) => {
    const on = await scene(t, saying(`${switching()}evil`));
    const client = clientOf(t, on.plane);
    client.send(SMUGGLED);
    const text = await client.until((received) => statusesOf(received).length > 0);
    assert.deepEqual(statusesOf(text), [502]);
    assert.doesNotMatch(text, /evil/);
  });

  it('leaves it to the client whether Sec-WebSocket-Accept is right, and removes hop-by-hop fields', async (t) => {
    const lines =
      'Sec-WebSocket-Accept: wrong\r\nKeep-Alive: 5\r\nConnection: X-Hop\r\nX-Hop: 1\r\nContent-Length: 0\r\n';
    const answer = `HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: WebSocket\r\n${lines}__proto__: x\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n`;
    for (const say of [saying, dripping]) {
      const on = await scene(t, say(answer));
      const client = clientOf(t, on.plane);
      client.send(upgradeRequest());
      const text = await client.until((received) => received.includes('\r\n\r\n'));
      assert.match(text, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
      assert.match(text, /sec-websocket-accept: wrong\r\n/);
      assert.match(text, /set-cookie: a=1\r\nset-cookie: b=2\r\n/);
      assert.doesNotMatch(text, /keep-alive|x-hop|content-length/i);
      client.socket.destroy();
      await assertEnds(on.plane, { client_abnormal: 1 });
      await assertOver(on);
    }
  });

  it('relays a 101 as long as the limit for heads allows', async (t) => {
    const value = 'x'.repeat(30_000);
    const on = await scene(t, saying(switching(`X-Long: ${value}\r\n`)));
    const client = clientOf(t, on.plane);
    client.send(upgradeRequest());
    const text = await client.until((received) => received.includes('\r\n\r\n'));
    assert.ok(text.includes(`x-long: ${value}\r\n`));
    client.socket.destroy();
  });
});
