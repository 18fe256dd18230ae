/** Connects to an endpoint the way it is spoken to. */

import assert from 'node:assert/strict';
import { createServer as createPlain } from 'node:net';
import { performance } from 'node:perf_hooks';
import { describe, it, type TestContext } from 'node:test';
import { createSecureContext, createServer, type SecureContext, type Server } from 'node:tls';
import { beginTurn } from '#src/lib/clock.ts';
import { REASON, type Reason } from '#src/model/reason.ts';
import type { WireHandle } from '#src/proxy/wire/binding.ts';
import { Credentials, EndpointSecurity } from '#src/proxy/wire/tls/credentials.ts';
import { SecureHandle } from '#src/proxy/wire/tls/handle.ts';
import { reach } from '#src/proxy/wire/tls/reach.ts';
import { type Authority, authorityOf } from '../../../../support/http/certificates.ts';
import { listenLoopback } from '../../../../support/plane.ts';
import { refusedPortOf } from '../../../../support/proxy/running.ts';

interface Outcome {
  readonly isSecure: boolean;
  readonly reason: Reason;
  readonly detail: string;
}

function reached(port: number, security: EndpointSecurity | null): Promise<Outcome> {
  return new Promise((resolve) => {
    reach({ port, security }, ['127.0.0.1'], 1000, (handle, reason, detail) => {
      handle?.close();
      resolve({ isSecure: handle instanceof SecureHandle, reason, detail });
    });
  });
}

async function serverOf(t: TestContext, authority: Authority): Promise<number> {
  const { pem } = authority.issue('server', { names: 'IP:127.0.0.1' });
  const server: Server = createServer(pem, (socket) => socket.on('error', () => undefined));
  t.after(() => server.close());
  return listenLoopback(server);
}

function securityOf(ca: string, serverName: string | null = null): EndpointSecurity {
  const credentials = new Credentials();
  const material = { ca, cert: null, key: null, minVersion: 'TLSv1.2', isInsecure: false } as const;
  credentials.learn(new Map([['k', material]]));
  return new EndpointSecurity({ key: 'k', serverName }, '127.0.0.1', credentials);
}

describe('an endpoint', () => {
  it('is reached with a handshake where it has TLS, and without one where it has none', async (t) => {
    const authority = authorityOf(t);
    const port = await serverOf(t, authority);
    assert.deepEqual(await reached(port, securityOf(authority.pem)), {
      isSecure: true,
      reason: REASON.none,
      detail: '',
    });
    assert.deepEqual(await reached(port, null), { isSecure: false, reason: REASON.none, detail: '' });
  });

  it('that nobody is at is a refused connection, and one without TLS a failed handshake', async (t) => {
    const authority = authorityOf(t);
    const plain = createPlain((socket) =>
      socket
        .on('error', () => undefined)
        .resume()
        .end('no TLS here'),
    );
    t.after(() => plain.close());
    const security = securityOf(authority.pem);
    const { reason, detail } = await reached(await listenLoopback(plain), security);
    assert.equal(reason, REASON.tlsFailed);
    assert.match(detail, /in the TLS handshake$/);
    assert.equal((await reached(await refusedPortOf(t), security)).reason, REASON.connectRefused);
  });

  it('says how much of a time was its handshake, while that goes on and behind it', async (t) => {
    const authority = authorityOf(t);
    const { pem } = authority.issue('server', { names: 'DNS:server.example' });
    const asked = Promise.withResolvers<() => void>();
    const SNICallback = (_name: string, answer: (error: null, context: SecureContext) => void): void => {
      asked.resolve(() => answer(null, createSecureContext(pem)));
    };
    const server = createServer({ ...pem, SNICallback }, (socket) => socket.on('error', () => undefined));
    t.after(() => server.close());
    const port = await listenLoopback(server);
    const nowMs = t.mock.method(performance, 'now', () => 0).mock;
    const at = (ms: number): number => {
      nowMs.mockImplementation(() => ms);
      return beginTurn();
    };
    const beforeMs = at(1000);
    const reached = Promise.withResolvers<WireHandle | null>();
    const security = securityOf(authority.pem, 'server.example');
    const reaching = reach({ port, security }, ['127.0.0.1'], 1000, reached.resolve);
    assert.equal(reaching.handshakeMs?.(beforeMs), 0, 'it is not connected yet');
    const answer = await asked.promise;
    const halfMs = at(1030);
    const partsOf = (sinceMs: readonly number[]) => sinceMs.map((ms) => Math.round(reaching.handshakeMs?.(ms) ?? -1));
    assert.deepEqual(partsOf([beforeMs, halfMs]), [30, 0]);
    at(1070);
    answer();
    (await reached.promise)?.close();
    assert.deepEqual(partsOf([beforeMs, halfMs, at(2000)]), [70, 40, 0]);
  });

  it('without TLS has no handshake', async (t) => {
    const plain = createPlain((socket) => socket.on('error', () => undefined).resume());
    t.after(() => plain.close());
    const port = await listenLoopback(plain);
    const handle = await new Promise<WireHandle | null>((resolve) => {
      const reaching = reach({ port, security: null }, ['127.0.0.1'], 1000, (opened) => {
        assert.equal(reaching.handshakeMs?.(0), 0);
        resolve(opened);
      });
    });
    handle?.close();
  });

  it('is given up without a word', async (t) => {
    const silent = createPlain(() => undefined);
    t.after(() => silent.close());
    const port = await listenLoopback(silent);
    const accepted = new Promise<void>((resolve) => {
      silent.once('connection', (socket) => {
        socket
          .on('error', () => undefined)
          .on('close', () => resolve())
          .resume();
      });
    });
    const connecting = reach({ port, security: securityOf(authorityOf(t).pem) }, ['127.0.0.1'], 1000, () => {
      assert.fail('was told');
    });
    await new Promise<void>((resolve) => silent.once('connection', () => resolve()));
    await new Promise((resolve) => setImmediate(resolve));
    connecting.cancel();
    await accepted;
  });
});
