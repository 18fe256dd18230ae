/** Whose a key is, and what is asked with it. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { REASON } from '#src/model/reason.ts';
import { brokeredOf, countingOf, lastOf, plain, postOf } from '../../../../../support/http/brokered.ts';
import {
  askedOn,
  assertQuiet,
  clientOf,
  eventually,
  FIRST_CELL,
  ROUTE_CELL,
  reasonCount,
} from '../../../../../support/proxy/running.ts';

describe('a request with an idempotency key', () => {
  it('is executed once: who asks again gets the same answer, marked', async (t) => {
    const upstream = await countingOf(t, plain);
    const plane = await brokeredOf(t, upstream.port);
    const client = clientOf(t, plane);
    assert.equal(await askedOn(client, postOf('k1')), 201);
    const first = lastOf(client.received());
    assert.doesNotMatch(first, /Idempotency-Replayed/);
    assert.equal(await askedOn(client, postOf('"k1"')), 201, 'as a quoted string it is the same key');
    const again = lastOf(client.received());
    assert.match(again, /\r\nIdempotency-Replayed: true\r\n/);
    assert.match(again, /\r\nx-nth: 1\r\n/i);
    assert.match(again, /\r\nset-cookie: a=b\r\n/i);
    assert.ok(again.endsWith('\r\n\r\norder 1'));
    assert.equal(again.match(/x-request-id/gi)?.length, 1, 'with an id of its own');
    assert.deepEqual(upstream.bodies, ['hello']);
    assert.match(upstream.headers[0] as string, /"idempotency-key":"k1"/, 'the upstream sees it too');
    assert.equal(await askedOn(client, postOf('k2')), 201);
    assert.equal(upstream.bodies.length, 2, 'another key is another request');
    assert.equal(reasonCount(plane, ROUTE_CELL, REASON.idempotencyReplayed), 1);
    await eventually(() => plane.broker.status.counts.kept === 2, 'both are kept');
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
  });

  it('is somebody’s own: other credentials, another route of the same key, another answer', async (t) => {
    const upstream = await countingOf(t, plain);
    const plane = await brokeredOf(t, upstream.port, { cookies: ['session'] });
    const client = clientOf(t, plane);
    const from = (lines: string) => askedOn(client, postOf('k', 'x', lines));
    for (const lines of [
      'Authorization: Bearer a\r\n',
      'Authorization: Bearer b\r\n',
      'Cookie: session=1\r\n',
      'Cookie: other=1\r\n',
      '',
    ]) {
      assert.equal(await from(lines), 201);
      assert.doesNotMatch(lastOf(client.received()), /Replayed/, lines);
      assert.equal(await from(lines), 201);
      assert.match(lastOf(client.received()), /Replayed/, lines);
    }
    assert.equal(await from('Cookie: session=1; seen=2\r\n'), 201);
    assert.match(lastOf(client.received()), /Replayed/, 'other cookies do not matter where the named one tells');
    assert.equal(upstream.bodies.length, 5);
  });

  it('with another body, target or method is refused with 422', async (t) => {
    const upstream = await countingOf(t, plain);
    const plane = await brokeredOf(t, upstream.port);
    const client = clientOf(t, plane);
    assert.equal(await askedOn(client, postOf('k', 'one')), 201);
    assert.equal(await askedOn(client, postOf('k', 'two')), 422);
    assert.match(lastOf(client.received()), /"reason":"idempotency_mismatch"/);
    assert.equal(await askedOn(client, postOf('k', 'one', '', '/other')), 422);
    assert.equal(await askedOn(client, postOf('k', 'one').replace('POST', 'PATCH')), 422);
    const chunked = postOf('k', '').replace(
      /Content-Length: 0\r\n\r\n/,
      'Transfer-Encoding: chunked\r\n\r\n2\r\non\r\n1\r\ne\r\n0\r\n\r\n',
    );
    assert.equal(await askedOn(client, chunked), 201, 'how it is framed does not matter');
    assert.equal(upstream.bodies.length, 1);
  });

  it('is missing: let through or refused with 400, as is a malformed one', async (t) => {
    const upstream = await countingOf(t, plain);
    const plane = await brokeredOf(t, upstream.port, { isRequired: true });
    const client = clientOf(t, plane);
    const without = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n';
    assert.equal(await askedOn(client, without), 400);
    assert.match(lastOf(client.received()), /"reason":"idempotency_key"/);
    for (const key of ['', 'two words', `"${'x'.repeat(256)}"`, 'a\r\nIdempotency-Key: b']) {
      assert.equal(await askedOn(clientOf(t, plane), postOf(key)), 400, key);
    }
    assert.equal(await askedOn(client, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'), 201, 'a GET needs none');
    assert.equal(upstream.bodies.length, 1);
    const open = await brokeredOf(t, upstream.port);
    assert.equal(await askedOn(clientOf(t, open), without), 201);
  });
});
