/** A response whose head promised keep-alive before draining began does not hold the drain up until the idle limit. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { startPlane } from '../support/plane.ts';
import { rawClient, rawUpstream } from '../support/raw.ts';

it('the connection closes when its last response is complete', async () => {
  const upstream = await rawUpstream((socket, received) => {
    if (received.endsWith('\r\n\r\n')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab');
  });
  const plane = await startPlane({
    routes: [{ versions: [{ name: 'v1', ports: [upstream.port], weight: 1 }] }],
    timeouts: { idleMs: 600_000 },
  });
  const client = rawClient(plane.port);
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await client.until((text) => text.endsWith('ab'));
  const drained = plane.plane.drain();
  upstream.sockets[0]?.write('cd');
  assert.match(await client.closed(), /abcd$/);
  await drained;
  await upstream.close();
});
