/** TLS towards endpoints: whom the gateway believes, whom it shows what, and which sessions it resumes. */

import assert from 'node:assert/strict';
import { createServer as createHttps, type ServerOptions } from 'node:https';
import { describe, it, type TestContext } from 'node:test';
import type { TLSSocket } from 'node:tls';
import type { UpstreamMaterial } from '#src/model/threads/tls.ts';
import { type Authority, authorityOf, type Wanted } from '../../../../support/http/certificates.ts';
import { listenLoopback, type TestPlane } from '../../../../support/plane.ts';
import { planeOf } from '../../../../support/proxy/running.ts';
import { sendAndClose } from '../../../../support/raw.ts';

const MATERIAL: UpstreamMaterial = { ca: null, cert: null, key: null, minVersion: 'TLSv1.2', isInsecure: false };

interface Upstream {
  readonly port: number;
  readonly sockets: TLSSocket[];
  /** Of each connection: was a session resumed? */
  readonly resumed: boolean[];
}

async function upstreamOf(
  t: TestContext,
  authority: Authority,
  wanted: Wanted,
  options: ServerOptions = {},
): Promise<Upstream> {
  const sockets: TLSSocket[] = [];
  const resumed: boolean[] = [];
  const server = createHttps({ ...authority.issue('upstream', wanted).pem, ...options }, (_incoming, outgoing) => {
    outgoing.setHeader('connection', 'close');
    outgoing.end('ok');
  });
  server.on('secureConnection', (socket: TLSSocket) => {
    sockets.push(socket);
    resumed.push(socket.isSessionReused());
  });
  t.after(() => server.close());
  return { port: await listenLoopback(server), sockets, resumed };
}

async function gateway(
  t: TestContext,
  { port }: Upstream,
  material: UpstreamMaterial | null,
  serverName: string | null = null,
) {
  const versions = [{ name: 'v1', ports: [port], weight: 1, tls: { key: 'k', serverName } }];
  const tls = { doors: ['plain' as const], upstreams: new Map([['k', material]]) };
  return planeOf(t, { routes: [{ versions, retry: { retriesMax: 0 } }], tls });
}

async function ask({ port }: TestPlane): Promise<string> {
  const answer = await sendAndClose(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  return `${/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]} ${/^proxy-status: (.*)$/im.exec(answer)?.[1] ?? ''}`.trim();
}

describe('an endpoint with TLS', () => {
  it('is believed when its certificate is signed by the issuer and for its address', async (t) => {
    const authority = authorityOf(t);
    const upstream = await upstreamOf(t, authority, { names: 'IP:127.0.0.1' });
    assert.equal(await ask(await gateway(t, upstream, { ...MATERIAL, ca: authority.pem })), '200');
  });

  it('is not believed with another issuer, another name, or no files to go by', async (t) => {
    const authority = authorityOf(t);
    const upstream = await upstreamOf(t, authority, { names: 'DNS:other.example' });
    const ca = authority.pem;
    for (const material of [{ ...MATERIAL, ca }, { ...MATERIAL, ca: authorityOf(t).pem }, MATERIAL, null]) {
      const answer = await ask(await gateway(t, upstream, material));
      assert.match(answer, /^502 .*error=tls_protocol_error/, JSON.stringify(material?.ca?.length));
    }
    assert.equal(await ask(await gateway(t, upstream, { ...MATERIAL, ca }, 'other.example')), '200');
  });

  it('is believed whoever it is with insecure: true', async (t) => {
    const upstream = await upstreamOf(t, authorityOf(t), { names: 'DNS:other.example' });
    assert.equal(await ask(await gateway(t, upstream, { ...MATERIAL, isInsecure: true })), '200');
  });

  it('is asked for by name, and shown a certificate where there is one', async (t) => {
    const authority = authorityOf(t);
    const options = { requestCert: true, rejectUnauthorized: true, ca: authority.pem };
    const upstream = await upstreamOf(t, authority, { names: 'DNS:up.example' }, options);
    const { cert, key } = authority.issue('own', { names: 'DNS:gateway.example' }).pem;
    const ca = authority.pem;
    assert.equal(await ask(await gateway(t, upstream, { ...MATERIAL, ca, cert, key }, 'up.example')), '200');
    assert.equal((upstream.sockets[0] as TLSSocket & { servername: string }).servername, 'up.example');
    assert.match(await ask(await gateway(t, upstream, { ...MATERIAL, ca }, 'up.example')), /^502/);
  });

  it('resumes a session, and not under other files', async (t) => {
    const authority = authorityOf(t);
    const upstream = await upstreamOf(t, authority, { names: 'IP:127.0.0.1' });
    const plane = await gateway(t, upstream, { ...MATERIAL, ca: authority.pem });
    const reused = async (): Promise<boolean> => {
      const count = upstream.resumed.length;
      assert.equal(await ask(plane), '200');
      return upstream.resumed[count] === true;
    };
    assert.equal(await reused(), false);
    assert.equal(await reused(), true);
    const other = { ...MATERIAL, ca: `${authority.pem}\n${authorityOf(t).pem}` };
    plane.plane.secure({ doors: ['plain'], upstreams: new Map([['k', other]]) });
    assert.equal(await reused(), false);
    plane.plane.secure({ doors: ['plain'], upstreams: new Map([['k', { ...MATERIAL, ca: authorityOf(t).pem }]]) });
    assert.match(await ask(plane), /^502/);
  });

  it('is believed as before by requests of a configuration that is no more', async (t) => {
    const authority = authorityOf(t);
    const upstream = await upstreamOf(t, authority, { names: 'IP:127.0.0.1' });
    const plane = await gateway(t, upstream, { ...MATERIAL, ca: authority.pem });
    plane.plane.secure({ doors: ['plain'], upstreams: new Map() });
    assert.equal(await ask(plane), '200');
    plane.plane.secure({ doors: ['plain'], upstreams: new Map([['k', null]]) });
    assert.match(await ask(plane), /^502/, 'not where its files cannot be used');
  });

  it('does not speak less than the version that is asked for', async (t) => {
    const authority = authorityOf(t);
    const upstream = await upstreamOf(t, authority, { names: 'IP:127.0.0.1' }, { maxVersion: 'TLSv1.2' });
    const plane = await gateway(t, upstream, { ...MATERIAL, ca: authority.pem, minVersion: 'TLSv1.3' });
    assert.match(await ask(plane), /^502 .*tls_protocol_error/);
  });
});
