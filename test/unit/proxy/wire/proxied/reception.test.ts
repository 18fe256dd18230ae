/** Connections that begin with a header: to whom they belong then, and that nothing behind the header is lost. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { beginTurn } from '#src/lib/clock.ts';
import { REASON } from '#src/model/reason.ts';
import { CELL, GATEWAY_CELL } from '#src/model/tallies.ts';
import { PROXY_HEADER } from '#src/model/threads/proxied.ts';
import type { Handle } from '#src/proxy/wire/binding.ts';
import { Reception, type ReceptionLane } from '#src/proxy/wire/proxied/reception.ts';
import { authorityOf } from '../../../../support/http/certificates.ts';
import { checkedHeaderOf, headerOf, headersOf, LINE } from '../../../../support/http/proxied.ts';
import { doorOf, filesOf, handshakesOf, materialOf } from '../../../../support/http/secured.ts';
import type { PlaneSketch, TestPlane } from '../../../../support/plane.ts';
import {
  answeringOf,
  askedOn,
  closedSocket,
  eventually,
  GET,
  getOf,
  oneVersion,
  planeOf,
  reasonCount,
} from '../../../../support/proxy/running.ts';
import { type RawClient, type RawUpstream, rawClient, statusesOf } from '../../../../support/raw.ts';

interface Scene {
  readonly upstream: RawUpstream;
  readonly plane: TestPlane;
  /** A client of 127.0.0.1, which is trusted, or of another loopback address, which is not. */
  readonly client: (address?: string) => RawClient;
}

async function scene(t: TestContext, sketch: Partial<PlaneSketch> = {}): Promise<Scene> {
  const upstream = await answeringOf(t);
  const plane = await planeOf(t, {
    ...oneVersion(upstream.port),
    proxyProtocol: 'required',
    trustedProxies: ['127.0.0.1'],
    ...sketch,
  });
  const client = (address?: string): RawClient => {
    const one = rawClient(plane.port, address);
    t.after(() => one.socket.destroy());
    return one;
  };
  return { upstream, plane, client };
}

const answered = (text: string): boolean => text.endsWith('ok');

describe('a connection that begins with a header', () => {
  for (const [name, header] of [
    ['version 1', Buffer.from(LINE)],
    ['version 2', headerOf()],
    ['version 2 with a checksum', checkedHeaderOf({ fields: [[0xe0, [1, 2, 3]]] })],
  ] as const) {
    it(`is that of the client whom it names, request after request: ${name}`, async (t) => {
      const { upstream, plane, client } = await scene(t);
      const one = client();
      one.send(Buffer.concat([header, Buffer.from(GET)]));
      assert.deepEqual(statusesOf(await one.until(answered)), [200]);
      assert.equal(await askedOn(one, GET), 200);
      const heads = (upstream.received[0] as string).split('\r\n\r\n');
      for (const head of heads.slice(0, 2)) {
        assert.match(head, /\r\nX-Forwarded-For: 203\.0\.113\.9\r\n/);
        assert.match(head, /\r\nForwarded: for=203\.0\.113\.9;proto=http\r\n/);
        assert.match(head, /\r\nX-Forwarded-Port: 443\r\n/);
      }
      assert.deepEqual(headersOf(plane), { [header[0] === 0x50 ? 'v1' : 'v2']: 1 });
    });

    it(`loses nothing, however it is cut: ${name}`, async (t) => {
      const { plane, client } = await scene(t);
      const bytes = Buffer.concat([header, Buffer.from(GET)]);
      // Every place within the header and just behind it, some of them in one connection.
      for (let from = 1; from <= header.length + 3; from += 9) {
        const one = client();
        let sent = 0;
        for (let cut = from; cut < Math.min(from + 9, bytes.length); cut++) {
          one.send(bytes.subarray(sent, cut));
          sent = cut;
          await new Promise((resolve) => setImmediate(resolve));
        }
        one.send(bytes.subarray(sent));
        assert.deepEqual(statusesOf(await one.until(answered)), [200], `from ${from}`);
      }
      assert.equal(headersOf(plane)['malformed'], undefined);
    });
  }

  it('is counted by the client’s address, and kept apart from others of the same balancer', async (t) => {
    const limit = { name: 'two', requests: 2, perMs: 60_000, burst: 2, by: 'address', scope: 'gateway' } as const;
    const upstream = await answeringOf(t);
    const routes = [{ versions: [{ name: 'v1', ports: [upstream.port], weight: 1 }], rateLimits: [limit] }];
    const { client } = await scene(t, { routes });
    const askAs = async (address: string): Promise<number> => {
      const one = client();
      one.send(`PROXY TCP4 ${address} 198.51.100.7 40000 80\r\n${GET}`);
      return statusesOf(await one.until((text) => text.includes('\r\n\r\n')))[0] as number;
    };
    assert.deepEqual([await askAs('203.0.113.9'), await askAs('203.0.113.9')], [200, 200]);
    assert.equal(await askAs('203.0.113.9'), 429);
    assert.equal(await askAs('203.0.113.10'), 200);
  });
});

