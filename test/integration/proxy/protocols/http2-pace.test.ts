/** Bodies that a fault slows down between clients and endpoints of which at least one speaks HTTP/2. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from 'node:http2';
import { describe, it, type TestContext } from 'node:test';
import { nowMs } from '#src/lib/clock.ts';
import { CELL } from '#src/model/tallies.ts';
import { FAULT_KIND, type FaultBandwidth, type FaultConfig } from '#src/model/threads/faults.ts';
import { http2EndpointOf } from '../../../support/http/h2-endpoint.ts';
import type { TestPlane } from '../../../support/plane.ts';
import {
  assertQuiet,
  clientOf,
  eventually,
  FIRST_CELL,
  httpUpstreamOf,
  isWhole,
  planeOf,
  ROUTE_CELL,
} from '../../../support/proxy/running.ts';

const BYTES_PER_S = 100_000;
const SIZE = 20_000;
/** A pace is kept over time; the first bytes may come at once. */
const TOOK_MS = 150;

function slow(bandwidth: Partial<FaultBandwidth>): FaultConfig {
  const match = { version: null, color: null, header: null };
  const base = { id: 'route0/f', match, ratio: 1, delay: null, abortStatus: null, fromMs: 0, untilMs: 1 };
  return { ...base, bandwidth: { requestBytesPerS: null, responseBytesPerS: null, ...bandwidth } };
}

/** Answers with the request's length, then so many bytes. */
async function endpointOf(t: TestContext, protocol: 'http/1.1' | 'h2c'): Promise<number> {
  if (protocol === 'http/1.1') {
    return httpUpstreamOf(t, (request, response) => {
      let length = 0;
      request.on('data', (chunk: Buffer) => (length += chunk.length));
      request.on('end', () => response.setHeader('x-got', length).end('a'.repeat(SIZE)));
    });
  }
  const { port } = await http2EndpointOf(t, (stream) => {
    let length = 0;
    stream.on('data', (chunk: Buffer) => (length += chunk.length));
    stream.on('end', () => {
      stream.respond({ ':status': 200, 'x-got': String(length), 'content-length': String(SIZE) });
      stream.end('a'.repeat(SIZE));
    });
  });
  return port;
}

async function planeFor(
  t: TestContext,
  protocol: 'http/1.1' | 'h2c',
  bandwidth: Partial<FaultBandwidth>,
): Promise<{ plane: TestPlane; port: number; session: ClientHttp2Session }> {
  const port = await endpointOf(t, protocol);
  const versions = [{ name: 'v1', ports: [port], weight: 1, ...(protocol === 'h2c' && { protocol }) }];
  const plane = await planeOf(t, { http2: true, routes: [{ versions, filters: { faults: [slow(bandwidth)] } }] });
  plane.plane.inject(new Map([['route0/f', nowMs() + 60_000]]));
  const session = connect(`http://127.0.0.1:${plane.port}`);
  session.on('error', () => undefined);
  t.after(() => session.destroy());
  return { plane, port, session };
}

/** @returns what the endpoint got, what it sent, and how long that took. */
async function exchange(session: ClientHttp2Session, length: number) {
  const beganAtMs = performance.now();
  const stream = session.request({ ':method': 'POST', ':authority': 'a' });
  let sent = '';
  let got = 0;
  stream.on('response', (head) => (sent = `${head[':status']} ${String(head['x-got'])}`));
  stream.on('data', (chunk: Buffer) => (got += chunk.length));
  stream.end(Buffer.alloc(length));
  await new Promise((resolve, reject) => stream.on('close', resolve).on('error', reject));
  return { sent, got, tookMs: performance.now() - beganAtMs };
}

describe('a body that is slowed down', () => {
  for (const protocol of ['http/1.1', 'h2c'] as const) {
    for (const side of ['requestBytesPerS', 'responseBytesPerS'] as const) {
      it(`by ${side} takes its time between HTTP/2 and ${protocol}, and gets there whole`, async (t) => {
        const { plane, port, session } = await planeFor(t, protocol, { [side]: BYTES_PER_S });
        const answers = await Promise.all([exchange(session, SIZE), exchange(session, SIZE)]);
        for (const { sent, got, tookMs } of answers) {
          assert.deepEqual([sent, got], [`200 ${SIZE}`, SIZE]);
          assert.ok(tookMs >= TOOK_MS, `${SIZE} bytes in ${tookMs} ms`);
        }
        assert.equal(plane.count(ROUTE_CELL, CELL.faults + FAULT_KIND.bandwidth), 2);
        await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [port]);
      });
    }

    it(`has its head whole before a client of HTTP/2, from ${protocol}, however slow it is`, async (t) => {
      const { plane, port, session } = await planeFor(t, protocol, { responseBytesPerS: 1000 });
      const stream = session.request({ ':authority': 'a' });
      stream.on('error', () => undefined);
      let got = '';
      stream.on('data', (chunk: Buffer) => (got += chunk.toString()));
      const [head] = (await once(stream, 'response')) as [IncomingHttpHeaders];
      assert.equal(head[':status'], 200);
      await eventually(() => got.length > 20, 'its body comes');
      assert.match(got, /^a+$/);
      stream.close();
      await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [port]);
    });
  }

  it('takes its time between HTTP/1.1 and an endpoint of HTTP/2', async (t) => {
    const { plane, port } = await planeFor(t, 'h2c', { requestBytesPerS: BYTES_PER_S, responseBytesPerS: BYTES_PER_S });
    const beganAtMs = performance.now();
    const client = clientOf(t, plane);
    client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${SIZE}\r\n\r\n${'b'.repeat(SIZE)}`);
    const text = await client.until(isWhole);
    assert.match(text, new RegExp(`x-got: ${SIZE}\r\n`, 'i'));
    assert.ok(performance.now() - beganAtMs >= 2 * TOOK_MS);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [port]);
  });
});
