/** A version that fails as a whole, with real sockets: left alone, tried out, trusted again. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BreakerConfig } from '#src/model/overload.ts';
import { REASON } from '#src/model/reason.ts';
import { CELL } from '#src/model/tallies.ts';
import {
  askedOn,
  clientOf,
  eventually,
  FIRST_CELL,
  getOf,
  httpUpstreamOf,
  planeOf,
  ROUTE_CELL,
  reasonCount,
  SECOND_CELL,
} from '../../../support/proxy/running.ts';

const CONFIG: BreakerConfig = {
  consecutiveErrors: 3,
  successRatioMin: 0.5,
  requestsMin: 1000,
  windowMs: 10_000,
  openMs: 300,
  probes: 2,
};

describe('a version with a breaker', () => {
  it('gets no request while it is open, and all once its probes were answered', async (t) => {
    let status = 500;
    let asked = 0;
    const port = await httpUpstreamOf(t, (_, response) => {
      asked += 1;
      response.writeHead(status).end('ok');
    });
    const retry = { retriesMax: 0 };
    const plane = await planeOf(t, {
      routes: [{ versions: [{ name: 'v1', ports: [port], weight: 1, breaker: CONFIG }], retry }],
    });
    const client = clientOf(t, plane);
    const ask = (): Promise<number> => askedOn(client, getOf('/'));
    for (let n = 0; n < 3; n++) assert.equal(await ask(), 500);
    const before = asked;
    assert.equal(await ask(), 503);
    assert.equal(asked, before, 'the upstream was left alone');
    assert.equal(reasonCount(plane, ROUTE_CELL, REASON.circuitOpen), 1);
    assert.equal(plane.count(FIRST_CELL, CELL.bad), 3, 'what was not sent says nothing about the version');
    assert.equal(plane.count(ROUTE_CELL, CELL.bad), 4);
    await eventually(() => plane.count(FIRST_CELL, CELL.breakerOpen) === 1, 'shown as open');
    status = 200;
    // Bounded: the breaker tries again after 300 ms.
    let answer = 503;
    for (let n = 0; n < 10_000 && answer === 503; n++) answer = await ask();
    assert.equal(answer, 200);
    for (let n = 0; n < 20; n++) assert.equal(await ask(), 200);
    await eventually(() => plane.count(FIRST_CELL, CELL.breakerOpen) === 0, 'shown as closed');
    assert.equal(plane.count(FIRST_CELL, CELL.breakerHalfOpen), 0);
  });

  it('is rescued by stable where it is a canary', async (t) => {
    let failed = 0;
    const stable = await httpUpstreamOf(t, (_, response) => void response.end('stable'));
    const canary = await httpUpstreamOf(t, (_, response) => {
      failed += 1;
      response.writeHead(500).end();
    });
    const plane = await planeOf(t, {
      routes: [
        {
          versions: [
            { name: 'v1', ports: [stable], weight: 0 },
            { name: 'v2', ports: [canary], weight: 1, breaker: { ...CONFIG, openMs: 60_000 } },
          ],
          rescue: 'unpinned',
        },
      ],
    });
    const client = clientOf(t, plane);
    for (let n = 0; n < 8; n++) assert.equal(await askedOn(client, getOf('/')), 200);
    assert.equal(failed, 3);
    assert.equal(plane.count(SECOND_CELL, CELL.bad), 3);
    assert.equal(reasonCount(plane, SECOND_CELL, REASON.circuitOpen), 5);
  });
});
