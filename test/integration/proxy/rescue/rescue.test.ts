/** Rescue through a real data plane: whatever way a canary breaks, its users hardly see it, and it pays for all of it. */

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { REASON } from '#src/model/reason.ts';
import { CELL } from '#src/model/tallies.ts';
import { asked, BUSY, CANARY, CLOSE, rescues, STABLE, scene, UNUSED } from '../../../support/http/rescued.ts';
import { type RouteSketch, readCell } from '../../../support/plane.ts';
import {
  answeringOf,
  askedOn,
  assertQuiet,
  clientOf,
  endpointWord,
  eventually,
  GET,
  getOf,
  OK,
  perHead,
  planeOf,
  ROUTE_CELL,
  reasonCount,
  refusedPortOf,
  turningClock,
  upstreamOf,
} from '../../../support/proxy/running.ts';
import { switching, upgradeRequest } from '../../../support/proxy/upgrade.ts';
import { type RawClient, sendAndClose, statusesOf } from '../../../support/raw.ts';

/** Failures after which a verdict takes a canary with half of the users out, that fails altogether, and some more. */
const FAILURES_UNTIL_ROLLBACK = 40;
/** They ask at once, so that waiting for a canary that hangs takes no longer than it must. */
const USERS = 4;
/** Far more than stable takes. */
const HANGING = { retry: { attemptTimeoutMs: 250 } };

async function failingWith(t: TestContext, answer: (socket: Socket) => void): Promise<number> {
  return (await upstreamOf(t, answer)).port;
}

describe('a canary that is broken altogether, at half of the traffic', () => {
  const ways: readonly (readonly [string, (t: TestContext) => Promise<number>, Partial<RouteSketch>?])[] = [
    ['answers 503', async (t) => (await answeringOf(t, BUSY)).port],
    ['refuses connections', refusedPortOf],
    ['resets', (t) => failingWith(t, (socket) => socket.resetAndDestroy())],
    ['hangs beyond the time of an attempt', (t) => failingWith(t, () => undefined), HANGING],
    ['sends nonsense', (t) => failingWith(t, (socket) => socket.write('HELLO\r\n\r\n'))],
  ];
  for (const [name, brokenOf, change] of ways) {
    it(`shows its users 2 failures at most until it is taken out: it ${name}`, async (t) => {
      turningClock(t);
      const on = await scene(t, await brokenOf(t), change);
      const clients = Array.from({ length: USERS }, () => clientOf(t, on.plane));
      on.plane.dials.set([1, 0], STABLE);
      for (let n = 0; n < 100; n++) {
        assert.equal(await askedOn(clients[n % USERS] as RawClient, GET), 200, 'all is well');
      }
      on.plane.dials.set([1, 1], STABLE);
      let failures = 0;
      let requests = 0;
      const use = async (client: RawClient): Promise<void> => {
        while (readCell(on.plane, CANARY).bad < FAILURES_UNTIL_ROLLBACK) {
          assert.ok(++requests <= 200, 'the canary gets no traffic');
          if ((await askedOn(client, GET)) !== 200) failures++;
        }
      };
      await Promise.all(clients.map(use));
      await assertQuiet(on.plane, [ROUTE_CELL, STABLE, CANARY], [on.stable.port, on.canary]);
      t.diagnostic(`${failures} failures of ${requests} requests, rescues ${JSON.stringify(rescues(on.plane))}`);
      assert.ok(failures <= 2, `${failures} failures`);
      assert.equal(readCell(on.plane, ROUTE_CELL).bad, failures);
      const failed = readCell(on.plane, CANARY).bad;
      assert.ok(failed >= FAILURES_UNTIL_ROLLBACK && failed < FAILURES_UNTIL_ROLLBACK + USERS, `${failed}`);
      assert.equal(readCell(on.plane, STABLE).bad, 0);
      const { good = 0, bad = 0, skipped = 0 } = rescues(on.plane);
      assert.deepEqual([good + skipped, bad, skipped], [failed, 0, failures]);
      assert.equal(readCell(on.plane, STABLE).finished, 100 + requests - failed);
      assert.equal(on.plane.count(CANARY, CELL.retries), 0, 'a rescue takes the place of a retry');
    });
  }
});