describe('a connection that begins otherwise', () => {
  it('is closed without a word where its peer is not trusted, whatever it begins with', async (t) => {
    const { upstream, plane, client } = await scene(t);
    for (const bytes of [GET, LINE + GET]) {
      const one = client('127.0.0.2');
      one.send(bytes);
      assert.equal(await one.closed(), '');
    }
    assert.deepEqual(headersOf(plane), { untrusted: 2 });
    assert.equal(reasonCount(plane, GATEWAY_CELL, REASON.proxyHeader), 2);
    assert.equal(upstream.sockets.length, 0);
  });

  it('is closed without a word where it is no header', async (t) => {
    const { upstream, plane, client } = await scene(t);
    for (const bytes of [
      GET,
      '\x16\x03\x01\x02\x00\x01\x00\x01\xfc',
      'PROXY TCP4 1.2.3.4\r\n',
      '\r\n\r\n\0\r\nQUIT\r',
    ]) {
      const one = client();
      one.send(bytes);
      assert.equal(await one.closed(), '');
    }
    assert.deepEqual(headersOf(plane), { malformed: 4 });
    assert.equal(upstream.sockets.length, 0);
  });

  it('is closed when the header does not come in time', async (t) => {
    const { plane, client } = await scene(t, { timeouts: { headMs: 50 } });
    const [silent, slow] = [client(), client()];
    slow.send('PROXY TCP4 ');
    assert.deepEqual([await silent.closed(), await slow.closed()], ['', '']);
    assert.deepEqual(headersOf(plane), { timed_out: 2 });
  });

  it('is no fault where the peer only looks whether somebody listens', async (t) => {
    const { plane } = await scene(t);
    for (const bytes of ['', 'PROXY']) {
      const socket = connect(plane.port, '127.0.0.1');
      socket.end(bytes);
      await closedSocket(socket.resume());
    }
    await eventually(() => headersOf(plane)['gone'] === 2, 'both are counted');
    assert.deepEqual(headersOf(plane), { gone: 2 });
    assert.equal(reasonCount(plane, GATEWAY_CELL, REASON.proxyHeader), 0);
  });
});

describe('a listener that takes headers of trusted peers', () => {
  it('serves others as themselves, and takes their header for the request that it is not', async (t) => {
    const { upstream, plane, client } = await scene(t, { proxyProtocol: 'trusted' });
    const stranger = client('127.0.0.2');
    stranger.send(getOf('/', 'X-Forwarded-For: 6.6.6.6\r\n'));
    assert.deepEqual(statusesOf(await stranger.until(answered)), [200]);
    assert.match(upstream.received[0] as string, /\r\nX-Forwarded-For: 127\.0\.0\.2\r\n/);
    const forger = client('127.0.0.2');
    forger.send(LINE + GET);
    assert.deepEqual(statusesOf(await forger.closed()), [400]);
    const one = client();
    one.send(GET);
    assert.equal(await one.closed(), '');
    assert.deepEqual(headersOf(plane), { malformed: 1 });
  });
});

