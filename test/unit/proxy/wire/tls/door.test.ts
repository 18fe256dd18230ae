/** The way into a listener with TLS: handshakes, certificates, sessions. */

import assert from 'node:assert/strict';
import { connect as connectTcp } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { HANDSHAKE, type ListenerTls } from '#src/model/threads/tls.ts';
import { resultOf } from '#src/proxy/wire/tls/door.ts';
import { type Authority, authorityOf } from '../../../../support/http/certificates.ts';
import {
  doorOf,
  filesOf,
  handshakesOf,
  materialOf,
  type SecureClient,
  secureClient,
} from '../../../../support/http/secured.ts';
import type { TestPlane } from '../../../../support/plane.ts';
import { answeringOf, eventually, oneVersion, planeOf } from '../../../../support/proxy/running.ts';
import { statusesOf } from '../../../../support/raw.ts';
import { WAITS } from '../../../../support/runner/depth.ts';

const getOf = (host: string): string => `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`;

interface Scene {
  readonly authority: Authority;
  readonly plane: TestPlane;
  readonly client: (options?: Parameters<typeof secureClient>[2]) => Promise<SecureClient>;
}

async function scene(
  t: TestContext,
  change: (authority: Authority) => Partial<ListenerTls> = () => ({}),
): Promise<Scene> {
  const authority = authorityOf(t);
  const [a, b] = [authority.issue('a', { names: 'DNS:a.example' }), authority.issue('b', { names: 'DNS:*.b.example' })];
  const upstream = await answeringOf(t);
  const door = doorOf({ certificates: filesOf(a, b), ...change(authority) });
  const plane = await planeOf(t, { ...oneVersion(upstream.port), tls: materialOf(door) });
  return {
    authority,
    plane,
    client: (options = {}) => secureClient(t, plane.port, { servername: 'a.example', ca: authority.pem, ...options }),
  };
}

function shown({ socket }: SecureClient): string {
  return socket.getPeerX509Certificate()?.subjectAltName ?? '';
}

