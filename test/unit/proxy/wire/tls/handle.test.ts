/** TLS under a wire: reads, writes, ends and resets as without it. */

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { createServer as createSecureServer, type TLSSocket } from 'node:tls';
import { whole } from '#src/proxy/wire/memory/memory.ts';
import { Outbox } from '#src/proxy/wire/outbox.ts';
import { SecureHandle, tcpOf } from '#src/proxy/wire/tls/handle.ts';
import { Wire } from '#src/proxy/wire/wire.ts';
import { DEFAULT_UPGRADE } from '#src/sources/defaults.ts';
import { authorityOf } from '../../../../support/http/certificates.ts';
import { doorOf, filesOf, materialOf, secureClient } from '../../../../support/http/secured.ts';
import { listenLoopback, type RouteSketch } from '../../../../support/plane.ts';
import { answeringOf, eventually, oneVersion, planeOf, upstreamOf } from '../../../../support/proxy/running.ts';
import { statusesOf } from '../../../../support/raw.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a.example\r\n\r\n';
const MIB = 1024 * 1024;

async function gatewayTo(t: TestContext, port: number, route: Partial<RouteSketch> = {}) {
  const authority = authorityOf(t);
  const certificates = filesOf(authority.issue('a', { names: 'DNS:a.example' }));
  const [only] = oneVersion(port).routes;
  const routes = [{ ...(only as RouteSketch), ...route }];
  return planeOf(t, { routes, tls: materialOf(doorOf({ certificates })) });
}

async function serverOf(t: TestContext, listener: Parameters<typeof createServer>[1]): Promise<number> {
  const server: Server = createServer(listener as never);
  t.after(() => server.closeAllConnections());
  t.after(() => server.close());
  return listenLoopback(server);
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A wire on TLS and its client, which has not read anything. @param isSettled the handshake's own call is over */
async function wireOf(t: TestContext, isSettled = true) {
  const { pem } = authorityOf(t).issue('a', { names: 'DNS:a.example' });
  const server = createSecureServer(pem);
  t.after(() => server.close());
  const accepted = new Promise<TLSSocket>((resolve) => server.once('secureConnection', resolve));
  const client = await secureClient(t, await listenLoopback(server), { listening: (socket) => socket.pause() });
  client.socket.pause();
  const socket = await accepted;
  if (isSettled) await turn();
  const raw = (socket as unknown as { readonly _parent: Socket })._parent;
  t.after(() => socket.destroy());
  const told = { flushed: 0, broken: '' };
  const wire = new Wire(new SecureHandle(socket, raw), Buffer.alloc(65_536), {
    received: () => undefined,
    ended: () => undefined,
    broken: (code) => {
      told.broken = code;
    },
    flushed: () => void told.flushed++,
  });
  return { wire, client, told, socket };
}

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('a client connection over TLS', () => {
  it('carries large bodies both ways, whole', async (t) => {
    const body = randomBytes(3 * MIB);
    const port = await serverOf(t, (incoming, outgoing) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => outgoing.end(Buffer.concat(chunks)));
    });
    const { port: gateway } = await gatewayTo(t, port);
    const client = await secureClient(t, gateway, { servername: 'a.example' });
    const received: Buffer[] = [];
    let count = 0;
    client.socket.on('data', (chunk: Buffer) => {
      received.push(chunk);
      count += chunk.length;
    });
    client.socket.write(`POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: ${body.length}\r\n\r\n`);
    client.socket.write(body);
    await eventually(() => count > body.length, 'the whole answer');
    const all = Buffer.concat(received);
    const head = all.indexOf('\r\n\r\n') + 4;
    // Chunked or by length: what frames it is not the body.
    const text = all.subarray(0, head).toString('latin1');
    if (/transfer-encoding/i.test(text))
      await eventually(() => Buffer.concat(received).subarray(-5).toString() === '0\r\n\r\n', 'end');
    else assert.equal(digestOf(all.subarray(head)), digestOf(body));
  });

  it('waits for a client that does not read, and goes on when it does', async (t) => {
    const body = Buffer.alloc(8 * MIB, 'x');
    const port = await serverOf(t, (_incoming, outgoing) => {
      outgoing.setHeader('content-length', body.length);
      outgoing.end(body);
    });
    const { port: gateway } = await gatewayTo(t, port);
    const client = await secureClient(t, gateway, { servername: 'a.example' });
    let count = 0;
    client.socket.on('data', (chunk: Buffer) => (count += chunk.length));
    client.socket.pause();
    client.socket.write(GET);
    await new Promise((resolve) => setImmediate(resolve));
    client.socket.resume();
    await eventually(() => count >= body.length, 'all of it');
  });

  it('says goodbye after an answer that ends with the connection', async (t) => {
    const upstream = await upstreamOf(t, (socket) =>
      socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end'),
    );
    const { port } = await gatewayTo(t, upstream.port);
    const client = await secureClient(t, port, { servername: 'a.example' });
    let hasEnded = false;
    client.socket.once('end', () => (hasEnded = true));
    client.socket.write('GET / HTTP/1.0\r\nHost: a.example\r\n\r\n');
    await client.closed;
    assert.ok(hasEnded);
    assert.match(client.text(), /to the end$/);
  });

  it('is reset when an answer cannot be completed', async (t) => {
    const upstream = await upstreamOf(t, (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegun');
      setImmediate(() => socket.destroy());
    });
    const { port } = await gatewayTo(t, upstream.port);
    const client = await secureClient(t, port, { servername: 'a.example' });
    const error = new Promise<NodeJS.ErrnoException>((resolve) => client.socket.on('error', resolve));
    client.socket.write(GET);
    assert.equal((await error).code, 'ECONNRESET');
  });

  it('answers requests that came together, in their order', async (t) => {
    const upstream = await answeringOf(t);
    const { port } = await gatewayTo(t, upstream.port);
    const client = await secureClient(t, port, { servername: 'a.example' });
    client.socket.write(GET.repeat(5));
    await eventually(() => statusesOf(client.text()).length === 5, 'five answers');
  });

  it('that the client leaves ends its exchange', async (t) => {
    const upstream = await upstreamOf(t, () => undefined);
    const plane = await gatewayTo(t, upstream.port);
    const client = await secureClient(t, plane.port, { servername: 'a.example' });
    client.socket.write(GET);
    await eventually(() => upstream.received.length > 0, 'asked');
    client.socket.destroy();
    await eventually(() => plane.plane.listener.connections === 0, 'gone');
  });

  it('becomes another protocol’s', async (t) => {
    const upstream = await upstreamOf(t, (socket, text) => {
      if (text.endsWith('\r\n\r\n')) {
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
      } else socket.write('hello');
    });
    const upgrade = { ...DEFAULT_UPGRADE, protocols: ['echo'] };
    const { port: gateway } = await gatewayTo(t, upstream.port, { upgrade });
    const client = await secureClient(t, gateway, { servername: 'a.example' });
    client.socket.write('GET / HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    await eventually(() => client.text().includes('101 Switching'), 'switched');
    client.socket.write('hello');
    await eventually(() => client.text().endsWith('hello'), 'echoed');
    assert.equal(tcpOf(client.socket), client.socket, 'which was not made of a handle');
  });
});