describe('the limits of connections', () => {
  it('count those whose header is still to come, and a worker that ends closes them', async (t) => {
    const { plane, client } = await scene(t, { limits: { connectionsMax: 2 } });
    const [first, second] = [client(), client()];
    for (const one of [first, second]) one.send('PROXY ');
    await eventually(() => plane.plane.listener.waiting === 2, 'two are being read');
    assert.equal(await client().closed(), '');
    first.send(LINE.slice(6) + GET);
    assert.deepEqual(statusesOf(await first.until(answered)), [200]);
    plane.plane.listener.destroy();
    assert.equal(await second.closed(), '');
    assert.equal(headersOf(plane)['gone'], 1);
  });

  it('a drain waits for the request behind a header that is under way', async (t) => {
    const { plane, client } = await scene(t);
    const one = client();
    one.send('PROXY ');
    await eventually(() => plane.plane.listener.waiting === 1, 'it is being read');
    const drained = plane.plane.listener.drain();
    one.send(LINE.slice(6) + GET);
    assert.match(await one.closed(), /\r\nConnection: close\r\n/);
    await drained;
  });
});

describe('a listener with TLS that takes headers', () => {
  it('does the handshake behind the header, whatever the packets are', async (t) => {
    const authority = authorityOf(t);
    const door = doorOf({ certificates: filesOf(authority.issue('a', { names: 'DNS:a.example' })) });
    const { upstream, plane } = await scene(t, { tls: materialOf(door) });
    for (const [nth, header] of [Buffer.from(LINE), headerOf(), checkedHeaderOf()].entries()) {
      const raw = connect({ port: plane.port, host: '127.0.0.1', noDelay: true });
      t.after(() => raw.destroy());
      // In one packet with the first bytes of the handshake: what is corked leaves at once.
      raw.cork();
      raw.write(header);
      const secure = connectTls({ socket: raw, servername: 'a.example', ca: authority.pem });
      t.after(() => secure.destroy());
      setImmediate(() => raw.uncork());
      await new Promise((resolve, reject) => void secure.once('secureConnect', resolve).once('error', reject));
      let text = '';
      secure.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
      for (const served of [1, 2]) {
        secure.write('GET / HTTP/1.1\r\nHost: a.example\r\n\r\n');
        await eventually(() => statusesOf(text).length === served && answered(text), 'it is answered');
      }
      const head = upstream.received.join('').split('\r\n\r\n')[2 * nth] as string;
      assert.match(head, /\r\nX-Forwarded-For: 203\.0\.113\.9\r\n/);
      assert.match(head, /\r\nX-Forwarded-Proto: https\r\n/);
      secure.destroy();
    }
    assert.deepEqual(handshakesOf(plane), { full: 3 });
  });

  it('survives clients that leave within the handshake', async (t) => {
    const authority = authorityOf(t);
    const door = doorOf({ certificates: filesOf(authority.issue('a', { names: 'DNS:a.example' })) });
    const { plane } = await scene(t, { tls: materialOf(door) });
    for (const end of ['end', 'resetAndDestroy', 'destroy'] as const) {
      const raw = connect({ port: plane.port, host: '127.0.0.1' });
      raw.on('error', () => undefined);
      await once(raw, 'connect');
      raw.write(LINE + (end === 'end' ? '\x16\x03\x01\x00\x05' : 'GET / HTTP/1.1\r\n\r\n'));
      raw[end]();
    }
    const counted = (): number => Object.values(headersOf(plane)).reduce((sum, count) => sum + count, 0);
    await eventually(() => counted() === 3 && plane.plane.listener.waiting === 0, 'all ended');
    assert.equal(handshakesOf(plane)['full'], undefined);
  });
});

describe('the access log', () => {
  it('has a few lines of refused connections a second, with the address of who made them', () => {
    const told: string[] = [];
    const counted: number[] = [];
    const lane = {
      recorder: { countedHere: (word: number) => void counted.push(word), refused: () => undefined },
      accessLog: { refusedConnection: (_reason: number, client: string) => void told.push(client) },
    } as unknown as ReceptionLane;
    const reception = new Reception(lane);
    let isClosed = 0;
    const handle = { close: () => void isClosed++ } as unknown as Handle;
    beginTurn();
    for (let n = 0; n < 15; n++) reception.refuse(handle, { address: '192.0.2.1', sourcePort: 40_000 });
    assert.deepEqual([isClosed, counted.length], [15, 15]);
    // One that was reset before it was accepted has no address any more.
    reception.refuse(handle, { address: '0.0.0.0', sourcePort: 0 });
    assert.equal(counted.at(-1), CELL.proxyHeaders + PROXY_HEADER.gone);
    assert.deepEqual(
      told,
      Array.from({ length: 10 }, () => '192.0.2.1'),
    );
  });
});
