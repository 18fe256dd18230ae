/** One attempt in the accounts of its endpoint: begun once, ended once, blamed only for what is its fault. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { REASON } from '#src/model/reason.ts';
import { ENDPOINT, ENDPOINT_WORDS } from '#src/model/tallies.ts';
import type { Exchange } from '#src/proxy/exchange.ts';
import { begin, detach, endAttempt, pick, punish } from '#src/proxy/forward/attempt.ts';
import type { Endpoint } from '#src/proxy/forward/endpoint.ts';
import type { Pool } from '#src/proxy/http1/pool.ts';
import { bytesPerCall } from '../../../support/proxy/allocation.ts';
import { type Bench, bench, exchangeOn, routeOf, TWO_VERSIONS } from '../../../support/proxy/parts.ts';

interface Tried {
  readonly on: Bench;
  readonly x: Exchange;
  readonly endpoint: Endpoint;
  readonly canceled: Exchange[];
}

/** An exchange and an endpoint whose pool takes it or not. */
function tried(takes = true): Tried {
  const on = bench({ routes: [TWO_VERSIONS] });
  const x = exchangeOn(on);
  const endpoint = on.endpoints[0] as Endpoint;
  const canceled: Exchange[] = [];
  endpoint.pool = {
    acquire: () => takes,
    cancel: (which: Exchange) => canceled.push(which) > 0,
  } as unknown as Pool;
  x.split = routeOf(on.table).splits[0] ?? null;
  return { on, x, endpoint, canceled };
}

function words({ on, endpoint }: Tried): (number | undefined)[] {
  const base = endpoint.id * ENDPOINT_WORDS;
  return [ENDPOINT.inFlight, ENDPOINT.finished, ENDPOINT.bad].map((word) => on.tallies.endpoints[base + word]);
}

describe('an attempt', () => {
  it('is in flight until it ends, once', () => {
    const it = tried();
    assert.equal(pick(it.x, null), it.endpoint);
    assert.equal(begin(it.x, it.endpoint), true);
    assert.deepEqual([it.endpoint.inFlight, ...words(it)], [1, 1, 0, 0]);
    endAttempt(it.x, 'bad');
    endAttempt(it.x, 'bad');
    assert.deepEqual([it.endpoint.inFlight, ...words(it)], [0, 0, 1, 1]);
  });

  it('that finds no place is over', () => {
    const it = tried(false);
    assert.equal(begin(it.x, it.endpoint), false);
    assert.deepEqual([it.endpoint.inFlight, ...words(it), it.x.isAttempting], [0, 0, 1, 0, false]);
  });

  it('that waits leaves the queue when it is detached', () => {
    const it = tried();
    begin(it.x, it.endpoint);
    detach(it.x);
    assert.deepEqual(it.canceled, [it.x]);
  });

  it('that failed makes its endpoint dearer, unless it lost the keep-alive race', () => {
    const it = tried();
    begin(it.x, it.endpoint);
    it.x.isOnReused = true;
    const before = it.endpoint.load(0);
    punish(it.x, REASON.upstreamReset);
    assert.equal(it.endpoint.load(0), before);
    it.x.isOnReused = false;
    punish(it.x, REASON.upstreamReset);
    assert.notEqual(it.endpoint.load(0), before);
  });

  it('costs no memory to begin and end', () => {
    const { x, endpoint } = tried();
    const once = (): void => {
      begin(x, endpoint);
      endAttempt(x, 'good');
    };
    assert.ok(bytesPerCall(once, 5000, 0) <= 24);
  });
});