describe('a listener with TLS', () => {
  it('speaks HTTP/1.1 over TLS 1.2 and 1.3, and says so by ALPN', async (t) => {
    const { client } = await scene(t);
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const one = await client({ maxVersion, ALPNProtocols: ['h2', 'http/1.1'] });
      assert.equal(one.socket.getProtocol(), maxVersion);
      assert.equal(one.socket.alpnProtocol, 'http/1.1');
      assert.ok(one.socket.authorized);
      for (const _ of [1, 2]) assert.deepEqual(statusesOf(await one.ask(getOf('a.example'))), [200]);
    }
  });

  it('refuses a client with which no protocol can be agreed on', async (t) => {
    const { client, plane } = await scene(t);
    await assert.rejects(client({ ALPNProtocols: ['smtp'] }), /no application protocol/i);
    assert.equal(handshakesOf(plane)['failed'], 1);
  });

  it('shows each host its certificate, and the first one to others', async (t) => {
    const { client } = await scene(t);
    for (const [servername, names] of [
      ['x.b.example', 'DNS:*.b.example'],
      ['a.example', 'DNS:a.example'],
      ['other.example', 'DNS:a.example'],
    ] as const) {
      assert.equal(shown(await client({ servername })), names);
    }
  });

  it('shows others nothing when told so', async (t) => {
    const { client, plane } = await scene(t, () => ({ unknownHost: 'refuse' }));
    assert.equal(shown(await client({ servername: 'x.b.example' })), 'DNS:*.b.example');
    await assert.rejects(client({ servername: 'other.example' }));
    const { socket, closed } = await client({ servername: '' });
    await closed;
    assert.ok(socket.destroyed);
    assert.equal(handshakesOf(plane)['refused_host'], 2);
  });

  it('resumes sessions of another worker that has the same keys, and of no other', async (t) => {
    const authority = authorityOf(t);
    const certificates = filesOf(authority.issue('a', { names: 'DNS:a.example' }));
    const upstream = await answeringOf(t);
    const keys = new Uint8Array(48).fill(7);
    const start = (ticketKeys: Uint8Array): Promise<TestPlane> => {
      return planeOf(t, { ...oneVersion(upstream.port), tls: materialOf(doorOf({ certificates }, { ticketKeys })) });
    };
    const [one, two, other] = [await start(keys), await start(keys), await start(new Uint8Array(48).fill(8))];
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const first = await secureClient(t, one.port, { servername: 'a.example', maxVersion });
      const session = new Promise<Buffer>((resolve) => first.socket.once('session', resolve));
      await first.ask(getOf('a.example'));
      const known = maxVersion === 'TLSv1.2' ? (first.socket.getSession() as Buffer) : await session;
      const again = (port: number) => secureClient(t, port, { servername: 'a.example', maxVersion, session: known });
      assert.ok((await again(two.port)).socket.isSessionReused(), maxVersion);
      assert.ok(!(await again(other.port)).socket.isSessionReused(), maxVersion);
    }
    await eventually(() => handshakesOf(two)['resumed'] === 2, 'both are counted');
    assert.deepEqual(handshakesOf(two), { resumed: 2 });
    await eventually(() => handshakesOf(other)['full'] === 2, 'both are counted');
    assert.deepEqual(handshakesOf(other), { full: 2 });
  });

  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`resumes sessions of every host, with the client’s certificate (${maxVersion})`, async (t) => {
      const { authority, client, plane } = await scene(t, ({ ca }) => {
        return { unknownHost: 'refuse', clientAuth: { mode: 'required', ca } };
      });
      const { pem } = authority.issue('client', { names: 'URI:spiffe://example/web' });
      const options = { servername: 'x.b.example', maxVersion, ...pem };
      const first = await client(options);
      const session = new Promise<Buffer>((resolve) => first.socket.once('session', resolve));
      await first.ask(getOf('x.b.example'));
      const known = maxVersion === 'TLSv1.2' ? (first.socket.getSession() as Buffer) : await session;
      const again = await client({ ...options, session: known });
      assert.ok(again.socket.isSessionReused());
      assert.deepEqual(statusesOf(await again.ask(getOf('x.b.example'))), [200]);
      assert.deepEqual(statusesOf(await again.ask(getOf('a.example'))), [421]);
      await eventually(() => handshakesOf(plane)['resumed'] === 1, 'counted');
    });
  }

  it('takes other certificates without ending a connection or a handshake', async (t) => {
    const { authority, client, plane } = await scene(t);
    const before = await client();
    const begun = connectTcp(plane.port, '127.0.0.1');
    t.after(() => begun.destroy());
    await new Promise((resolve) => begun.once('connect', resolve));
    const fresh = filesOf(authority.issue('fresh', { names: 'DNS:a.example', subject: 'fresh' }));
    plane.plane.secure(materialOf(doorOf({ certificates: fresh })));
    assert.match((await client()).socket.getPeerCertificate().subject.CN as string, /fresh/);
    assert.deepEqual(statusesOf(await before.ask(getOf('a.example'))), [200]);
    const late = await secureClient(t, 0, { socket: begun, servername: 'a.example' });
    assert.deepEqual(statusesOf(await late.ask(getOf('a.example'))), [200]);
  });

  it('is shut while there is nothing to speak it with', async (t) => {
    const { client, plane } = await scene(t);
    plane.plane.secure(materialOf('shut'));
    await assert.rejects(client());
    assert.equal(handshakesOf(plane)['shut'], 1);
  });

  it('staples the response that it was given for a certificate', async (t) => {
    let response: Buffer = Buffer.alloc(0);
    const { client } = await scene(t, (authority) => {
      const issued = authority.issue('stapled', { names: 'DNS:a.example' });
      const { cert, key } = issued;
      response = authority.respond(issued);
      return { certificates: [{ cert, key, ocsp: authority.write('ocsp', response) }] };
    });
    const staple = Promise.withResolvers<Buffer>();
    await client({ requestOCSP: true, listening: (socket) => socket.once('OCSPResponse', staple.resolve) });
    assert.deepEqual(Buffer.from(await staple.promise), response);
  });

  it('gives up a handshake that takes too long, and begins no more than so many', WAITS, async (t) => {
    const { plane } = await scene(t, () => ({ handshakeMs: 1000, handshakesMax: 2 }));
    const silent = [1, 2, 3].map(() => connectTcp(plane.port, '127.0.0.1').on('error', () => undefined));
    t.after(() => silent.forEach((socket) => socket.destroy()));
    await Promise.all(silent.map((socket) => new Promise<void>((done) => socket.once('close', () => done()).resume())));
    assert.deepEqual(handshakesOf(plane), { timed_out: 2, refused_many: 1 });
  });

  it('ends handshakes under way with the plane', async (t) => {
    const { plane } = await scene(t);
    const silent = connectTcp(plane.port, '127.0.0.1');
    const closed = new Promise<void>((resolve) => silent.once('close', () => resolve()).resume());
    await new Promise((resolve) => silent.once('connect', resolve));
    await eventually(() => plane.plane.listener.connections === 0, 'accepted');
    plane.close();
    await closed;
  });
});

it('what came of a handshake is told by its error', () => {
  const of = (code: string) => resultOf(Object.assign(new Error(code), { code }));
  assert.equal(of('ERR_TLS_HANDSHAKE_TIMEOUT'), HANDSHAKE.timedOut);
  assert.equal(of('ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE'), HANDSHAKE.refusedClient);
  assert.equal(of('ECONNRESET'), HANDSHAKE.failed);
});