describe('a rescue', () => {
  it('sends stable the same bytes, and is on the record once: good for the route, bad for the canary', async (t) => {
    const canary = await answeringOf(t, BUSY);
    const on = await scene(t, canary.port);
    assert.match(await asked(on, getOf('/a?b', `X-Some: thing\r\n${CLOSE}`)), /^HTTP\/1\.1 200 OK\r\n[^]*\r\nok$/);
    assert.equal(on.stable.received[0], canary.received[0]);
    await assertQuiet(on.plane, [ROUTE_CELL, STABLE, CANARY], [on.stable.port, on.canary]);
    assert.deepEqual(readCell(on.plane, ROUTE_CELL), { ...UNUSED, finished: 1 });
    assert.deepEqual(readCell(on.plane, CANARY), { ...UNUSED, finished: 1, bad: 1 });
    assert.deepEqual(readCell(on.plane, STABLE), UNUSED);
    assert.deepEqual(rescues(on.plane), { good: 1 });
    assert.deepEqual(
      [on.canary, on.stable.port].map((port) => [
        endpointWord(on.plane, port, 'good'),
        endpointWord(on.plane, port, 'bad'),
      ]),
      [
        [0, 1],
        [1, 0],
      ],
      'endpoints hear of every attempt',
    );
  });

  it('that fails as well is bad for the route, bad once for the canary, and tells of stable’s failure', async (t) => {
    const reset = await upstreamOf(t, (socket) => socket.resetAndDestroy());
    const versions = [
      { name: 'stable', ports: [reset.port], weight: 0 },
      { name: 'canary', ports: [await refusedPortOf(t)], weight: 1 },
    ];
    const plane = await planeOf(t, { routes: [{ versions, rescue: 'unpinned' }] });
    const received = await sendAndClose(plane.port, getOf('/', CLOSE));
    assert.deepEqual(statusesOf(received), [502]);
    assert.match(received, /error=connection_terminated/);
    assert.equal(reset.sockets.length, 1, 'and is not tried once more: it was the retry');
    assert.deepEqual(readCell(plane, ROUTE_CELL), { ...UNUSED, finished: 1, bad: 1 });
    assert.deepEqual(readCell(plane, CANARY), { ...UNUSED, finished: 1, bad: 1 });
    assert.deepEqual(readCell(plane, STABLE), UNUSED);
    assert.deepEqual([reasonCount(plane, CANARY, REASON.connectRefused), rescues(plane)], [1, { bad: 1 }]);
  });

  it('goes on within what is left of the route’s retries', async (t) => {
    let served = 0;
    const flaky = await upstreamOf(
      t,
      perHead((socket) => (served++ === 0 ? socket.resetAndDestroy() : socket.write(OK))),
    );
    const versions = [
      { name: 'stable', ports: [flaky.port], weight: 0 },
      { name: 'canary', ports: [await refusedPortOf(t)], weight: 1 },
    ];
    const plane = await planeOf(t, {
      routes: [{ versions, rescue: 'unpinned', retry: { retriesMax: 2, backoffMs: 1 } }],
    });
    assert.deepEqual(statusesOf(await sendAndClose(plane.port, getOf('/', CLOSE))), [200]);
    assert.deepEqual([rescues(plane), plane.count(STABLE, CELL.retries)], [{ good: 1 }, 1]);
    assert.deepEqual([readCell(plane, STABLE), plane.count(STABLE, CELL.mended)], [UNUSED, 0]);
  });

  it('is made for a version without endpoints, and when too many wait for the canary’s', async (t) => {
    const held: Socket[] = [];
    const canary = await upstreamOf(t, (socket) => void held.push(socket));
    const empty = await scene(t, canary.port);
    empty.plane.swap({
      routes: [
        {
          versions: [
            { name: 'stable', ports: [empty.stable.port], weight: 0 },
            { name: 'canary', ports: [], weight: 1 },
          ],
          rescue: 'unpinned',
        },
      ],
    });
    assert.deepEqual(statusesOf(await asked(empty)), [200]);
    assert.equal(reasonCount(empty.plane, CANARY, REASON.noEndpoint), 1);

    const full = await scene(t, canary.port, { limits: { endpointConnectionsMax: 1, endpointPendingMax: 0 } });
    clientOf(t, full.plane).send(GET);
    await eventually(() => held.length === 1, 'the canary’s only connection is taken');
    const post = `POST / HTTP/1.1\r\nHost: a\r\n${CLOSE}Content-Length: 2\r\n\r\nhi`;
    for (const text of [getOf('/', CLOSE), post]) assert.deepEqual(statusesOf(await asked(full, text)), [200]);
    assert.deepEqual([rescues(full.plane), reasonCount(full.plane, CANARY, REASON.shed)], [{ good: 2 }, 2]);
    assert.equal(readCell(full.plane, CANARY).bad, 0, 'a full queue is no evidence, as without a rescue');
  });

  it('is made when the wait in the canary’s queue takes too long', async (t) => {
    turningClock(t);
    const held: Socket[] = [];
    const canary = await upstreamOf(t, (socket) => void held.push(socket));
    const on = await scene(t, canary.port, { limits: { endpointConnectionsMax: 1 }, timeouts: { pendingMs: 60 } });
    clientOf(t, on.plane).send(GET);
    await eventually(() => held.length === 1, 'the canary’s only connection is taken');
    assert.deepEqual(statusesOf(await asked(on)), [200]);
    assert.deepEqual(rescues(on.plane), { good: 1 });
  });

  it('ends with its client: nothing stays behind, and it is good for nobody', async (t) => {
    const hanging = await upstreamOf(t, () => undefined);
    const versions = [
      { name: 'stable', ports: [hanging.port], weight: 0 },
      { name: 'canary', ports: [await refusedPortOf(t)], weight: 1 },
    ];
    const plane = await planeOf(t, { routes: [{ versions, rescue: 'unpinned' }] });
    const client = clientOf(t, plane);
    client.send(GET);
    await eventually(() => hanging.received.some((text) => text !== ''), 'stable was asked');
    client.socket.destroy();
    await assertQuiet(plane, [ROUTE_CELL, STABLE, CANARY], [hanging.port]);
    assert.deepEqual([rescues(plane), readCell(plane, ROUTE_CELL).ignored], [{ ignored: 1 }, 1]);
    assert.deepEqual([readCell(plane, CANARY).bad, readCell(plane, STABLE)], [1, UNUSED]);
  });

  it('is made for a handshake that the canary refuses, whether it answers or not', async (t) => {
    for (const refuse of [
      (socket: Socket): void => void socket.write(BUSY),
      (socket: Socket): void => void socket.resetAndDestroy(),
    ]) {
      const stable = await upstreamOf(t, (socket) => socket.write(switching()));
      const canary = await upstreamOf(t, refuse);
      const versions = [
        { name: 'stable', ports: [stable.port], weight: 0 },
        { name: 'canary', ports: [canary.port], weight: 1 },
      ];
      const plane = await planeOf(t, { routes: [{ versions, rescue: 'unpinned' }] });
      const client = clientOf(t, plane);
      client.send(upgradeRequest());
      assert.match(await client.until((text) => text.includes('\r\n\r\n')), /^HTTP\/1\.1 101 /);
      await assertQuiet(plane, [ROUTE_CELL, STABLE, CANARY], [stable.port, canary.port]);
      assert.deepEqual([rescues(plane), readCell(plane, CANARY).bad], [{ good: 1 }, 1]);
      assert.deepEqual([plane.count(STABLE, CELL.sessions), readCell(plane, STABLE)], [1, UNUSED]);
      assert.equal(endpointWord(plane, canary.port, 'bad'), 1);
    }
  });
});
