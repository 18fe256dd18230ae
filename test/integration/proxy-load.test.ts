/** Many requests at once: swapping configuration loses none, aborting thousands leaves nothing. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CELL } from '#src/model/tallies.ts';
import {
  askedOn,
  assertQuiet,
  clientOf,
  eventually,
  FIRST_CELL,
  GET,
  OK,
  oneVersion,
  perHead,
  planeOf,
  ROUTE_CELL,
  upstreamOf,
} from '../support/proxy/running.ts';
import { watchedPlane } from '../support/proxy/watched.ts';
import { rawClient } from '../support/raw.ts';

const CLIENTS = 20;
const REQUESTS = 150;

describe('configuration that changes under load', () => {
  it('loses no request and no count', async (t) => {
    const answer = perHead((socket) => setImmediate(() => socket.write(OK)));
    const [first, second] = [await upstreamOf(t, answer), await upstreamOf(t, answer)];
    const sketches = [oneVersion(first.port), oneVersion(second.port), oneVersion(first.port, second.port)];
    const plane = await planeOf(t, oneVersion(first.port));
    let swaps = 0;
    const swapping = setInterval(() => plane.swap(sketches[swaps++ % 3]!), 3);
    t.after(() => clearInterval(swapping));
    const statuses = await Promise.all(
      Array.from({ length: CLIENTS }, async () => {
        const client = clientOf(t, plane);
        const own: number[] = [];
        for (let n = 0; n < REQUESTS; n++) own.push(await askedOn(client, GET));
        client.socket.destroy();
        return own;
      }),
    );
    clearInterval(swapping);
    assert.ok(swaps > 10, `${swaps} swaps`);
    assert.deepEqual([...new Set(statuses.flat())], [200]);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [first.port, second.port]);
    assert.equal(plane.count(FIRST_CELL, CELL.finished), CLIENTS * REQUESTS);
    assert.ok(first.received.length > 0 && second.received.length > 0);
  });
});

describe('2,000 requests whose clients leave', () => {
  for (const [when, answer, leave] of [
    ['while they wait', '', (heard: string) => heard === ''],
    [
      'within their answer',
      'HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\npart',
      (heard: string) => heard.endsWith('part'),
    ],
  ] as const) {
    it(`${when} leave nothing behind`, async (t) => {
      const upstream = await upstreamOf(
        t,
        perHead((socket) => socket.write(answer)),
      );
      const plane = await watchedPlane(t, {
        ...oneVersion(upstream.port),
        limits: { endpointConnectionsMax: 50, endpointPendingMax: 5000 },
      });
      const visit = async (): Promise<void> => {
        const client = rawClient(plane.port);
        client.send(GET);
        if (answer === '')
          await eventually(() => client.socket.bytesWritten > 0 && !client.socket.connecting, 'it is sent');
        else await client.until(leave);
        client.socket.destroy();
      };
      for (let round = 0; round < 20; round++) await Promise.all(Array.from({ length: 100 }, visit));
      await eventually(() => plane.listener.connections === 0, 'every connection is gone');
      await plane.settled();
      assert.deepEqual(plane.faults(), []);
      await eventually(() => plane.lane.deadlines.size === 0, 'nothing waits for a deadline');
      assert.ok(upstream.sockets.length > 100, `${upstream.sockets.length} connections`);
      await eventually(
        () => upstream.sockets.every(({ destroyed }) => destroyed),
        'every upstream connection is closed',
      );
    });
  }
});
