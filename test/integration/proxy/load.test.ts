/** Many requests at once: swapping configuration loses none. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CELL } from '#src/model/tallies.ts';
import {
  askedOn,
  assertQuiet,
  clientOf,
  FIRST_CELL,
  GET,
  OK,
  oneVersion,
  perHead,
  planeOf,
  ROUTE_CELL,
  upstreamOf,
} from '../../support/proxy/running.ts';

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
