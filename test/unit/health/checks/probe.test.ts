/** One check against real sockets: what passes, what fails, and that nothing is left behind. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { createServer as createSecure } from 'node:tls';
import { type ProbeTarget, startProbe } from '#src/health/checks/probe.ts';
import { FOR_NOBODY } from '#src/model/threads/proxied.ts';
import { authorityOf } from '../../../support/http/certificates.ts';
import { listenLoopback } from '../../../support/plane.ts';
import { closedSocket, eventually, refusedPortOf } from '../../../support/proxy/running.ts';

interface Upstream {
  readonly port: number;
  /** What each connection sent so far. */
  readonly received: string[];
  readonly sockets: Socket[];
}

/** Answers every head with `answer`, in full; null = never. */
async function upstreamOf(t: TestContext, answer: string | null): Promise<Upstream> {
  const received: string[] = [];
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    const nth = sockets.push(socket) - 1;
    received.push('');
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes: Buffer) => {
      received[nth] += bytes.toString();
      if (answer !== null && received[nth]?.includes('\r\n\r\n')) socket.write(answer);
    });
  });
  const port = await listenLoopback(server);
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port, received, sockets };
}

function target(port: number, change: Partial<ProbeTarget> = {}): ProbeTarget {
  return { host: '127.0.0.1', port, path: '/health?deep=1', hostHeader: null, timeoutMs: 5000, ...change };
}

function withStatus(status: number): string {
  return `HTTP/1.1 ${status} Word\r\nContent-Length: 0\r\n\r\n`;
}

/** An upstream with a certificate for these names; `asked` has the name that each connection asked for. */
async function secureOf(t: TestContext, names: string) {
  const authority = authorityOf(t);
  const asked: unknown[] = [];
  const { pem } = authority.issue('upstream', { names });
  const server = createSecure({ ...pem }, (socket) => {
    asked.push((socket as { readonly servername?: unknown }).servername);
    socket.on('error', () => socket.destroy());
    socket.on('data', () => socket.end(withStatus(200)));
  });
  const port = await listenLoopback(server);
  t.after(() => server.close());
  const material = { ca: authority.pem, cert: null, key: null, minVersion: 'TLSv1.2', isInsecure: false } as const;
  return { port, material, asked };
}

describe('a check', () => {
  for (const status of [200, 204, 301, 399]) {
    it(`passes with ${status}`, async (t) => {
      const { port } = await upstreamOf(t, withStatus(status));
      assert.equal(await startProbe(target(port)).result, null);
    });
  }

  for (const status of [400, 404, 500, 503]) {
    it(`fails with ${status}`, async (t) => {
      const { port } = await upstreamOf(t, withStatus(status));
      assert.equal(await startProbe(target(port)).result, `status ${status}`);
    });
  }

  it('goes by the final response, not by an interim one', async (t) => {
    const { port } = await upstreamOf(t, `HTTP/1.1 103 Early Hints\r\n\r\n${withStatus(503)}`);
    assert.equal(await startProbe(target(port)).result, 'status 503');
  });

  it('is a GET of its path, to the address or to the host it is given, on a connection that is not kept', async (t) => {
    const { port, received } = await upstreamOf(t, withStatus(200));
    await startProbe(target(port)).result;
    await startProbe(target(port, { hostHeader: 'shop.example.com' })).result;
    assert.equal(received.length, 2);
    assert.match(received[0] ?? '', /^GET \/health\?deep=1 HTTP\/1\.1\r\n/);
    assert.match(received[0] ?? '', new RegExp(`\r\nhost: 127\\.0\\.0\\.1:${port}\r\n`, 'i'));
    assert.match(received[0] ?? '', /\r\nconnection: close\r\n/i);
    assert.match(received[1] ?? '', /\r\nhost: shop\.example\.com\r\n/i);
  });

  it('of an endpoint with TLS goes by its name or the one that is configured, whatever host it is for', async (t) => {
    const { port, material, asked } = await secureOf(t, 'IP:127.0.0.1,DNS:up.example');
    const check = (serverName: string | null, hostHeader: string | null) => {
      return startProbe(target(port, { hostHeader, tls: { key: 'k', serverName } }), () => material).result;
    };
    assert.equal(await check(null, null), null);
    assert.equal(await check(null, 'shop.example'), null);
    assert.equal(await check('up.example', 'shop.example'), null);
    assert.deepEqual(asked, [false, false, 'up.example']);
    assert.equal(await check('other.example', 'up.example'), 'ERR_TLS_CERT_ALTNAME_INVALID');
  });

  it('of an endpoint known by an address compares that with the certificate, and asks for no name', async (t) => {
    const { port, material, asked } = await secureOf(t, 'IP:10.0.0.1');
    const check = (serverName: string | null, host = '127.0.0.1') => {
      return startProbe(target(port, { host, tls: { key: 'k', serverName } }), () => material).result;
    };
    assert.deepEqual([await check('10.0.0.1'), await check('10.0.0.1', 'localhost')], [null, null]);
    assert.deepEqual(asked, [false, false]);
    for (const other of [null, '10.0.0.2', '::1', '2001:db8::1']) {
      assert.equal(await check(other), 'ERR_TLS_CERT_ALTNAME_INVALID', String(other));
    }
  });

  it('does not wait for a body, and closes its connection', async (t) => {
    const { port, sockets } = await upstreamOf(t, 'HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\nbegin');
    assert.equal(await startProbe(target(port)).result, null);
    await closedSocket(sockets[0] as Socket);
  });

  it('fails when nobody listens, with the system’s word', async (t) => {
    assert.equal(await startProbe(target(await refusedPortOf(t))).result, 'ECONNREFUSED');
  });

  it('fails when there is no answer in time, and closes its connection', async (t) => {
    const { port, sockets } = await upstreamOf(t, null);
    assert.equal(await startProbe(target(port, { timeoutMs: 60 })).result, 'no answer in 60 ms');
    await eventually(() => sockets.length === 1, 'it was connected');
    await closedSocket(sockets[0] as Socket);
  });

  it('fails when the answer is not HTTP, ends early or is too large a head', async (t) => {
    const garbage = await upstreamOf(t, 'SSH-2.0-OpenSSH_9.2\r\n\r\n');
    assert.match((await startProbe(target(garbage.port)).result) ?? '', /HTTP\/1\.1 protocol/);
    const large = await upstreamOf(t, `HTTP/1.1 200 OK\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`);
    assert.match((await startProbe(target(large.port)).result) ?? '', /HEADERS_OVERFLOW|HPE_/);
    const server = createServer((socket) => socket.end());
    const port = await listenLoopback(server);
    t.after(() => server.close());
    assert.notEqual(await startProbe(target(port)).result, null);
  });

  it('that is cancelled has failed, and closes its connection', async (t) => {
    const { port, sockets, received } = await upstreamOf(t, null);
    const probe = startProbe(target(port));
    await eventually(() => (received[0] ?? '') !== '', 'the request arrives');
    probe.cancel();
    probe.cancel();
    assert.equal(await probe.result, 'cancelled');
    await closedSocket(sockets[0] as Socket);
  });

  it('whose path the client refuses has failed, and so does not end the process', async (t) => {
    const { port } = await upstreamOf(t, withStatus(200));
    assert.match((await startProbe(target(port, { path: 'no slash' })).result) ?? '', /UND_ERR_INVALID_ARG/);
  });

  it('can be made over IPv6', async (t) => {
    const server = createServer((socket) => socket.end(withStatus(200)));
    const isListening = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(0, '::1', () => resolve(true));
    });
    if (!isListening) {
      t.skip('this machine has no IPv6 loopback');
      return;
    }
    t.after(() => server.close());
    const { port } = server.address() as { port: number };
    assert.equal(await startProbe(target(port, { host: '::1' })).result, null);
  });
});

