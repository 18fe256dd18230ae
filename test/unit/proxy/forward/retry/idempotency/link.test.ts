/** Nobody can look a key up. */

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
  it('is refused with 503 while nobody can look it up, and executes nothing', async (t) => {
    const held: ServerResponse[] = [];
    const upstream = await countingOf(t, (response) => void held.push(response));
    const plane = await brokeredOf(t, upstream.port);
    const [one, two] = [clientOf(t, plane), clientOf(t, plane)];
    const first = askedOn(one, postOf('k'));
    await eventually(() => held.length === 1, 'it is executed');
    const second = askedOn(two, postOf('k'));
    await eventually(() => plane.broker.status.waiting === 1, 'one waits');
    plane.cut();
    assert.equal(await second, 503);
    assert.match(two.received(), /"reason":"idempotency_unavailable"/);
    assert.equal(await askedOn(clientOf(t, plane), postOf('k2')), 503);
    held[0]?.end('done');
    assert.equal(await first, 200, 'what was under way is finished');
    assert.equal(upstream.bodies.length, 1);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
  });
});
