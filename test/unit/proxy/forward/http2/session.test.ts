/** A connection over HTTP/2: how it is opened, found dead, bounded, and left. */

import assert from 'node:assert/strict';
import { createSecureServer, type ServerHttp2Stream } from 'node:http2';
import { createServer } from 'node:https';
import type { Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { REASON } from '#src/model/reason.ts';
import { CELL } from '#src/model/tallies.ts';
import type { UpstreamMaterial } from '#src/model/threads/tls.ts';
import { IDLE_FRAMES_MAX } from '#src/proxy/forward/http2/session.ts';
import { RACE_MS } from '#src/proxy/forward/retry/retry.ts';
import { authorityOf } from '../../../../support/http/certificates.ts';
import {
  END_STREAM,
  frame,
  goaway,
  headers,
  oneHttp2,
  perRequest,
  type RawHttp2,
  rawHttp2Of,
  reset,
  type Script,
  settings,
  TYPE,
} from '../../../../support/http/h2-endpoint.ts';
import { listenLoopback, readCell } from '../../../../support/plane.ts';
import {
  answeringOf,
  askedOn,
  assertQuiet,
  clientOf,
  closedSocket,
  endpointWord,
  eventually,
  FIRST_CELL,
  GET,
  planeOf,
  ROUTE_CELL,
  reasonCount,
  refusedPortOf,
  stoppedClock,
  turningClock,
  upstreamOf,
} from '../../../../support/proxy/running.ts';
import { type RawClient, sendAndClose } from '../../../../support/raw.ts';

const CLOSING = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
const OK = { ':status': '200', 'content-length': '2' };
const STREAMS_MAX = 3;
const REFUSED_STREAM = 7;
const NOTHING = Buffer.alloc(0);

function okOn(id: number): Buffer {
  return Buffer.concat([headers(id, OK), frame(TYPE.data, END_STREAM, id, 'ok')]);
}

interface Over extends RawHttp2 {
  readonly text: string;
}

/** The answer of a plane in front of a raw endpoint. */
async function over(t: TestContext, script: Script): Promise<Over> {
  const endpoint = await rawHttp2Of(t, script);
  const plane = await planeOf(t, oneHttp2([endpoint.port]));
  return { ...endpoint, text: await sendAndClose(plane.port, CLOSING) };
}

describe('a connection that cannot be opened', () => {
  it('fails by the reasons of HTTP/1.1', async (t) => {
    const port = await refusedPortOf(t);
    const plane = await planeOf(t, oneHttp2([port]));
    assert.match(await sendAndClose(plane.port, CLOSING), /^HTTP\/1\.1 502 [^]*error=connection_refused/);
    assert.equal(endpointWord(plane, port, 'connectFailures'), 1);
    const silent = await upstreamOf(t, () => undefined);
    const waiting = await planeOf(t, { ...oneHttp2([silent.port]), timeouts: { connectMs: 100 } });
    assert.match(await sendAndClose(waiting.port, CLOSING), /^HTTP\/1\.1 504 [^]*error=connection_timeout/);
  });

  it('because HTTP/1.1 is spoken there sends nothing of a request', async (t) => {
    const upstream = await answeringOf(t);
    const plane = await planeOf(t, oneHttp2([upstream.port]));
    assert.match(await sendAndClose(plane.port, CLOSING), /^HTTP\/1\.1 502 [^]*error=http_protocol_error/);
    assert.doesNotMatch(upstream.received.join(''), /sluice/);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
    assert.equal(endpointWord(plane, upstream.port, 'open'), 0);
  });
});

describe('over TLS', () => {
  const MATERIAL: UpstreamMaterial = { ca: null, cert: null, key: null, minVersion: 'TLSv1.2', isInsecure: false };

  async function ask(t: TestContext, port: number, ca: string): Promise<string> {
    const tls = { key: 'k', serverName: null };
    const versions = [{ name: 'v1', ports: [port], weight: 1, tls, protocol: 'h2' as const }];
    const upstreams = new Map([['k', { ...MATERIAL, ca }]]);
    const plane = await planeOf(t, {
      routes: [{ versions, retry: { retriesMax: 0 } }],
      // What is found out is not to be found out by PING.
      timeouts: { upstreamPingMs: 3_600_000 },
      tls: { doors: ['plain'], upstreams },
    });
    return sendAndClose(plane.port, CLOSING);
  }

  it('h2 is agreed on by ALPN, and the scheme is https', async (t) => {
    const authority = authorityOf(t);
    const server = createSecureServer(authority.issue('upstream', { names: 'IP:127.0.0.1' }).pem);
    server.on('stream', (stream: ServerHttp2Stream, asked) => {
      stream.respond({ ':status': 200, 'x-scheme': asked[':scheme'], 'x-sent': asked['x-forwarded-proto'] });
      stream.end();
    });
    t.after(() => server.close());
    const port = await listenLoopback(server);
    assert.match(await ask(t, port, authority.pem), /^HTTP\/1\.1 200 [^]*x-scheme: https\r\nx-sent: http\r\n/);
    assert.match(await ask(t, port, authorityOf(t).pem), /^HTTP\/1\.1 502 [^]*error=tls_protocol_error/);
  });

  it('an endpoint that goes without a word in HTTP/2 is heard at once', async (t) => {
    const authority = authorityOf(t);
    const server = createSecureServer(authority.issue('upstream', { names: 'IP:127.0.0.1' }).pem);
    let connection: TLSSocket | null = null;
    server.on('secureConnection', (socket: TLSSocket) => {
      connection = socket;
    });
    server.on('stream', (stream: ServerHttp2Stream) => {
      stream.on('error', () => undefined);
      connection?.end();
    });
    t.after(() => server.close());
    const answer = await ask(t, await listenLoopback(server), authority.pem);
    assert.match(answer, /^HTTP\/1\.1 502 [^]*error=connection_terminated/);
  });

  it('an endpoint that does not agree fails the handshake', async (t) => {
    const authority = authorityOf(t);
    const { pem } = authority.issue('upstream', { names: 'IP:127.0.0.1' });
    for (const ALPNProtocols of [['http/1.1'], undefined]) {
      const server = createServer({ ...pem, ...(ALPNProtocols && { ALPNProtocols }) });
      t.after(() => server.close());
      const answer = await ask(t, await listenLoopback(server), authority.pem);
      assert.match(answer, /^HTTP\/1\.1 502 [^]*error=tls_protocol_error/);
    }
  });
});

describe('a connection', () => {
  it('serves one exchange after another, and many at a time', async (t) => {
    const held: (() => void)[] = [];
    const endpoint = await rawHttp2Of(t, {
      on: (socket, { type, id }) => {
        if (type === TYPE.headers) held.push(() => socket.write(okOn(id)));
      },
    });
    const plane = await planeOf(t, oneHttp2([endpoint.port]));
    const clients = [clientOf(t, plane), clientOf(t, plane), clientOf(t, plane)];
    for (const client of clients) client.send(GET);
    await eventually(() => held.length === 3, 'three requests');
    for (const answer of held.toReversed()) answer();
    for (const client of clients) await client.until((text) => text.endsWith('ok'));
    const again = askedOn(clients[0] as (typeof clients)[0], GET);
    await eventually(() => held.length === 4, 'a fourth');
    held[3]?.();
    assert.equal(await again, 200);
    assert.equal(endpoint.sockets.length, 1);
    assert.deepEqual(
      [endpointWord(plane, endpoint.port, 'open'), endpointWord(plane, endpoint.port, 'connects')],
      [1, 1],
    );
  });

  it('that nobody needs for a while closes, and one that is too old is replaced', async (t) => {
    turningClock(t);
    for (const timeouts of [{ upstreamIdleMs: 50 }, { upstreamLifetimeMs: 200 }]) {
      const endpoint = await rawHttp2Of(t, perRequest(okOn));
      const plane = await planeOf(t, { ...oneHttp2([endpoint.port]), timeouts });
      const client = clientOf(t, plane);
      assert.equal(await askedOn(client, GET), 200);
      await closedSocket(endpoint.sockets[0] as (typeof endpoint.sockets)[0]);
      assert.ok(
        endpoint.frames.some(({ type }) => type === TYPE.goaway),
        'it says so',
      );
      assert.equal(await askedOn(client, GET), 200);
      assert.equal(endpoint.sockets.length, 2);
    }
  });

  it('that the endpoint leaves finishes what it has, and the next request goes elsewhere', async (t) => {
    const held: (() => void)[] = [];
    const endpoint = await rawHttp2Of(t, {
      on: (socket, { type, id }) => {
        if (type !== TYPE.headers) return;
        if (held.length === 0) socket.write(goaway(id));
        held.push(() => socket.write(okOn(id)));
      },
    });
    const plane = await planeOf(t, oneHttp2([endpoint.port]));
    const [first, second] = [clientOf(t, plane), clientOf(t, plane)];
    first.send(GET);
    await eventually(() => held.length === 1, 'the first');
    // The GOAWAY was sent before; the second connection shows that it was heard.
    await eventually(() => endpoint.frames.some(({ type }) => type === TYPE.goaway), 'its answer');
    second.send(GET);
    await eventually(() => held.length === 2, 'the second');
    assert.equal(endpoint.sockets.length, 2);
    for (const answer of held) answer();
    for (const client of [first, second]) await client.until((text) => text.endsWith('ok'));
    assert.equal(reasonCount(plane, FIRST_CELL, REASON.none), 2);
  });

  it('that is lost is not taken for the second attempt', async (t) => {
    const endpoint = await rawHttp2Of(
      t,
      perRequest((id, socket, nth) => {
        if (nth !== 2) return okOn(id);
        socket.end();
        return NOTHING;
      }),
    );
    const plane = await planeOf(t, oneHttp2([endpoint.port]));
    const client = clientOf(t, plane);
    assert.equal(await askedOn(client, GET), 200);
    assert.equal(await askedOn(client, GET), 200, client.received());
    assert.equal(endpoint.sockets.length, 2);
  });

  it('that breaks the protocol is not taken for who waited', async (t) => {
    const asked: Socket[] = [];
    const endpoint = await rawHttp2Of(t, {
      first: settings([[STREAMS_MAX, 1]]),
      on: (socket, { type, id }) => {
        if (type === TYPE.headers && asked.push(socket) === 2) socket.write(okOn(id));
      },
    });
    const plane = await planeOf(t, { ...oneHttp2([endpoint.port]), limits: { endpointSessionsMax: 1 } });
    const [first, second] = [clientOf(t, plane), clientOf(t, plane)];
    const answers = [askedOn(first, GET)];
    await eventually(() => asked.length === 1, 'one is under way');
    answers.push(askedOn(second, GET));
    await eventually(() => readCell(plane, FIRST_CELL).inFlight === 2, 'another waits');
    asked[0]?.write(frame(TYPE.data, 0, 0, 'x'));
    assert.deepEqual(await Promise.all(answers), [502, 200]);
    assert.equal(reasonCount(plane, FIRST_CELL, REASON.streamRefused), 0);
  });

  it('whose endpoint answers a PING is kept, and asked no more for a while', async (t) => {
    turningClock(t);
    const endpoint = await rawHttp2Of(t, {});
    const plane = await planeOf(t, {
      ...oneHttp2([endpoint.port]),
      timeouts: { upstreamPingMs: 20, firstByteMs: 500 },
    });
    assert.match(await sendAndClose(plane.port, CLOSING), /^HTTP\/1\.1 504 /);
    assert.equal(endpoint.frames.filter(({ type }) => type === TYPE.ping).length, 1);
    assert.equal(endpoint.sockets[0]?.destroyed, false);
  });
});

describe('an endpoint that floods', () => {
  const PING = frame(TYPE.ping, 0, 0, '12345678');

  it('with PING or SETTINGS loses its connection', async (t) => {
    for (const one of [PING, settings()]) {
      const flood = Buffer.concat(Array.from({ length: 2 * IDLE_FRAMES_MAX }, () => one));
      const { text } = await over(t, { on: (socket, { type }) => void (type === TYPE.headers && socket.write(flood)) });
      assert.match(text, /^HTTP\/1\.1 502 /);
    }
  });

  it('is no flood where answers come in between', async (t) => {
    const some = Buffer.concat(Array.from({ length: IDLE_FRAMES_MAX / 2 }, () => PING));
    const endpoint = await rawHttp2Of(
      t,
      perRequest((id) => Buffer.concat([some, okOn(id)])),
    );
    const plane = await planeOf(t, oneHttp2([endpoint.port]));
    const client = clientOf(t, plane);
    for (let n = 0; n < 4; n++) assert.equal(await askedOn(client, GET), 200, client.received());
    assert.equal(endpoint.sockets.length, 1);
  });

  it('with header fields is refused', async (t) => {
    const many = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`x-${n}`, 'a']));
    const { text } = await over(
      t,
      perRequest((id) => headers(id, { ':status': '200', ...many }, END_STREAM)),
    );
    assert.match(text, /^HTTP\/1\.1 502 /);
  });

  it('or breaks the protocol is a 502', async (t) => {
    for (const bad of [
      frame(TYPE.data, 0, 0, 'x'),
      frame(TYPE.headers, 4, 2, '\x88'),
      Buffer.from('HTTP/1.1 200 OK\r\n\r\n'),
    ]) {
      const { text } = await over(t, { on: (socket, { type }) => void (type === TYPE.headers && socket.write(bad)) });
      assert.match(text, /^HTTP\/1\.1 502 /);
    }
  });
});

