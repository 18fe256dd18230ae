/** A real stream of HTTP/2 as a socket: heads and bytes as the upgrade lane writes them, ends and resets of both sides. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  type ClientHttp2Stream,
  connect,
  constants,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import { StreamOutlet } from '#src/proxy/http2/outlet.ts';
import { Tunnel } from '#src/proxy/http2/tunnel.ts';
import { eventually } from '../../../support/proxy/running.ts';
import { extendedConnect } from '../../../support/proxy/upgrade.ts';

const SWITCH =
  'HTTP/1.1 101 Switching Protocols\r\nX-A: b\r\nSec-WebSocket-Accept: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

/** Both ends of one stream; `resets` counts those of the gateway's. */
interface Pair {
  readonly tunnel: Tunnel;
  readonly client: ClientHttp2Stream;
  readonly resets: () => number;
}

async function pairOf(t: TestContext): Promise<Pair> {
  const server = createServer({ settings: { enableConnectProtocol: true } });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  t.after(() => {
    session.destroy();
    server.close();
  });
  await once(session, 'remoteSettings');
  const begun = once(server, 'stream') as Promise<[ServerHttp2Stream]>;
  const client = extendedConnect(session);
  const [stream] = await begun;
  stream.on('error', () => undefined);
  let resets = 0;
  const outlet: StreamOutlet = new StreamOutlet(stream, () => tunnel.flushed());
  const tunnel: Tunnel = new Tunnel(stream, outlet, { ownReset: () => resets++ });
  return { tunnel, client, resets: () => resets };
}

async function headOf(client: ClientHttp2Stream): Promise<IncomingHttpHeaders> {
  return ((await once(client, 'response')) as [IncomingHttpHeaders])[0];
}

async function closed(stream: ClientHttp2Stream | Tunnel): Promise<void> {
  if (!stream.closed) await new Promise((resolve) => stream.once('close', resolve));
}

describe('a tunnel', () => {
  it('is opened by a 101, behind interim answers, and carries bytes both ways to both ends', async (t) => {
    const { tunnel, client, resets } = await pairOf(t);
    const hinted = once(client, 'headers') as Promise<[IncomingHttpHeaders]>;
    const answered = headOf(client);
    tunnel.write('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n', 'latin1');
    tunnel.write(SWITCH, 'latin1');
    tunnel.write('HTTP/1.1 101 is what a server may well say\r\n\r\n', 'latin1');
    tunnel.end();
    assert.equal((await hinted)[0][':status'], 103);
    const head = await answered;
    assert.deepEqual([head[':status'], head['x-a'], head['sec-websocket-accept']], [200, 'b', undefined]);
    assert.equal(await text(client), 'HTTP/1.1 101 is what a server may well say\r\n\r\n');
    client.end('from the client');
    assert.equal(await text(tunnel), 'from the client');
    await Promise.all([closed(tunnel), closed(client)]);
    assert.deepEqual([client.rstCode, resets()], [constants.NGHTTP2_NO_ERROR, 0]);
  });

  it('that another answer refuses is none, whatever the body of that answer says', async (t) => {
    const { tunnel, client, resets } = await pairOf(t);
    const answered = headOf(client);
    tunnel.write(`HTTP/1.1 403 Forbidden\r\nContent-Length: ${SWITCH.length}\r\n\r\n`, 'latin1');
    tunnel.write(SWITCH, 'latin1');
    tunnel.resume().end();
    assert.equal((await answered)[':status'], 403);
    assert.equal(await text(client), SWITCH);
    await Promise.all([closed(tunnel), closed(client)]);
    assert.deepEqual([client.rstCode, resets()], [constants.NGHTTP2_NO_ERROR, 1]);
  });

  it('says that an answer is backed up until its client takes it', async (t) => {
    const { tunnel, client } = await pairOf(t);
    client.pause();
    const size = 1_000_000;
    tunnel.write(`HTTP/1.1 403 Forbidden\r\nContent-Length: ${size}\r\n\r\n`, 'latin1');
    let isWritten = false;
    tunnel.write(Buffer.alloc(size), () => {
      isWritten = true;
    });
    await new Promise((resolve) => client.session?.ping(resolve));
    assert.deepEqual([isWritten, tunnel.writableNeedDrain], [false, true]);
    tunnel.resume().end();
    let got = 0;
    client.on('data', (bytes: Buffer) => {
      got += bytes.length;
    });
    client.resume();
    await closed(client);
    assert.deepEqual([isWritten, got], [true, size]);
  });

  it('reads no further than its reader, and the window of its client stays closed', async (t) => {
    const { tunnel, client } = await pairOf(t);
    tunnel.write(SWITCH, 'latin1');
    await headOf(client);
    tunnel.on('readable', () => undefined);
    client.write(Buffer.alloc(1_000_000));
    let left = -1;
    await eventually(async () => {
      const before = left;
      await new Promise((resolve) => client.session?.ping(resolve));
      left = client.writableLength + tunnel.readableLength;
      return left === before;
    }, 'nothing moves');
    assert.ok(tunnel.readableLength <= 3 * 65_536, `${tunnel.readableLength} bytes wait`);
    client.end();
    let got = 0;
    for await (const bytes of tunnel) got += (bytes as Buffer).length;
    assert.equal(got, 1_000_000);
  });

  it('that is destroyed is reset with CANCEL, and one that its client resets is broken', async (t) => {
    const first = await pairOf(t);
    first.tunnel.write(SWITCH, 'latin1');
    await headOf(first.client);
    first.tunnel.resetAndDestroy();
    await closed(first.client);
    assert.deepEqual([first.client.rstCode, first.resets()], [constants.NGHTTP2_CANCEL, 1]);
    const second = await pairOf(t);
    second.tunnel.write(SWITCH, 'latin1');
    await headOf(second.client);
    const broken = once(second.tunnel, 'error') as Promise<[Error]>;
    second.client.close(constants.NGHTTP2_CANCEL);
    assert.equal((await broken)[0].message, 'the stream was reset');
    assert.deepEqual([second.tunnel.destroyed, second.resets()], [true, 0]);
  });
});
