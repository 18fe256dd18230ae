/** What hostile bytes cost: no request may hold everybody up for long, measured by honest bytes on the same machine. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { type PlaneChild, planeChildOf } from '../../support/proxy/child.ts';
import { LIMITS } from '../../support/proxy/limits.ts';
import { bench, get } from '../../support/proxy/parts.ts';
import { clientOf, eventually, getOf, upstreamOf } from '../../support/proxy/running.ts';

/** How much longer one head may hold the thread than 32 KiB of ordinary requests do. */
const LONGER_MAX = 6;
/** An ordinary small request. */
const ORDINARY = get(
  '/catalog/items?page=2',
  'User-Agent: test/1.0\r\nAccept: */*\r\nConnection: keep-alive\r\n',
  'shop.example',
);
const CHUNKS = 100_000;
const TINY_CHUNK = '1\r\na\r\n';

/** Time on the processor of this thread, in ms. */
function spentMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** Microseconds of one parse of a head: of many rounds the one that nothing came between. */
function parseUs(text: string): number {
  const head = bench().table.requestHead;
  const bytes = Buffer.from(text, 'latin1');
  const times = Math.max(1, Math.ceil(10_000 / bytes.length));
  const until = spentMs() + 200;
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 50 || spentMs() < until; round++) {
    const started = performance.now();
    for (let i = 0; i < times; i++) head.parse(bytes, 0, bytes.length);
    least = Math.min(least, ((performance.now() - started) / times) * 1000);
  }
  return least;
}

/** Fields that make a head as long as the limit allows. */
function filled(line: string, lines = ''): string {
  const room = LIMITS.headBytesMax - get('/', lines).length;
  return get('/', lines + line.repeat(Math.min(LIMITS.headerCountMax - 3, Math.floor(room / line.length))));
}

describe('no head holds the thread much longer than as many bytes of ordinary requests', () => {
  const honestUs = (parseUs(ORDINARY) * LIMITS.headBytesMax) / ORDINARY.length;
  const hostile: readonly (readonly [string, string])[] = [
    ['with thousands of names in Connection', filled('abcdefgi: c\r\n', `Connection: ${'abcdefgh,'.repeat(3000)}\r\n`)],
    ['with thousands of empty names in Connection', filled('b: c\r\n', `Connection: ${','.repeat(30_000)}\r\n`)],
    ['with a hundred Connection fields', filled(`Connection: ${'a,'.repeat(120)}\r\n`)],
    ['with a path of encoded dots', get(`/${'%2e./'.repeat(1600)}`)],
    ['with a path of dot segments', get(`/${'a/../'.repeat(1600)}`)],
    ['with a path of encoded letters', get(`/${'%41'.repeat(2700)}`)],
    ['with a path of parameters and encoded slashes', get(`/${'a;%2f'.repeat(1600)}`)],
    ['with one name 120 times', filled('X-Forwarded-For: 1.1.1.1\r\n')],
    ['with a cookie of nothing but names', filled('', `Cookie: ${'uid'.repeat(10_000)}\r\n`)],
  ];
  for (const [name, text] of hostile) {
    it(name, (t) => {
      const us = parseUs(text);
      t.diagnostic(`${us.toFixed(0)} us, ordinary requests ${honestUs.toFixed(0)} us`);
      assert.ok(us <= honestUs * LONGER_MAX, `${us.toFixed(0)} us, ordinary requests ${honestUs.toFixed(0)} us`);
    });
  }
});

/** Time on the processor that `work` costs the gateway, in ms. */
async function cpuMs(child: PlaneChild, work: () => Promise<unknown>): Promise<number> {
  const before = await child.read();
  await work();
  return ((await child.read()).cpuUs - before.cpuUs) / 1000;
}

describe('a body in chunks of one byte', () => {
  const bytes = CHUNKS * TINY_CHUNK.length;

  it('costs on its way up what its bytes cost', async (t) => {
    const upstream = await upstreamOf(t, (socket, received) => {
      if (received.endsWith('\r\n0\r\n\r\n')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
    const child = await planeChildOf(t, upstream.port);
    const upload = async (body: string): Promise<void> => {
      const client = clientOf(t, child);
      client.send(`POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${body}0\r\n\r\n`);
      await client.until((text) => text.endsWith('ok'));
    };
    const honest = `10000\r\n${'x'.repeat(65_536)}\r\n`.repeat(Math.ceil(bytes / 65_536));
    await upload(honest);
    await upload(TINY_CHUNK.repeat(1000));
    const honestMs = await cpuMs(child, () => upload(honest));
    const hostileMs = await cpuMs(child, () => upload(TINY_CHUNK.repeat(CHUNKS)));
    report(t, hostileMs, honestMs);
  });

  it('costs on its way down what its bytes cost', async (t) => {
    let body = '';
    const upstream = await upstreamOf(t, (socket: Socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body}0\r\n\r\n`);
    });
    const child = await planeChildOf(t, upstream.port);
    const download = async (sent: string): Promise<void> => {
      body = sent;
      const client = clientOf(t, child);
      client.send(getOf('/', 'Connection: close\r\n'));
      await once(client.socket, 'data');
      await eventually(() => client.received().endsWith('\r\n0\r\n\r\n'), 'the end');
    };
    const honest = `10000\r\n${'x'.repeat(65_536)}\r\n`.repeat(Math.ceil(bytes / 65_536));
    await download(honest);
    await download(TINY_CHUNK.repeat(1000));
    const honestMs = await cpuMs(child, () => download(honest));
    const hostileMs = await cpuMs(child, () => download(TINY_CHUNK.repeat(CHUNKS)));
    report(t, hostileMs, honestMs);
  });

  function report(t: TestContext, hostileMs: number, honestMs: number): void {
    const usPerChunk = (hostileMs * 1000) / CHUNKS;
    t.diagnostic(`${hostileMs.toFixed(0)} ms (${usPerChunk.toFixed(2)} us a chunk), honest ${honestMs.toFixed(0)} ms`);
    // Honest bytes cost next to nothing; a garbage collection is part of each reading.
    assert.ok(
      hostileMs <= (honestMs + 10) * 10,
      `${hostileMs.toFixed(0)} ms, honest bytes cost ${honestMs.toFixed(0)} ms`,
    );
  }
});
