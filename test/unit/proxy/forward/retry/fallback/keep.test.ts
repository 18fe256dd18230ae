/** Kept answers: what may be kept and for how long; and through a real data plane, that what comes back is the same. */

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { REASON } from '#src/model/reason.ts';
import { CELL, GATEWAY_CELL } from '#src/model/tallies.ts';
import { Keeping, usableMsOf, Vary } from '#src/proxy/forward/retry/fallback/keep.ts';
import { StaleCache } from '#src/proxy/forward/retry/fallback/stale.ts';
import { CHUNKED } from '#src/proxy/http1/framing.ts';
import { asking, SORRY, STALE } from '../../../../../support/http/fallen.ts';
import { type PlaneSketch, type RouteSketch, readCell, type TestPlane } from '../../../../../support/plane.ts';
import {
  assertQuiet,
  clientOf,
  eventually,
  FIRST_CELL,
  getOf,
  perHead,
  planeOf,
  ROUTE_CELL,
  reasonCount,
  turningClock,
  upstreamOf,
} from '../../../../../support/proxy/running.ts';
import { type RawUpstream, sendAndClose, statusesOf } from '../../../../../support/raw.ts';
import { WAITS } from '../../../../../support/runner/depth.ts';

const CLOSE = 'Connection: close\r\n';
const GET = getOf('/', CLOSE);
const UNUSED = { inFlight: 0, finished: 0, bad: 0, ignored: 0, slow: 0 };

interface Scene {
  readonly plane: TestPlane;
  readonly upstream: RawUpstream;
  /** From now on connections are reset. */
  readonly fail: () => void;
  readonly ask: (request?: string) => Promise<string>;
}

/** A version that answers with these bytes until it is told to fail, on a route that keeps its answers. */
async function scene(
  t: TestContext,
  answer: string | ((socket: Socket, path: string) => void),
  more: Partial<RouteSketch & PlaneSketch> = {},
): Promise<Scene> {
  let isFailing = false;
  const upstream = await upstreamOf(
    t,
    perHead((socket, path) => {
      if (isFailing) socket.resetAndDestroy();
      else if (typeof answer === 'string') socket.write(Buffer.from(answer, 'latin1'));
      else answer(socket, path);
    }),
  );
  const versions = [{ name: 'v1', ports: [upstream.port], weight: 1 }];
  const plane = await planeOf(t, { routes: [{ versions, fallback: [STALE, SORRY], ...more }], ...more });
  return {
    plane,
    upstream,
    fail: () => {
      isFailing = true;
    },
    ask: (request = GET) => sendAndClose(plane.port, request),
  };
}

/** An answer with these header lines and body. */
function answerOf(body: string, lines = ''): string {
  return `HTTP/1.1 200 Fine\r\n${lines}Content-Length: ${body.length}\r\n\r\n${body}`;
}

