/** One check against real sockets: what passes, what fails, and that nothing is left behind. */

import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { type ProbeTarget, startProbe } from '#src/health/checks/probe.ts';
import { listenLoopback } from '../../../support/plane.ts';
import { closedSocket, eventually } from '../../../support/proxy/running.ts';

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

  it('does not wait for a body, and closes its connection', async (t) => {
    const { port, sockets } = await upstreamOf(t, 'HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\nbegin');
    assert.equal(await startProbe(target(port)).result, null);
    await closedSocket(sockets[0] as Socket);
  });

  it('fails when nobody listens, with the system’s word', async () => {
    const server = createServer();
    const port = await listenLoopback(server);
    await new Promise((resolve) => server.close(resolve));
    assert.equal(await startProbe(target(port)).result, 'ECONNREFUSED');
  });

  it('fails when there is no answer in time, and closes its connection', async (t) => {
    const { port, sockets } = await upstreamOf(t, null);
    assert.equal(await startProbe(target(port, { timeoutMs: 60 })).result, 'no answer in 60 ms');
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
