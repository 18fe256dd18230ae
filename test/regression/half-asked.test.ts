/**
 * A request that is given up before its body was there went on to another version of its fallback, head first: with a key, when there was no room for
 * bodies any more, so that what another client asked next was read as its rest; and with a body that is malformed.
 */

import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { HELD_BYTES_MAX, IdempotencyLink } from '#src/proxy/forward/retry/idempotency/link.ts';
import { brokeredOf, countingOf, plain, postOf } from '../support/http/brokered.ts';
import { asking, SORRY } from '../support/http/fallen.ts';
import { answeringOf, clientOf, eventually, planeOf, upstreamOf } from '../support/proxy/running.ts';

/** The links that are made from now on. */
function linksOf(t: TestContext): IdempotencyLink[] {
  const links: IdempotencyLink[] = [];
  const connect = Reflect.get(IdempotencyLink.prototype, 'connect');
  t.mock.method(
    IdempotencyLink.prototype,
    'connect',
    function (this: IdempotencyLink, ...args: Parameters<IdempotencyLink['connect']>) {
      links.push(this);
      connect.apply(this, args);
    },
  );
  return links;
}

for (const steps of ['a version', 'a version and a fixed answer'] as const) {
  it(`one with a key whose body finds no room is not sent to ${steps}, nor executed once there is room`, async (t) => {
    const links = linksOf(t);
    const [main, spare] = [await countingOf(t, plain), await answeringOf(t)];
    const fallback = steps === 'a version' ? [asking(spare.port)] : [asking(spare.port), SORRY];
    const plane = await brokeredOf(t, main.port, {}, { fallback });
    const [link] = links as [IdempotencyLink];
    link.held.claim(HELD_BYTES_MAX);
    const client = clientOf(t, plane);
    const request = postOf('k', 'b'.repeat(4000));
    client.send(request.slice(0, -2000));
    await client.until((text) => text.includes('\r\n\r\n'));
    assert.match(client.received(), steps === 'a version' ? /^HTTP\/1\.1 503 / : /^HTTP\/1\.1 200 [^]*sorry$/);
    link.held.giveBack(HELD_BYTES_MAX);
    client.send(request.slice(-2000));
    const other = clientOf(t, plane);
    other.send(postOf('other'));
    await other.until((text) => text.includes('order 1'));
    assert.deepEqual([main.bodies, spare.received, plane.broker.status.counts.executed], [['hello'], [], 1]);
    assert.equal(link.held.bytes, 0);
  });
}

for (const [name, last] of [
  ['another version', (port: number) => asking(port)],
  ['a fixed answer', () => SORRY],
] as const) {
  it(`one whose client breaks its body while a step is asked gets its 400, and not ${name}`, async (t) => {
    const [first, second] = [await upstreamOf(t, () => undefined), await answeringOf(t)];
    const versions = [{ name: 'v1', ports: [], weight: 1 }];
    const plane = await planeOf(t, { routes: [{ versions, fallback: [asking(first.port), last(second.port)] }] });
    const client = clientOf(t, plane);
    client.send('PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
    await eventually(() => first.received[0]?.includes('hello') === true, 'it is asked');
    client.send('zz\r\n');
    await client.until((text) => text.includes('\r\n\r\n'));
    assert.match(client.received(), /^HTTP\/1\.1 400 /);
    assert.equal(second.sockets.length, 0);
  });
}