describe('an answer that was kept', () => {
  it('comes back as it was, with its age and where it is from', async (t) => {
    const lines = 'Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nX-Some: thing\r\nAge: 7\r\nX-Request-Id: another\r\n';
    const on = await scene(t, answerOf('once', lines));
    const begunAtMs = performance.now();
    assert.match(await on.ask(), /once$/);
    on.fail();
    const received = await on.ask();
    const keptS = Math.ceil((performance.now() - begunAtMs) / 1000);
    assert.match(
      received,
      /^HTTP\/1\.1 200 Fine\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nX-Some: thing\r\nVia: 1\.1 sluice\r\n/,
    );
    assert.match(
      received,
      /\r\nContent-Length: 4\r\nAge: \d+\r\nCache-Status: sluice; fwd=stale; detail=upstream_reset\r\n/,
    );
    const age = Number(/\r\nAge: (\d+)\r\n/.exec(received)?.[1]);
    assert.ok(age >= 7 && age < 7 + keptS, `${age} s, of which ${keptS} at most are ours`);
    assert.match(received, /\r\nX-Request-Id: [0-9a-f]{32}\r\nProxy-Status: sluice; error=connection_terminated\r\n/);
    assert.match(received, /\r\nConnection: close\r\n\r\nonce$/);
    assert.doesNotMatch(received, /another/);
    await assertQuiet(on.plane, [ROUTE_CELL, FIRST_CELL], [on.upstream.port]);
    assert.deepEqual(readCell(on.plane, ROUTE_CELL), { ...UNUSED, finished: 2 });
    assert.deepEqual(readCell(on.plane, FIRST_CELL), { ...UNUSED, finished: 2, bad: 1 });
    assert.equal(reasonCount(on.plane, FIRST_CELL, REASON.upstreamReset), 1);
    assert.equal(on.plane.count(ROUTE_CELL, CELL.fallbacks), 1);
  });

  it('is good for HEAD too, without its body', async (t) => {
    const on = await scene(t, answerOf('once'));
    await on.ask();
    on.fail();
    assert.match(
      await on.ask(GET.replace('GET', 'HEAD')),
      /^HTTP\/1\.1 200 Fine\r\n[^]*\r\nContent-Length: 4\r\n[^]*\r\n\r\n$/,
    );
  });

  it('may have come in chunks, in pieces, and over one connection with others', async (t) => {
    const on = await scene(t, (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
      setImmediate(() => socket.write('5\r\ndefgh\r\n0\r\n\r\n'));
    });
    const client = clientOf(t, on.plane);
    for (const n of [1, 2]) {
      client.send(getOf(`/${n}`));
      await client.until((received) => received.split('0\r\n\r\n').length === n + 1);
    }
    on.fail();
    for (const n of [1, 2]) {
      assert.match(await on.ask(getOf(`/${n}`, CLOSE)), /\r\nContent-Length: 8\r\n[^]*\r\n\r\nabcdefgh$/);
    }
    assert.match(await on.ask(getOf('/3', CLOSE)), /sorry$/);
  });

  it('that counts as bad is the failure that it stands for', async (t) => {
    const on = await scene(t, answerOf('once'), { fallback: [{ ...STALE, isGood: false }] });
    await on.ask();
    on.fail();
    assert.match(await on.ask(), /once$/);
    assert.deepEqual(readCell(on.plane, ROUTE_CELL), { ...UNUSED, finished: 2, bad: 1 });
    assert.equal(reasonCount(on.plane, ROUTE_CELL, REASON.upstreamReset), 1);
  });

  it('stays when the route is linked anew, unless its filters became others', async (t) => {
    const on = await scene(t, answerOf('once', 'X-Old: 1\r\n'));
    await on.ask();
    on.fail();
    const versions = [{ name: 'v1', ports: [on.upstream.port], weight: 1 }];
    const fallback = [STALE, SORRY];
    on.plane.swap({ routes: [{ versions, fallback, slowMs: 7 }] });
    assert.match(await on.ask(), /once$/);
    const filters = { responseHeaders: { set: [], add: [], remove: ['x-old'] } };
    on.plane.swap({ routes: [{ versions, fallback, filters }] });
    assert.match(await on.ask(), /sorry$/);
  });

  it('is what the route’s filters made of it', async (t) => {
    const responseHeaders = { set: [{ name: 'X-New', value: '2' }], add: [], remove: ['x-old'] };
    const on = await scene(t, answerOf('once', 'X-Old: 1\r\n'), { filters: { responseHeaders } });
    const fresh = await on.ask();
    on.fail();
    for (const received of [fresh, await on.ask()]) {
      assert.match(received, /\r\nX-New: 2\r\n/);
      assert.doesNotMatch(received, /X-Old/);
    }
  });

  it('was asked of the route’s own version, also when another one was asked since', async (t) => {
    let isAway = false;
    const spare = await upstreamOf(
      t,
      perHead((socket) => (isAway ? socket.resetAndDestroy() : socket.write(answerOf('spare')))),
    );
    const on = await scene(t, answerOf('once'), { fallback: [asking(spare.port), STALE] });
    await on.ask();
    await eventually(() => on.plane.count(GATEWAY_CELL, CELL.staleBytes) > 0, 'one is kept');
    const bytes = on.plane.plane.staleBytes;
    on.fail();
    assert.match(await on.ask(), /spare$/);
    assert.equal(on.plane.plane.staleBytes, bytes, 'of the other version none is');
    isAway = true;
    assert.match(await on.ask(), /once$/);
  });
});