describe('streams that are sent again', () => {
  it('take a token of the retry budget each where they are refused: an endpoint that refuses all gets a tenth more', async (t) => {
    stoppedClock(t);
    const endpoint = await rawHttp2Of(
      t,
      perRequest((id) => reset(id, REFUSED_STREAM)),
    );
    const plane = await planeOf(t, oneHttp2([endpoint.port]));
    const client = clientOf(t, plane);
    for (let n = 0; n < 300; n++) assert.equal(await askedOn(client, GET), 503);
    const streams = endpoint.frames.filter(({ type }) => type === TYPE.headers).length;
    // The budget begins with three tokens.
    assert.ok(streams > 300 && streams <= 333, `${streams}`);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [endpoint.port]);
    assert.equal(plane.count(FIRST_CELL, CELL.retriesSkipped), 600 - streams);
  });

  const ALL = 22;
  // What no answer is there for the budget pays, if nothing was looked at: three tokens and a tenth of the requests.
  for (const [end, answered, wentOn] of [
    ['GOAWAY', ALL, ALL],
    ['GOAWAY', 0, 5],
    ['loss', ALL, ALL],
    ['loss', ALL / 2, ALL / 2],
  ] as const) {
    it(`because of its ${end} take none, for each answer that came before: ${answered}`, async (t) => {
      stoppedClock(t);
      let [count, last] = [0, 0];
      const endpoint = await rawHttp2Of(t, {
        on: (socket, { type, id }) => {
          if (type !== TYPE.headers) return;
          count += 1;
          if (count <= answered) last = id;
          if (count <= answered || socket !== endpoint.sockets[0]) socket.write(okOn(id));
          else if (count === answered + ALL && end === 'loss') socket.destroy();
          else if (count === answered + ALL) socket.write(goaway(last));
        },
      });
      const plane = await planeOf(t, oneHttp2([endpoint.port]));
      const clients = Array.from({ length: ALL }, () => clientOf(t, plane));
      for (let n = 0; n < answered; n++) assert.equal(await askedOn(clients[0] as RawClient, GET), 200);
      const statuses = await Promise.all(clients.map((client) => askedOn(client, GET)));
      assert.equal(statuses.filter((status) => status === 200).length, wentOn, statuses.join(' '));
    });
  }
});

describe('the end of a connection that has answered before', () => {
  for (const [when, passedMs, { status, bad }] of [
    ['right after a request was sent is nobody’s failure, and the request is sent again', 0, { status: 200, bad: 0 }],
    ['once a request could have been at work is a failure of its endpoint', RACE_MS, { status: 502, bad: 1 }],
  ] as const) {
    it(when, async (t) => {
      const pass = stoppedClock(t);
      const held: Socket[] = [];
      const endpoint = await rawHttp2Of(
        t,
        perRequest((id, socket, nth) => {
          if (nth !== 2) return headers(id, { ':status': '200' }, END_STREAM);
          held.push(socket);
          return Buffer.alloc(0);
        }),
      );
      const plane = await planeOf(t, oneHttp2([endpoint.port]));
      const client = clientOf(t, plane);
      assert.equal(await askedOn(client, GET), 200);
      const answered = askedOn(client, GET);
      await eventually(() => held.length === 1, 'it is held');
      pass(passedMs);
      held[0]?.resetAndDestroy();
      assert.equal(await answered, status);
      assert.equal(endpointWord(plane, endpoint.port, 'bad'), bad);
    });
  }
});
