/** A request with an idempotency key waits, gets its turn, or an earlier answer. */

import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { describe, it } from 'node:test';
import { REASON } from '#src/model/reason.ts';
import { brokeredOf, countingOf, postOf } from '../../../../../support/http/brokered.ts';
import {
  askedOn,
  clientOf,
  eventually,
  isWhole,
  ROUTE_CELL,
  reasonCount,
} from '../../../../../support/proxy/running.ts';

describe('a request with an idempotency key', () => {
  it('that another one has waits for its answer, or is told at once', async (t) => {
    const held: ServerResponse[] = [];
    const upstream = await countingOf(t, (response) => void held.push(response));
    const plane = await brokeredOf(t, upstream.port);
    const clients = [0, 1, 2].map(() => clientOf(t, plane));
    const answers = clients.map((client) => askedOn(client, postOf('k')));
    await eventually(() => plane.broker.status.waiting === 2 && held.length === 1, 'two wait');
    held[0]?.writeHead(200).end('done');
    assert.deepEqual(await Promise.all(answers), [200, 200, 200]);
    assert.equal(clients.filter((client) => /Replayed/.test(client.received())).length, 2);
    assert.equal(upstream.bodies.length, 1);

    const impatient = await brokeredOf(t, upstream.port, { concurrent: 'refuse' });
    const first = clientOf(t, impatient);
    first.send(postOf('k'));
    await eventually(() => held.length === 2, 'it is executed');
    const second = clientOf(t, impatient);
    assert.equal(await askedOn(second, postOf('k')), 409);
    assert.match(second.received(), /\r\nRetry-After: 1\r\n/);
    held[1]?.end('done');
    await first.until(isWhole);

    const bounded = await brokeredOf(t, upstream.port, { waitMs: 50 });
    clientOf(t, bounded).send(postOf('k'));
    await eventually(() => held.length === 3, 'it is executed');
    assert.equal(await askedOn(clientOf(t, bounded), postOf('k')), 409, 'it has waited for long enough');
  });

  it('passes its turn on when whoever had it gets no answer', async (t) => {
    const held: ServerResponse[] = [];
    const upstream = await countingOf(t, (response) => void held.push(response));
    const plane = await brokeredOf(t, upstream.port);
    const [one, two] = [clientOf(t, plane), clientOf(t, plane)];
    const first = askedOn(one, postOf('k'));
    await eventually(() => held.length === 1, 'it is executed');
    const second = askedOn(two, postOf('k'));
    await eventually(() => plane.broker.status.waiting === 1, 'one waits');
    held[0]?.writeHead(503).end();
    assert.equal(await first, 503);
    await eventually(() => held.length === 2, 'it is its turn');
    held[1]?.writeHead(200).end('done');
    assert.equal(await second, 200);
    assert.deepEqual(upstream.bodies, ['hello', 'hello']);
  });

  it('is answered in pieces to a client that is slow', async (t) => {
    const big = 'z'.repeat(3_000_000);
    const upstream = await countingOf(t, (response) => void response.writeHead(200).end(big));
    const plane = await brokeredOf(t, upstream.port, { responseBytesMax: 4 * 1024 * 1024 });
    assert.equal(await askedOn(clientOf(t, plane), postOf('k')), 200);
    const slow = clientOf(t, plane);
    slow.socket.pause();
    slow.send(postOf('k'));
    await eventually(() => reasonCount(plane, ROUTE_CELL, REASON.none) === 1, 'the first is over');
    slow.socket.resume();
    await slow.until((text) => text.length > big.length && isWhole(text));
    assert.equal(upstream.bodies.length, 1);
    assert.equal(plane.broker.status.bytes > big.length, true);
  });
});
