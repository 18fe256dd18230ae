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
  refusedPortOf,
  SECOND_CELL,
  turningClock,
} from '../../../support/proxy/running.ts';

const CONFIG: BreakerConfig = {
  consecutiveErrors: 3,
  successRatioMin: 0.5,
  requestsMin: 1000,
  windowMs: 10_000,
  openMs: 300,
  probes: 2,
};

/** Of the first step of the first route's fallback. */
const FALLBACK_CELL = 50;

describe('a version with a breaker', () => {
  it('gets no request while it is open, and all once its probes were answered', async (t) => {
    const clock = turningClock(t);
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
    await clock.passed(CONFIG.openMs);
    for (let n = 0; n < 20; n++) assert.equal(await ask(), 200);
    const shown = (): number =>
      plane.count(FIRST_CELL, CELL.breakerOpen) + plane.count(FIRST_CELL, CELL.breakerHalfOpen);
    await eventually(() => shown() === 0, 'shown as closed');
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

  it('is told of what fails there and is not let through a second time', async (t) => {
    const port = await refusedPortOf(t);
    const version = { name: 'v1', ports: [port], weight: 1, breaker: { ...CONFIG, openMs: 60_000 } };
    const plane = await planeOf(t, { routes: [{ versions: [version], retry: { retriesMax: 1 } }] });
    const client = clientOf(t, plane);
    const answers: number[] = [];
    for (let n = 0; n < 4; n++) answers.push(await askedOn(client, getOf('/')));
    // The second request's first attempt opens the breaker.
    assert.deepEqual(answers, [502, 503, 503, 503]);
    assert.equal(plane.count(FIRST_CELL, CELL.bad), 2);
    assert.equal(reasonCount(plane, FIRST_CELL, REASON.circuitOpen), 3);
  });

  it('does not lose a probe to a connection that had ended meanwhile', async (t) => {
    const clock = turningClock(t);
    let status = 500;
    let races = 0;
    const used = new WeakSet<object>();
    const port = await httpUpstreamOf(t, (request, response) => {
      if (used.has(request.socket)) {
        races += 1;
        request.socket.destroy();
        return;
      }
      used.add(request.socket);
      response.writeHead(status).end('ok');
    });
    const version = { name: 'v1', ports: [port], weight: 1, breaker: { ...CONFIG, probes: 1 } };
    const plane = await planeOf(t, { routes: [{ versions: [version], retry: { retriesMax: 0 } }] });
    const client = clientOf(t, plane);
    for (let n = 0; n < 3; n++) assert.equal(await askedOn(client, getOf('/')), 500);
    assert.equal(await askedOn(client, getOf('/')), 503);
    status = 200;
    const before = races;
    await clock.passed(CONFIG.openMs);
    assert.equal(await askedOn(client, getOf('/')), 200);
    assert.equal(races, before + 1);
  });

  it('of a fallback is told nothing of what failed before it was asked', async (t) => {
    const port = await refusedPortOf(t);
    const breaker = { ...CONFIG, consecutiveErrors: 1, openMs: 60_000 };
    const plane = await planeOf(t, {
      routes: [
        {
          versions: [{ name: 'v1', ports: [port], weight: 1 }],
          retry: { retriesMax: 1 },
          fallback: [
            {
              kind: 'service',
              on: ['connect_refused'],
              version: { name: 'spare', ports: [port], weight: 1, breaker },
            },
          ],
        },
      ],
    });
    const client = clientOf(t, plane);
    // The first one opens the breaker of what is asked instead, the second one finds it open.
    for (const status of [502, 503]) assert.equal(await askedOn(client, getOf('/')), status);
    assert.equal(plane.count(FIRST_CELL, CELL.bad), 2);
    assert.equal(plane.count(FALLBACK_CELL, CELL.bad), 1);
    assert.equal(reasonCount(plane, FALLBACK_CELL, REASON.circuitOpen), 1);
  });
});
