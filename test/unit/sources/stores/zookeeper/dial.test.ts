/** Connections to servers that speak TLS as they should, or do not, and what is said of them. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createServer as createTlsServer, type TlsOptions as ServerOptions, type TLSSocket } from 'node:tls';
import type { TlsOptions } from '#src/sources/stores/client.ts';
import { dial } from '#src/sources/stores/zookeeper/dial.ts';
import { type Authority, authorityOf } from '../../../../support/http/certificates.ts';
import { listenLoopback } from '../../../../support/plane.ts';

/** A server that says `hello` to whoever it lets in, and by which name it was asked for. */
async function startTls(
  t: TestContext,
  authority: Authority,
  names: string,
  more: ServerOptions = {},
): Promise<number> {
  const { pem } = authority.issue('server', { names });
  const server = createTlsServer({ cert: pem.cert, key: pem.key, ...more }, (socket: TLSSocket) => {
    socket.on('error', () => undefined);
    socket.write(`hello ${socket.servername || 'nobody'}`);
  });
  server.on('tlsClientError', () => undefined);
  return listened(t, server);
}

async function listened(t: TestContext, server: Server): Promise<number> {
  const port = await listenLoopback(server);
  t.after(() => server.close());
  return port;
}

/** What the server says first, or why it cannot be spoken to. */
async function said(t: TestContext, port: number, tls: TlsOptions | null, host = '127.0.0.1'): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = dial({ host, port, tls }, { onReady: () => undefined, onFailure: resolve });
  t.after(() => socket.destroy());
  socket.on('data', (chunk: Buffer) => resolve(String(chunk)));
  return promise;
}

test('a server is believed by its address or its name, and asked for by the name', async (t) => {
  const authority = authorityOf(t);
  const { ca } = { ca: authority.pem };
  const named = await startTls(t, authority, 'DNS:localhost,DNS:zk.test,IP:127.0.0.1');
  assert.equal(await said(t, named, { ca }), 'hello nobody');
  assert.equal(await said(t, named, { ca }, 'localhost'), 'hello localhost');
  assert.equal(await said(t, named, { ca, servername: 'zk.test' }), 'hello zk.test');
});

test('a certificate of another authority or name is refused, and it is said what helps', async (t) => {
  const authority = authorityOf(t);
  const port = await startTls(t, authority, 'DNS:zk.test');
  const unknown =
    /^TLS handshake failed: the server’s certificate is of an unknown authority \(\w+\); tls\.ca names its file$/;
  for (const tls of [{}, { ca: authorityOf(t, 'stranger').pem }, { ca: authorityOf(t).pem }]) {
    assert.match(await said(t, port, { ...tls, servername: 'zk.test' }), unknown);
  }
  const other = await said(t, port, { ca: authority.pem });
  assert.match(
    other,
    /^TLS handshake failed: the server’s certificate has another name; tls\.serverName says which it must have: .*127\.0\.0\.1/,
  );
});

test('a server that knows its clients says so, whichever version of TLS it is', async (t) => {
  const authority = authorityOf(t);
  const client = authority.issue('client', { names: 'IP:127.0.0.1' }).pem;
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const more = { requestCert: true, ca: authority.pem, maxVersion };
    const port = await startTls(t, authority, 'IP:127.0.0.1', more);
    assert.equal(await said(t, port, { ca: authority.pem, ...client }), 'hello nobody');
    const refused = await said(t, port, { ca: authority.pem });
    assert.match(
      refused,
      /^TLS handshake failed: the server says .*alert.*: does it know the certificate of tls\.cert\?$/,
    );
  }
});

test('a port without TLS, one where nobody listens, and files that are none are told apart', async (t) => {
  const ending = await listened(
    t,
    createServer((socket) => socket.end()),
  );
  const words = 'TLS handshake failed: the server does not go on with it: is this its secureClientPort?';
  assert.equal(await said(t, ending, {}), words);
  const answering = await listened(
    t,
    createServer((socket) => {
      socket.on('error', () => undefined);
      socket.end('This ZooKeeper instance is not currently serving requests');
    }),
  );
  assert.equal(await said(t, answering, {}), words);
  for (const tls of [null, {}]) {
    for (const host of ['127.0.0.1', 'localhost']) assert.equal(await said(t, 1, tls, host), 'connect ECONNREFUSED');
  }
  const useless = { host: '127.0.0.1', port: 1, tls: { cert: 'none', key: 'none' } };
  const nothing = (): void => undefined;
  assert.throws(
    () => dial(useless, { onReady: nothing, onFailure: nothing }),
    /the files of tls cannot be used: .*PEM/,
  );
});

test('without TLS nothing is said of it, whatever goes wrong', async (t) => {
  const server = createServer((socket) => {
    socket.write('hello');
    socket.once('data', () => socket.resetAndDestroy());
  });
  const port = await listened(t, server);
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = dial({ host: '127.0.0.1', port, tls: null }, { onReady: () => undefined, onFailure: resolve });
  t.after(() => socket.destroy());
  await once(socket, 'data');
  socket.write('x');
  assert.equal(await promise, 'read ECONNRESET');
});
