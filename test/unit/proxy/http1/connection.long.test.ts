/** What a client connection does after seconds: a pipelined request whose answer does not begin. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CELL } from '#src/model/tallies.ts';
import { readCell } from '../../../support/plane.ts';
import {
  clientOf,
  eventually,
  FIRST_CELL,
  getOf,
  oneVersion,
  perHead,
  planeOf,
  upstreamOf,
} from '../../../support/proxy/running.ts';
import { statusesOf } from '../../../support/raw.ts';

const CLOSE = 'Connection: close\r\n';

// They wait most of the time, so they wait together.
describe('the time to the first byte', { concurrency: true }, () => {
  for (const [what, bytes] of [
    ['a small answer', 10],
    ['an answer that had to wait for its reader', 16 * 1_048_576],
  ] as const) {
    it(`of a pipelined request is bounded also behind ${what}`, async (t) => {
      const body = `${bytes.toString(16)}\r\n${'x'.repeat(bytes)}\r\n0\r\n\r\n`;
      const upstream = await upstreamOf(
        t,
        perHead((socket, path) => {
          if (path === '/1') socket.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body}`);
        }),
      );
      const plane = await planeOf(t, {
        ...oneVersion(upstream.port),
        timeouts: { firstByteMs: 3000, bodyIdleMs: 60_000 },
      });
      const client = clientOf(t, plane);
      client.socket.pause();
      client.send(getOf('/1') + getOf('/2', CLOSE));
      await eventually(
        () => plane.count(FIRST_CELL, CELL.statusClass + 2) + readCell(plane, FIRST_CELL).inFlight > 0,
        'a request',
      );
      client.socket.resume();
      assert.deepEqual(statusesOf(await client.closed()), [200, 504]);
    });
  }
});
