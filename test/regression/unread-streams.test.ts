/**
 * A client of HTTP/2 that resets a stream with NO_ERROR while what it sent lies unread: the runtime tells of the end of such a
 * stream only when all is read, which nobody did. The connection was never idle again, and a drain waited for it; what went on at
 * the endpoint was given up after an idle time only.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { REASON } from '#src/model/reason.ts';
import {
  endpointWord,
  eventually,
  FIRST_CELL,
  oneVersion,
  planeOf,
  reasonCount,
  settled,
  turningClock,
  upstreamOf,
} from '../support/proxy/running.ts';
import { acceptOf, assertEnds, extendedConnect, http2To } from '../support/proxy/upgrade.ts';

const STREAMS = 4;
/** More than the buffers of the way to the endpoint and the window hold. */
const BODY_MIB = 24;
/** Counted in looks: far more than the idle times of the scene take, on a clock that goes by turns. */
const PATIENCE_MS = 60_000;
const POLL_MS = 50;
const HOUR_MS = 3_600_000;
/** More is sent only when what came before is read. */
const WINDOW_BYTES = 65_535;

/** An endpoint that reads no more than heads, and a client. @param idleMs of everything that waits for something */
async function scene(t: TestContext, idleMs = 2000) {
  const upstream = await upstreamOf(t, (socket, received) => {
    const key = /Sec-WebSocket-Key: (\S+)/.exec(received)?.[1];
    if (key !== undefined && received.endsWith('\r\n\r\n')) {
      const lines = `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${acceptOf(key)}\r\n\r\n`;
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines}`);
    }
    socket.pause();
  });
  const timeouts = { firstByteMs: idleMs, bodyIdleMs: idleMs, upgradeIdleMs: idleMs, idleMs };
  const plane = await planeOf(t, { ...oneVersion(upstream.port), http2: true, timeouts });
  return { plane, upstream, session: await http2To(t, plane) };
}

type Client = Awaited<ReturnType<typeof scene>>['session'];

const OPENED = {
  'a POST': (client: Client) => client.request({ ':method': 'POST', ':path': '/', ':authority': 'a' }),
  'a WebSocket': (client: Client) => extendedConnect(client),
};

describe('a connection is let go of after a reset with NO_ERROR in the middle of', () => {
  for (const [what, open] of Object.entries(OPENED)) {
    it(what, async (t) => {
      turningClock(t);
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

describe('a reset with NO_ERROR is noticed at once, although nobody reads, in the middle of', () => {
  for (const [what, open] of Object.entries(OPENED)) {
    it(what, async (t) => {
      const { plane, upstream, session } = await scene(t, HOUR_MS);
      const stream = open(session);
      stream.on('error', () => undefined);
      if (what === 'a WebSocket') await once(stream, 'response');
      for (let n = 0; n < BODY_MIB; n++) stream.write(Buffer.alloc(1 << 20));
      // What nobody takes fills the windows, of which the gateway opens the first again.
      await settled(() => session.socket.bytesWritten, WINDOW_BYTES);
      stream.close(0);
      if (what === 'a WebSocket') await assertEnds(plane, { client_abnormal: 1 });
      else await eventually(() => reasonCount(plane, FIRST_CELL, REASON.clientClosed) === 1, 'it is recorded');
      await eventually(() => endpointWord(plane, upstream.port, 'open') === 0, 'its endpoint’s connection is closed');
    });
  }
});
