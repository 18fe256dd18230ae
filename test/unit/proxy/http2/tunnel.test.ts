/** A real stream of HTTP/2 as a socket: heads and bytes as the upgrade lane writes them, ends and resets of both sides. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Stream, constants, type IncomingHttpHeaders } from 'node:http2';
import { text } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import { StreamOutlet } from '#src/proxy/http2/outlet.ts';
import type { Http2Stream } from '#src/proxy/http2/session/stream.ts';
import { Tunnel } from '#src/proxy/http2/tunnel.ts';
import { eventually } from '../../../support/proxy/running.ts';
import { extendedConnect } from '../../../support/proxy/upgrade.ts';
import { servedOverSockets } from '../../../support/proxy/wires/own-session.ts';

const SWITCH =
  'HTTP/1.1 101 Switching Protocols\r\nX-A: b\r\nSec-WebSocket-Accept: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

/** Both ends of one stream, and what the gateway has of it. */
interface Pair {
  readonly tunnel: Tunnel;
  readonly stream: Http2Stream;
  readonly client: ClientHttp2Stream;
}

async function pairOf(t: TestContext): Promise<Pair> {
  const begun = Promise.withResolvers<Omit<Pair, 'client'>>();
  const session = await servedOverSockets(t, (stream) => {
    const tunnel = new Tunnel(stream, new StreamOutlet(stream));
    stream.owner = {
      takes: (...part) => tunnel.takes(...part),
      arrived: () => tunnel.arrived(),
      flushed: () => tunnel.flushed(),
      finished: () => tunnel.finished(),
      closed: (detail) => detail === '' || tunnel.broke(),
    };
    begun.resolve({ tunnel, stream });
  });
  const client = extendedConnect(session);
  return { ...(await begun.promise), client };
}

async function headOf(client: ClientHttp2Stream): Promise<IncomingHttpHeaders> {
  return ((await once(client, 'response')) as [IncomingHttpHeaders])[0];
}

async function closed(stream: ClientHttp2Stream | Tunnel): Promise<void> {
  if (!stream.closed) await new Promise((resolve) => stream.once('close', resolve));
}

describe('a tunnel', () => {
  it('is opened by a 101, behind interim answers, and carries bytes both ways to both ends', async (t) => {
    const { tunnel, client } = await pairOf(t);
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
    assert.equal(client.rstCode, constants.NGHTTP2_NO_ERROR);
  });

  it('that another answer refuses is none, whatever the body of that answer says', async (t) => {
    const { tunnel, client } = await pairOf(t);
    const answered = headOf(client);
    tunnel.write(`HTTP/1.1 403 Forbidden\r\nContent-Length: ${SWITCH.length}\r\n\r\n`, 'latin1');
    tunnel.write(SWITCH, 'latin1');
    tunnel.resume().end();
    assert.equal((await answered)[':status'], 403);
    assert.equal(await text(client), SWITCH);
    await Promise.all([closed(tunnel), closed(client)]);
    assert.equal(client.rstCode, constants.NGHTTP2_NO_ERROR);
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
    assert.equal(first.client.rstCode, constants.NGHTTP2_CANCEL);
    const second = await pairOf(t);
    second.tunnel.write(SWITCH, 'latin1');
    await headOf(second.client);
    const broken = once(second.tunnel, 'error') as Promise<[Error]>;
    second.client.close(constants.NGHTTP2_CANCEL);
    assert.equal((await broken)[0].message, 'the stream was reset');
    assert.equal(second.tunnel.destroyed, true);
  });

  it('that both sides have ended gives its reader all that came', async (t) => {
    const { tunnel, stream, client } = await pairOf(t);
    tunnel.write(SWITCH, 'latin1');
    await headOf(client);
    const size = 100_000;
    client.end(Buffer.alloc(size));
    // It reads as much as it holds.
    tunnel.on('readable', () => undefined);
    await eventually(() => stream.hasEnded, 'everything is here');
    tunnel.end();
    await eventually(() => stream.isClosed, 'it is closed');
    assert.ok(stream.keptBytes > 0);
    let got = 0;
    for await (const bytes of tunnel) got += (bytes as Buffer).length;
    assert.equal(got, size);
  });

  it('that is ended before any answer is reset', async (t) => {
    const { tunnel, client } = await pairOf(t);
    client.on('error', () => undefined);
    tunnel.end();
    await closed(client);
    assert.equal(client.rstCode, constants.NGHTTP2_CANCEL);
  });
});
