/**
 * A client of HTTP/2 that resets a stream with NO_ERROR while what it sent lies unread: the runtime tells of the end of such a
 * stream only when all is read, which nobody did. The connection was never idle again, and a drain waited for it.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { oneVersion, planeOf, upstreamOf } from '../support/proxy/running.ts';
import { acceptOf, extendedConnect, http2To } from '../support/proxy/upgrade.ts';

const STREAMS = 4;
/** More than the buffers of the way to the endpoint and the window hold. */
const BODY_MIB = 24;
/** Idle times of the scene are a tenth of it. */
const PATIENCE_MS = 20_000;
const POLL_MS = 50;

/** An endpoint that reads no more than heads, and a client. */
async function scene(t: TestContext) {
  const upstream = await upstreamOf(t, (socket, received) => {
    const key = /Sec-WebSocket-Key: (\S+)/.exec(received)?.[1];
    if (key !== undefined && received.endsWith('\r\n\r\n')) {
      const lines = `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${acceptOf(key)}\r\n\r\n`;
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines}`);
    }
    socket.pause();
  });
  const timeouts = { firstByteMs: 2000, bodyIdleMs: 2000, upgradeIdleMs: 2000, idleMs: 2000 };
  const plane = await planeOf(t, { ...oneVersion(upstream.port), http2: true, timeouts });
  return { plane, session: await http2To(t, plane) };
}

type Client = Awaited<ReturnType<typeof scene>>['session'];

const OPENED = {
  'a POST': (client: Client) => client.request({ ':method': 'POST', ':path': '/', ':authority': 'a' }),
  'a WebSocket': (client: Client) => extendedConnect(client),
};

describe('a connection is let go of after a reset with NO_ERROR in the middle of', () => {
  for (const [what, open] of Object.entries(OPENED)) {
    it(what, async (t) => {
      const { plane, session } = await scene(t);
      const streams = Array.from({ length: STREAMS }, () => open(session));
      for (const stream of streams) stream.on('error', () => undefined);
      if (what === 'a WebSocket') await Promise.all(streams.map((stream) => once(stream, 'response')));
      for (const stream of streams) for (let n = 0; n < BODY_MIB; n++) stream.write(Buffer.alloc(1 << 20));
      await sleep(500);
      for (const stream of streams) stream.close(0);
      const isOpen = (): boolean => plane.plane.listener.connections > 0;
      for (let left = PATIENCE_MS; left > 0 && isOpen(); left -= POLL_MS) await sleep(POLL_MS);
      assert.ok(!isOpen(), 'the connection stays open');
    });
  }
});
