/** The body of a request with an idempotency key is read whole. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { brokeredOf, countingOf, plain, postOf } from '../../../../../support/http/brokered.ts';
import {
  askedOn,
  assertQuiet,
  clientOf,
  eventually,
  FIRST_CELL,
  ROUTE_CELL,
} from '../../../../../support/proxy/running.ts';

describe('a request with an idempotency key', () => {
  it('has its body read whole first, in pieces, after a 100 and within its limit', async (t) => {
    const upstream = await countingOf(t, plain);
    const plane = await brokeredOf(t, upstream.port, { requestBytesMax: 100_000 });
    const client = clientOf(t, plane);
    const body = 'b'.repeat(90_000);
    const request = postOf('k', body, 'Expect: 100-continue\r\n');
    const headEnd = request.indexOf('\r\n\r\n') + 4;
    client.send(request.slice(0, headEnd));
    await client.until((text) => text.startsWith('HTTP/1.1 100 Continue\r\n\r\n'));
    client.send(request.slice(headEnd, headEnd + 10));
    await eventually(() => upstream.bodies.length === 0, 'nothing is sent yet');
    client.send(request.slice(headEnd + 10));
    await client.until((text) => text.includes('order 1'));
    assert.equal(upstream.bodies[0], body);
    assert.doesNotMatch(upstream.headers[0] as string, /expect/);
    assert.equal(await askedOn(clientOf(t, plane), postOf('k', body)), 201);
    assert.equal(await askedOn(clientOf(t, plane), postOf('k2', 'b'.repeat(100_001))), 413);
    const pipelined = clientOf(t, plane);
    pipelined.send(postOf('p1', 'one') + postOf('p1', 'one') + postOf('p2', 'two'));
    await pipelined.until((text) => text.includes('order 3'));
    assert.equal(upstream.bodies.length, 3);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
  });
});
