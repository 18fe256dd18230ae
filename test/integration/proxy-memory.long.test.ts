/** Memory of the data plane: a gibibyte each way passes through it, and readers that do not read cost little. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { listenLoopback } from '../support/plane.ts';
import { type PlaneChild, planeChildOf, type Reading } from '../support/proxy/child.ts';
import { clientOf, eventually, getOf, upstreamOf } from '../support/proxy/running.ts';

const MIB = 1_048_576;
const BODY_BYTES = 1024 * MIB;
const PIECE = Buffer.alloc(MIB);
/** What a transfer may add to the process while it runs: buffers, garbage, compiled code; a body is 16 times as much. */
const GROWTH_BYTES_MAX = 64 * MIB;
const SLOW_READERS = 20;

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
    let isUpload = true;
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      if (chunk.subarray(0, 4).toString('latin1') === 'GET ') {
        isUpload = false;
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes()}\r\n\r\n`);
        pour(socket, bytes(), false).catch(() => socket.destroy());
      }
      seen += chunk.length;
      if (!isUpload || chunk.subarray(-5).toString('latin1') !== '0\r\n\r\n') return;
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

it(`${SLOW_READERS} readers that stop within a big response hold at most 1 MiB each`, async (t) => {
  const child = await planeChildOf(t, await bulkUpstream(t, () => 64 * MIB));
  const before = await child.read();
  const clients = Array.from({ length: SLOW_READERS }, () => clientOf(t, child));
  for (const client of clients) {
    client.socket.pause();
    client.send(getOf('/'));
  }
  let last: Reading = before;
  await eventually(() => clients.every(({ socket }) => socket.bytesWritten > 0), 'all have asked');
  // Settled: two readings that differ by nothing.
  for (let settled = 0; settled < 5; ) {
    const now = await child.read();
    settled = now.connections === SLOW_READERS && Math.abs(now.external - last.external) < 65_536 ? settled + 1 : 0;
    last = now;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const held = (last.external + last.heapUsed - before.external - before.heapUsed) / SLOW_READERS;
  t.diagnostic(`${Math.round(held / 1024)} KiB each`);
  assert.ok(held > 16_384 && held <= MIB, `${held} bytes each`);
});

it('slow uploads into an upstream that does not read hold at most 1 MiB each', async (t) => {
  const upstream = await upstreamOf(t, (socket) => socket.pause());
  const child = await planeChildOf(t, upstream.port);
  const before = await child.read();
  const clients = Array.from({ length: SLOW_READERS }, () => clientOf(t, child));
  for (const client of clients) {
    client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${64 * MIB}\r\n\r\n`);
    for (let n = 0; n < 32; n++) client.socket.write(PIECE);
  }
  let last: Reading = before;
  for (let settled = 0; settled < 5; ) {
    const now = await child.read();
    settled = now.connections === SLOW_READERS && Math.abs(now.external - last.external) < 65_536 ? settled + 1 : 0;
    last = now;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const held = (last.external + last.heapUsed - before.external - before.heapUsed) / SLOW_READERS;
  t.diagnostic(`${Math.round(held / 1024)} KiB each`);
  assert.ok(held <= MIB, `${held} bytes each`);
});
