/** Memory of the data plane: a gibibyte each way passes through it; readers that do not read, or slowly, cost little. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { listenLoopback } from '../../support/plane.ts';
import { type PlaneChild, planeChildOf, type Reading } from '../../support/proxy/child.ts';
import { clientOf, eventually, getOf, upstreamOf } from '../../support/proxy/running.ts';

const MIB = 1_048_576;
const BODY_BYTES = 1024 * MIB;
const PIECE = Buffer.alloc(MIB);
/** What a transfer may add to the process while it runs: buffers, garbage, compiled code; a body is 16 times as much. */
const GROWTH_BYTES_MAX = 64 * MIB;
const STALLED = 10;
/** About as many bytes as `PIECE`, each in a chunk of its own. */
const TINY_CHUNKS = Buffer.from('1\r\na\r\n'.repeat(MIB / 6));

/** The most memory the process has at once while `work` goes on, in bytes of resident set. */
async function peakWhile(child: PlaneChild, work: Promise<unknown>): Promise<number> {
  let isOver = false;
  const finished = work.finally(() => (isOver = true));
  let peak = 0;
  while (!isOver) {
    peak = Math.max(peak, (await child.read()).rss);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await finished;
  return peak;
}

/** Writes `bytes` zeros as the socket takes them. */
async function pour(socket: Socket, bytes: number, framed: boolean): Promise<void> {
  for (let sent = 0; sent < bytes; sent += PIECE.length) {
    if (framed) socket.write(`${PIECE.length.toString(16)}\r\n`);
    const hasRoom = socket.write(PIECE);
    if (framed) socket.write('\r\n');
    if (!hasRoom) await once(socket, 'drain');
  }
  if (framed) socket.write('0\r\n\r\n');
}

/** Counts what a socket receives without keeping it; resolves when it is `bytes` or more. */
function received(socket: Socket, bytes: number): Promise<void> {
  let count = 0;
  return new Promise((resolve, reject) => {
    socket.on('close', () => reject(new Error(`closed after ${count} bytes`)));
    socket.on('data', (chunk: Buffer) => {
      count += chunk.length;
      if (count >= bytes) resolve();
    });
  });
}

/** An upstream that swallows uploads of `bytes` and then answers, and pours downloads of that size. */
async function bulkUpstream(t: TestContext, bytes: () => number): Promise<number> {
  const server = createServer({ noDelay: true }, (socket) => {
    let seen = 0;
    let tail = '';
    let isUpload = true;
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      if (chunk.subarray(0, 4).toString('latin1') === 'GET ') {
        isUpload = false;
        if (chunk.subarray(4, 9).toString('latin1') === '/tiny') {
          socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
          for (let n = 0; n < 16; n++) socket.write(TINY_CHUNKS);
          return;
        }
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes()}\r\n\r\n`);
        pour(socket, bytes(), false).catch(() => socket.destroy());
      }
      seen += chunk.length;
      tail = (tail + chunk.subarray(-5).toString('latin1')).slice(-5);
      if (!isUpload || tail !== '0\r\n\r\n') return;
      assert.ok(seen >= bytes());
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      seen = 0;
    });
  });
  const port = await listenLoopback(server);
  t.after(() => server.close());
  return port;
}

describe('a body of 1 GiB', () => {
  it('passes up, chunked, through bounded memory', async (t) => {
    let bytes = 64 * MIB;
    const child = await planeChildOf(t, await bulkUpstream(t, () => bytes));
    const client = clientOf(t, child);
    const upload = async (): Promise<void> => {
      client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
      const answers = client.received().split('ok').length;
      await pour(client.socket, bytes, true);
      await eventually(() => client.received().split('ok').length > answers, 'the answer');
    };
    const before = await peakWhile(child, upload());
    bytes = BODY_BYTES;
    const peak = await peakWhile(child, upload());
    t.diagnostic(`peak ${Math.round(before / MIB)} MiB at 64 MiB, ${Math.round(peak / MIB)} MiB at 1 GiB`);
    assert.ok(peak - before <= GROWTH_BYTES_MAX, `grew by ${Math.round((peak - before) / MIB)} MiB`);
  });

  it('passes down through bounded memory', async (t) => {
    let bytes = 64 * MIB;
    const child = await planeChildOf(t, await bulkUpstream(t, () => bytes));
    const download = async (): Promise<void> => {
      const socket = connect({ host: '127.0.0.1', port: child.port });
      socket.write(getOf('/'));
      await received(socket, bytes);
      socket.destroy();
    };
    const before = await peakWhile(child, download());
    bytes = BODY_BYTES;
    const peak = await peakWhile(child, download());
    t.diagnostic(`peak ${Math.round(before / MIB)} MiB at 64 MiB, ${Math.round(peak / MIB)} MiB at 1 GiB`);
    assert.ok(peak - before <= GROWTH_BYTES_MAX, `grew by ${Math.round((peak - before) / MIB)} MiB`);
  });
});

/** Bytes that each of the connections holds once nothing moves any more, over what the process had before. */
async function heldEach(child: PlaneChild, before: Reading, count: number): Promise<number> {
  let last = before;
  for (let settled = 0; settled < 5; ) {
    const now = await child.read();
    settled = now.connections === count && Math.abs(now.external - last.external) < 65_536 ? settled + 1 : 0;
    last = now;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return (last.external + last.heapUsed - before.external - before.heapUsed) / count;
}

describe(`each of ${STALLED} connections that stall holds at most 1 MiB`, () => {
  const assertLittle = (t: TestContext, held: number): void => {
    t.diagnostic(`${Math.round(held / 1024)} KiB each`);
    assert.ok(held <= MIB, `${Math.round(held / 1024)} KiB each`);
  };

  for (const [name, path] of [
    ['of a big response', '/'],
    ['of a response in chunks of one byte', '/tiny'],
  ] as const) {
    it(`when its reader stops within the bytes ${name}`, async (t) => {
      const child = await planeChildOf(t, await bulkUpstream(t, () => 64 * MIB));
      const before = await child.read();
      const clients = Array.from({ length: STALLED }, () => clientOf(t, child));
      for (const client of clients) {
        client.socket.pause();
        client.send(getOf(path));
      }
      assertLittle(t, await heldEach(child, before, STALLED));
    });
  }

  for (const [name, head, piece] of [
    ['a big request', `Content-Length: ${64 * MIB}`, PIECE],
    ['a request in chunks of one byte', 'Transfer-Encoding: chunked', TINY_CHUNKS],
  ] as const) {
    it(`when its upstream stops within ${name}`, async (t) => {
      const upstream = await upstreamOf(t, (socket) => socket.pause());
      const child = await planeChildOf(t, upstream.port);
      const before = await child.read();
      const clients = Array.from({ length: STALLED }, () => clientOf(t, child));
      for (const client of clients) {
        client.send(`POST / HTTP/1.1\r\nHost: a\r\n${head}\r\n\r\n`);
        for (let n = 0; n < 16; n++) client.socket.write(piece);
      }
      assertLittle(t, await heldEach(child, before, STALLED));
    });
  }
});

describe('a reader of 1 GiB that is slow', () => {
  it('makes the gateway hold at most 1 MiB, whenever one looks', async (t) => {
    const child = await planeChildOf(t, await bulkUpstream(t, () => BODY_BYTES));
    // The first of its kind compiles code and fills pools.
    const warm = connect({ host: '127.0.0.1', port: child.port });
    warm.write(getOf('/'));
    await received(warm, 64 * MIB);
    warm.destroy();
    await gone(child);
    const before = await child.read();
    const socket = connect({ host: '127.0.0.1', port: child.port });
    t.after(() => socket.destroy());
    let bytes = 0;
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      socket.pause();
      setTimeout(() => socket.resume(), 2);
    });
    socket.write(getOf('/'));
    let most = 0;
    for (let n = 0; n < 100; n++) {
      const now = await child.read();
      most = Math.max(most, now.heapUsed + now.external - before.heapUsed - before.external);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    t.diagnostic(`${Math.round(most / 1024)} KiB at the most, ${Math.round(bytes / MIB)} MiB read`);
    assert.ok(bytes > MIB, 'it did read');
    assert.ok(most <= MIB, `${Math.round(most / 1024)} KiB`);
  });
});

/** Resolves once the child has no connection left. */
async function gone(child: PlaneChild): Promise<void> {
  for (let n = 0; n < 500 && (await child.read()).connections > 0; n++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
