/** How long an upstream connection is used again: its age, the upstream's hints, and both on real connections. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { Lifetime } from '#src/proxy/forward/keep-alive.ts';
import { bytesPerCall, COUNTED } from '../../../support/proxy/allocation.ts';
import {
  answeringOf,
  askedOn,
  clientOf,
  endpointWord,
  eventually,
  GET,
  oneVersion,
  planeOf,
} from '../../../support/proxy/running.ts';

const IDLE_MS = 4000;

function lifetime(hint?: string, lifetimeMs = 300_000): Lifetime {
  const made = new Lifetime(0, lifetimeMs, new Random(1));
  if (hint !== undefined) made.hear(hint);
  return made;
}

describe('an idle connection', () => {
  it('waits as configured when the upstream says nothing', () => assert.equal(lifetime().idleUntil(10, IDLE_MS), 4010));

  for (const [hint, untilMs] of [
    ['timeout=5', 4000],
    ['timeout=3, max=100', 2000],
    ['Max=7; Timeout=2', 1000],
    ['timeout=1', 500],
    ['timeout=0', 0],
    ['timeout=60', 4000],
    ['timeout=', 4000],
    ['timeout=1e1', 500],
    ['xtimeout=1', 4000],
    ['timeout=1234567', 4000],
    [`timeout=1, ${'x'.repeat(200)}`, 4000],
    ['', 4000],
  ] as const) {
    it(`is given up in time when it says ${JSON.stringify(hint.slice(0, 20))}`, () =>
      assert.equal(lifetime(hint).idleUntil(0, IDLE_MS), untilMs));
  }

  it('serves as many more requests as the upstream says', () => {
    const made = lifetime('max=2');
    const uses = [made.idleUntil(1, IDLE_MS), made.idleUntil(2, IDLE_MS), made.idleUntil(3, IDLE_MS)];
    assert.deepEqual(uses, [4001, 4002, 3]);
    assert.equal(lifetime('max=0').idleUntil(5, IDLE_MS), 5);
  });

  it('ends with its lifetime, 10 % sooner or later', () => {
    const ends = Array.from({ length: 1000 }, (_, seed) =>
      new Lifetime(0, 10_000, new Random(seed)).idleUntil(8999, 1e9),
    );
    assert.ok(Math.min(...ends) >= 9000 && Math.min(...ends) < 9050, String(Math.min(...ends)));
    assert.ok(Math.max(...ends) <= 11_000 && Math.max(...ends) > 10_950, String(Math.max(...ends)));
  });

  it('costs no memory', COUNTED, () => {
    const made = lifetime();
    let sum = 0;
    assert.ok(
      bytesPerCall(
        () => {
          sum += made.idleUntil(5, IDLE_MS) > 5 ? 1 : 0;
        },
        5000,
        0,
      ) <= 32,
    );
    assert.ok(sum > 0);
  });
});

describe('an upstream', () => {
  async function asking(t: Parameters<typeof planeOf>[0], field: string, timeouts = {}) {
    const upstream = await answeringOf(t, `HTTP/1.1 200 OK\r\n${field}Content-Length: 2\r\n\r\nok`);
    const plane = await planeOf(t, {
      ...oneVersion(upstream.port),
      timeouts: { upstreamIdleMs: 600_000, ...timeouts },
    });
    const client = clientOf(t, plane);
    for (let n = 0; n < 4; n++) assert.equal(await askedOn(client, GET), 200);
    return { upstream, plane };
  }

  it('that allows one more request gets one more on each connection', async (t) => {
    const { upstream, plane } = await asking(t, 'Keep-Alive: max=1\r\n');
    assert.equal(upstream.sockets.length, 2);
    assert.equal(endpointWord(plane, upstream.port, 'open'), 0);
  });

  it('that closes at once gets a connection per request', async (t) => {
    const { upstream } = await asking(t, 'Keep-Alive: timeout=0\r\n');
    assert.equal(upstream.sockets.length, 4);
  });

  it('that closes soon is left before it does', async (t) => {
    const { upstream, plane } = await asking(t, 'Keep-Alive: timeout=1\r\n');
    assert.equal(upstream.sockets.length, 1);
    await eventually(() => endpointWord(plane, upstream.port, 'open') === 0, 'the gateway closes it');
  });

  it('is connected to anew when its connections are old', async (t) => {
    const { upstream } = await asking(t, '', { upstreamLifetimeMs: 0 });
    assert.equal(upstream.sockets.length, 4);
  });
});
