/** A client that leaves while its request is executed. */

import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { describe, it } from 'node:test';
import { brokeredOf, countingOf, postOf } from '../../../../../support/http/brokered.ts';
import {
  askedOn,
  assertQuiet,
  clientOf,
  eventually,
  FIRST_CELL,
  ROUTE_CELL,
} from '../../../../../support/proxy/running.ts';

describe('a request with an idempotency key', () => {
  it('is executed to its end when its client leaves, and who asks again gets the answer', async (t) => {
    const held: ServerResponse[] = [];
    const upstream = await countingOf(t, (response) => void held.push(response));
    const plane = await brokeredOf(t, upstream.port);
    const leaving = clientOf(t, plane);
    leaving.send(postOf('k'));
    await eventually(() => held.length === 1, 'it is executed');
    leaving.socket.destroy();
    await eventually(() => plane.plane.listener.connections === 0, 'it has left');
    const next = clientOf(t, plane);
    const answer = askedOn(next, postOf('k'));
    await eventually(() => plane.broker.status.waiting === 1, 'it waits');
    held[0]?.writeHead(200).end('done');
    assert.equal(await answer, 200);
    assert.match(next.received(), /Replayed/);
    assert.equal(upstream.bodies.length, 1);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
  });
});