describe('a long kept answer', () => {
  const body = 'abcdefgh'.repeat(1_048_576);
  const fallback = [{ ...STALE, entryBytesMax: 9_000_000 }, SORRY];

  it('waits for a client that reads late, comes whole, and the connection goes on', async (t) => {
    const on = await scene(t, answerOf(body), { fallback });
    await on.ask();
    on.fail();
    const { socket } = clientOf(t, on.plane);
    socket.pause();
    socket.write(getOf('/') + getOf('/other', CLOSE));
    await eventually(() => on.plane.count(ROUTE_CELL, CELL.fallbacks) === 1, 'it is being sent');
    assert.equal(readCell(on.plane, ROUTE_CELL).finished, 1, 'and not over before it is taken');
    const received = await new Promise<string>((resolve) => {
      const chunks: Buffer[] = [];
      socket.on('data', (chunk: Buffer) => void chunks.push(chunk));
      socket.on('end', () => resolve(Buffer.concat(chunks).toString('latin1')));
      socket.resume();
    });
    const start = received.indexOf('\r\n\r\n') + 4;
    assert.ok(received.slice(start, start + body.length) === body, 'byte for byte');
    assert.match(received.slice(start + body.length), /^HTTP\/1\.1 200 OK\r\n[^]*sorry$/);
  });

  it('is cut for a client that does not read', WAITS, async (t) => {
    turningClock(t);
    const on = await scene(t, answerOf(body), { fallback, timeouts: { bodyIdleMs: 1000 } });
    await on.ask();
    on.fail();
    const client = clientOf(t, on.plane);
    client.socket.pause();
    client.send(getOf('/'));
    await eventually(() => on.plane.count(ROUTE_CELL, CELL.fallbacks) === 1, 'it is being sent');
    await assertQuiet(on.plane, [ROUTE_CELL, FIRST_CELL], [on.upstream.port]);
    assert.equal(reasonCount(on.plane, ROUTE_CELL, REASON.clientClosed), 1);
    assert.deepEqual(readCell(on.plane, ROUTE_CELL), { ...UNUSED, finished: 1, ignored: 1 });
    assert.equal(readCell(on.plane, FIRST_CELL).bad, 1);
  });
});