describe('a check of an endpoint that is told who the client is', () => {
  for (const version of [1, 2] as const) {
    it(`says first that it is for nobody: version ${version}`, async (t) => {
      const { port, received } = await upstreamOf(t, withStatus(200));
      assert.equal(await startProbe(target(port, { proxyProtocol: version })).result, null);
      assert.ok(received[0]?.startsWith(`${FOR_NOBODY[version]}GET /health?deep=1 HTTP/1.1\r\n`), String(received[0]));
    });
  }

  it('does so before TLS', async (t) => {
    const authority = authorityOf(t);
    const { cert, key } = authority.issue('a', { names: 'IP:127.0.0.1' });
    const files = { cert: readFileSync(cert), key: readFileSync(key) };
    const secured = createSecure(files, (socket) => {
      socket.on('error', () => socket.destroy());
      socket.once('data', () => socket.end(withStatus(200)));
    });
    let first = '';
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.once('data', (bytes: Buffer) => {
        socket.pause();
        first = bytes.subarray(0, FOR_NOBODY[2].length).toString('latin1');
        socket.unshift(bytes.subarray(FOR_NOBODY[2].length));
        secured.emit('connection', socket);
      });
    });
    const port = await listenLoopback(server);
    t.after(() => void server.close());
    const tls = { key: 'a', serverName: null };
    const material = { ca: authority.pem, cert: null, key: null, minVersion: 'TLSv1.2', isInsecure: false } as const;
    assert.equal(await startProbe(target(port, { proxyProtocol: 2, tls }), () => material).result, null);
    assert.equal(first, FOR_NOBODY[2]);
  });

  it('fails where TLS cannot begin, and closes its connection', async (t) => {
    const { port, sockets } = await upstreamOf(t, null);
    const tls = { key: 'a', serverName: null };
    const material = { ca: null, cert: 'none', key: 'none', minVersion: 'TLSv1.2', isInsecure: false } as const;
    assert.match((await startProbe(target(port, { proxyProtocol: 1, tls }), () => material).result) ?? '', /^ERR_/);
    await eventually(() => sockets.length === 1, 'it was connected');
    await closedSocket(sockets[0] as Socket);
  });

  it('leaves no connection behind that is still being made, nor one that waits', async (t) => {
    const { port, sockets } = await upstreamOf(t, null);
    const probe = startProbe(target(port, { proxyProtocol: 1, timeoutMs: 50 }));
    assert.equal(await probe.result, 'no answer in 50 ms');
    await eventually(() => sockets.length === 1, 'it was connected');
    await closedSocket(sockets[0] as Socket);
    const cancelled = startProbe(target(port, { proxyProtocol: 1 }));
    cancelled.cancel();
    assert.equal(await cancelled.result, 'cancelled');
    const gone = await refusedPortOf(t);
    assert.equal(await startProbe(target(gone, { proxyProtocol: 1 })).result, 'ECONNREFUSED');
  });
});
