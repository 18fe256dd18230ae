/**
 * A request that waits for a place had to leave for a more important one, and the next request on its connection was read at once: over
 * the head of the one that was being admitted. That one went on without a head, so that its body was sent as one.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { it } from 'node:test';
import { clientOf, eventually, getOf, planeOf } from '../support/proxy/running.ts';

const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';

it('a request that others make room for goes on with its own head, whatever is read of theirs meanwhile', async (t) => {
  const asked: string[] = [];
  const held: ServerResponse[] = [];
  const upstream = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    if (request.url === '/hold') held.push(response);
    else response.end('ok');
  });
  await once(upstream.listen(0, '127.0.0.1'), 'listening');
  t.after(() => upstream.closeAllConnections());
  t.after(() => upstream.close());
  const { port } = upstream.address() as AddressInfo;
  const plane = await planeOf(t, {
    routes: [{ versions: [{ name: 'v1', ports: [port], weight: 1, limit: 1 }] }],
    priorityHeader: 'x-priority',
    trustedProxies: ['127.0.0.1/32'],
  });
  clientOf(t, plane).send(getOf('/hold'));
  await eventually(() => held.length === 1, 'the only place is taken');

  // Each with another one behind it; those that find no room are refused, and say that there is none left.
  let refused = 0;
  for (let n = 0; n < 500 && refused === 0; n++) {
    const client = clientOf(t, plane);
    client.socket.on('data', (bytes) => void (refused += bytes.includes(' 503 ') ? 1 : 0));
    client.send(getOf(`/y${n}`, 'X-Priority: best-effort\r\n') + getOf(`/z${n}`, 'X-Priority: best-effort\r\n'));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await eventually(() => refused > 0, 'the queue is full');

  const client = clientOf(t, plane);
  const lines = `X-Priority: critical\r\nContent-Length: ${SMUGGLED.length}\r\n`;
  client.send(`POST /x HTTP/1.1\r\nHost: a\r\n${lines}\r\n${SMUGGLED}`);
  const before = refused;
  await eventually(() => refused > before, 'one of them has left for it');
  held[0]?.end('ok');
  await client.until((text) => text.includes('\r\n\r\nok'));
  assert.ok(asked.includes('POST /x'), asked.slice(0, 5).join(', '));
  assert.ok(!asked.includes('GET /smuggled'));
});