describe('no answer is kept', () => {
  const never: readonly (readonly [string, string])[] = [
    ['that is a failure', 'HTTP/1.1 500 No\r\nContent-Length: 4\r\n\r\nonce'],
    ['that is found elsewhere for now', 'HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 4\r\n\r\nonce'],
    ['that is a part', 'HTTP/1.1 206 Part\r\nContent-Range: bytes 0-3/9\r\nContent-Length: 4\r\n\r\nonce'],
    ['that sets a cookie', answerOf('once', 'Set-Cookie: a=b\r\n')],
    ['that says no-store', answerOf('once', 'Cache-Control: max-age=60, No-Store\r\n')],
    ['that says private', answerOf('once', 'Cache-Control: private="set-cookie"\r\n')],
    ['that says no-cache', answerOf('once', 'Cache-Control: no-cache\r\n')],
    ['that is never stale and not fresh', answerOf('once', 'Cache-Control: must-revalidate\r\n')],
    ['that is meant for no other request', answerOf('once', 'Vary: Accept, *\r\n')],
    [
      'that varies by more than it can be kept for',
      answerOf('once', `Vary: ${Array.from({ length: 17 }, (_, n) => `x-${n}`).join()}\r\n`),
    ],
    ['that is longer than the route keeps', answerOf('x'.repeat(65_537))],
  ];
  for (const [name, answer] of never) {
    it(name, async (t) => {
      const on = await scene(t, answer);
      await on.ask();
      on.fail();
      assert.match(await on.ask(), /sorry$/);
      assert.equal(on.plane.count(GATEWAY_CELL, CELL.staleBytes), 0);
    });
  }

  it('that ends with its connection, or before its end', async (t) => {
    const on = await scene(t, (socket, path) => {
      if (path === '/open') socket.end('HTTP/1.1 200 OK\r\n\r\nonce');
      else socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nonce');
    });
    for (const path of ['/open', '/cut']) await on.ask(getOf(path, CLOSE));
    on.fail();
    for (const path of ['/open', '/cut']) assert.match(await on.ask(getOf(path, CLOSE)), /sorry$/);
  });

  it('that was cut, nor is its room; a whole one later is', async (t) => {
    let isCut = true;
    const on = await scene(t, (socket) => {
      if (isCut) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nonce');
      else socket.write(answerOf('once'));
    });
    await on.ask();
    assert.equal(on.plane.plane.staleBytes, 0);
    isCut = false;
    await on.ask();
    on.fail();
    assert.match(await on.ask(), /once$/);
  });

  it('whose client leaves in the middle, nor is its room', async (t) => {
    const on = await scene(t, (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nonce'));
    const client = clientOf(t, on.plane);
    client.send(getOf('/'));
    await client.until((received) => received.endsWith('once'));
    assert.ok(on.plane.plane.staleBytes > 0, 'it is being taken');
    client.socket.destroy();
    await assertQuiet(on.plane, [ROUTE_CELL, FIRST_CELL], [on.upstream.port]);
    assert.equal(on.plane.plane.staleBytes, 0);
  });

  it('to a request with a body, or of another method', async (t) => {
    const on = await scene(t, answerOf('once'));
    const asked = ['GET', 'POST', 'PUT'].map(
      (m) => `${m} / HTTP/1.1\r\nHost: a\r\n${CLOSE}Content-Length: 2\r\n\r\nhi`,
    );
    for (const request of asked) assert.deepEqual(statusesOf(await on.ask(request)), [200]);
    on.fail();
    for (const request of [GET, ...asked]) assert.match(await on.ask(request), /sorry$/);
  });

  it('beyond what the worker keeps of all: the oldest are gone', async (t) => {
    const on = await scene(t, (socket) => socket.write(answerOf('x'.repeat(10_000))), {
      limits: { staleBytesMax: 40_000 },
    });
    for (const n of [1, 2, 3, 4, 5]) await on.ask(getOf(`/${n}`, CLOSE));
    on.fail();
    const ends = await Promise.all([1, 2, 3, 4, 5].map(async (n) => (await on.ask(getOf(`/${n}`, CLOSE))).slice(-5)));
    assert.deepEqual(ends, ['sorry', 'sorry', 'xxxxx', 'xxxxx', 'xxxxx']);
  });

  it('for a route without such a step', async (t) => {
    const on = await scene(t, answerOf('once'), { fallback: [SORRY] });
    await on.ask();
    on.fail();
    assert.match(await on.ask(), /sorry$/);
  });
});

describe('how old an answer may become', () => {
  const MAX_MS = 300_000;
  const dates = 'Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nExpires: Sun, 06 Nov 1994 08:50:37 GMT\r\n';
  const cases: readonly (readonly [lines: string, usableMs: number, isPersonal?: boolean])[] = [
    ['', MAX_MS],
    ['Cache-Control: max-age=10\r\n', MAX_MS],
    ['Cache-Control: max-age=10, stale-if-error=20\r\n', 30_000],
    ['Cache-Control: stale-if-error=20\r\n', 20_000],
    ['Cache-Control: stale-if-error=0\r\n', 0],
    ['Cache-Control: stale-if-error="20"\r\n', 20_000],
    ['Cache-Control: stale-if-error=soon\r\n', 0],
    ['Cache-Control: max-age=10\r\nCache-Control: stale-if-error=20\r\n', 30_000],
    ['Cache-Control: max-age=99999999999999, stale-if-error=5\r\n', MAX_MS],
    ['Cache-Control: max-age=10, must-revalidate\r\n', 10_000],
    ['Cache-Control: max-age=10, stale-if-error=20, must-revalidate\r\n', 10_000],
    ['Cache-Control: max-age=10, proxy-revalidate\r\n', 10_000],
    ['Cache-Control: max-age=99, s-maxage=10\r\n', 10_000],
    [`${dates}Cache-Control: stale-if-error=20\r\n`, 80_000],
    [`${dates}Cache-Control: must-revalidate\r\n`, 60_000],
    ['Expires: 0\r\nCache-Control: must-revalidate\r\n', 0],
    ['Cache-Control: private\r\n', 0],
    ['Cache-Control: no-cache="x"\r\n', 0],
    ['cache-control:NO-STORE\r\n', 0],
    ['Set-Cookie: a\r\n', 0],
    ['X-Cache-Control: no-store\r\n', MAX_MS],
    ['', 0, true],
    ['Cache-Control: max-age=10\r\n', 0, true],
    ['Cache-Control: public, max-age=10\r\n', MAX_MS, true],
    ['Cache-Control: s-maxage=10\r\n', 10_000, true],
  ];
  for (const [lines, usableMs, isPersonal = false] of cases) {
    it(`is ${usableMs} ms with ${JSON.stringify(lines)}${isPersonal ? ', asked for by somebody known' : ''}`, () => {
      assert.equal(usableMsOf(`HTTP/1.1 200 OK\r\n${lines}\r\n`, MAX_MS, isPersonal), usableMs);
    });
  }
});

it('an answer that is kept holds the memory of its bytes and no more, however small its pieces were', () => {
  const cache = new StaleCache();
  cache.configure(1_000_000);
  const place = { key: 'k', whole: 'k', vary: new Vary([]) };
  const bytes = Buffer.from(Array.from({ length: 3000 }, (_, n) => n % 251));
  for (const length of [CHUNKED, bytes.length]) {
    const keeping = new Keeping(cache, place, { status: 200, lines: '', usableMs: 1000, cameAtMs: 0 });
    assert.ok(keeping.begin(length, 65_536));
    for (let n = 0; n < bytes.length; n++) keeping.take(bytes, n, n + 1);
    keeping.put();
    const body = cache.find('k', '', 0, 1000)?.body;
    assert.deepEqual(body, bytes);
    assert.equal(body?.buffer.byteLength, bytes.length);
  }
});