describe('a write over TLS', () => {
  it('that the kernel takes is done when it returns, and its memory free', async (t) => {
    const { wire, client, told } = await wireOf(t);
    const bytes = Buffer.alloc(10_000, 'x');
    wire.writeBytes(bytes, 0, bytes.length);
    assert.equal(wire.isBackedUp, false);
    bytes.fill('y');
    client.socket.resume();
    await eventually(() => client.text().length === 10_000, 'all of it');
    assert.equal(client.text(), 'x'.repeat(10_000));
    assert.equal(told.flushed, 0, 'nothing waited');
  });

  it('within the handshake’s own call leaves when that is over, whatever becomes of the memory', async (t) => {
    const { wire, client } = await wireOf(t, false);
    const bytes = Buffer.from('early');
    wire.writeBytes(bytes, 0, bytes.length);
    bytes.fill('y');
    client.socket.resume();
    await eventually(() => client.text() === 'early', 'it arrives');
  });

  it('waits for the one before in the same turn, and comes behind it', async (t) => {
    const { wire, client, told } = await wireOf(t);
    wire.writeText('one, ');
    wire.writeText('two');
    assert.equal(wire.isBackedUp, true);
    await eventually(() => told.flushed === 1, 'flushed');
    wire.writeText(', three');
    client.socket.resume();
    await eventually(() => client.text() === 'one, two, three', 'in their order');
  });

  it('waits while the client takes nothing', async (t) => {
    const { wire, client, told } = await wireOf(t);
    const bytes = Buffer.alloc(32 * MIB, 'x');
    wire.writeBytes(bytes, 0, bytes.length);
    assert.equal(wire.isBackedUp, true);
    client.socket.resume();
    await eventually(() => told.flushed === 1, 'flushed');
    assert.equal(wire.isBackedUp, false);
  });

  it('whose client is cut off while it waits keeps no memory for itself', async (t) => {
    const { wire } = await wireOf(t);
    const outbox = new Outbox();
    const sender = { flush: () => undefined };
    const piece = Buffer.alloc(4000, 'x');
    // As many as there are places, each of which is given up to a write that waits.
    for (let n = 0; n < 20; n++) {
      const next = await wireOf(t);
      // The second of a turn waits for the first.
      next.wire.writeText('first');
      next.wire.writeSoon(piece, 0, piece.length);
      next.wire.flush();
      next.wire.reset();
    }
    wire.close();
    await eventually(() => {
      outbox.putText(sender, 'a');
      return outbox.bytes === whole;
    }, 'places are free again');
  });

  it('that was done is not lost by closing, and is followed by the goodbye', async (t) => {
    const { wire, client, socket } = await wireOf(t);
    wire.writeText('the last words');
    wire.close();
    client.socket.resume();
    await client.closed;
    assert.equal(client.text(), 'the last words');
    await eventually(() => socket.closed, 'closed');
    assert.equal(socket.writableFinished, true, 'the goodbye was sent');
  });

  it('to a connection that is gone breaks it, once it was told', async (t) => {
    const { wire, client, told } = await wireOf(t);
    client.socket.destroy();
    await eventually(() => {
      wire.writeText('x');
      return told.broken !== '';
    }, 'broken');
  });
});
