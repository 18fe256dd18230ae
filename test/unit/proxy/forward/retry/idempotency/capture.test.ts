/** Which answers are kept. */

import assert from 'node:assert/strict';
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
  it('whose answer is not kept is free again: 5xx, too long, cut short', async (t) => {
    const upstream = await countingOf(t, (response, nth, body) => {
      if (body === 'fails') response.writeHead(nth === 1 ? 500 : 200).end();
      else if (body === 'long') response.writeHead(200).end('x'.repeat(5000));
      else if (body === 'chunked') response.writeHead(200).write('x'.repeat(5000), () => response.end());
      else if (body === 'conflicts') response.writeHead(409).end();
      else {
        response.writeHead(200, { 'content-length': 100 });
        response.write('half', () => response.destroy());
      }
    });
    const plane = await brokeredOf(t, upstream.port, { responseBytesMax: 4096 });
    const client = clientOf(t, plane);
    assert.equal(await askedOn(client, postOf('a', 'fails')), 500);
    assert.equal(await askedOn(client, postOf('a', 'fails')), 200, 'executed again');
    assert.equal(await askedOn(client, postOf('a', 'fails')), 200);
    assert.equal(upstream.bodies.length, 2);
    for (const body of ['long', 'chunked', 'conflicts']) {
      for (let n = 0; n < 2; n++) {
        const status = await askedOn(clientOf(t, plane), postOf(body, body));
        assert.equal(status, body === 'conflicts' ? 409 : 200);
      }
      await eventually(() => upstream.bodies.filter((one) => one === body).length === 2, body);
    }
    for (let n = 0; n < 2; n++) {
      const cut = clientOf(t, plane);
      cut.send(postOf('cut', 'cut'));
      assert.match(await cut.closed(), /half$/);
    }
    assert.equal(upstream.bodies.filter((one) => one === 'cut').length, 2, 'half an answer is none');
    await eventually(() => plane.broker.status.running === 0, 'all are over');
    assert.equal(plane.broker.status.entries, 1);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
  });
});
