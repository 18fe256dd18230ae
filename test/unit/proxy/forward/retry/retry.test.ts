/** When a failed attempt may be tried again, and how many such attempts the budget gives. */

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { REASON, REASONS, type Reason } from '#src/model/reason.ts';
import { CELL } from '#src/model/tallies.ts';
import type { Exchange } from '#src/proxy/exchange.ts';
import { Hedge } from '#src/proxy/forward/retry/hedge.ts';
import {
  backoffMs,
  isRetriedStatus,
  mayRetry,
  mayRunAgain,
  paysRun,
  RACE_MS,
  RetryBudget,
  type Retrying,
} from '#src/proxy/forward/retry/retry.ts';
import { DEFAULT_RETRY } from '#src/sources/defaults.ts';
import { type PlaneSketch, readCell } from '../../../../support/plane.ts';
import { bytesPerCall, COUNTED } from '../../../../support/proxy/allocation.ts';
import { bench, exchangeOn, routeOf, TWO_VERSIONS } from '../../../../support/proxy/parts.ts';
import {
  askedOn,
  clientOf,
  endpointWord,
  eventually,
  FIRST_CELL,
  GET,
  getOf,
  OK,
  oneVersion,
  perHead,
  planeOf,
  stoppedClock,
  upstreamOf,
} from '../../../../support/proxy/running.ts';

const NOTHING = {
  sentAtMs: Number.NEGATIVE_INFINITY,
  rescuedFrom: null,
  fallen: null,
  hadWeight: false,
  keyed: null,
  pacing: null,
  copying: null,
  comparing: null,
  streaming: null,
  traced: null,
};
const RETRIED: Retrying = { count: 1, timer: null, hasFailed: true, ...NOTHING };

/** Retries the budget gives at one instant. */
function drained(budget: RetryBudget, nowMs: number): number {
  let given = 0;
  while (given < 1000 && budget.withdraw(nowMs)) given++;
  return given;
}

describe('the retry budget', () => {
  it('begins with 3 retries', () => assert.equal(drained(new RetryBudget(0), 0), 3));

  it('earns 3 a second', () => {
    const budget = new RetryBudget(0);
    drained(budget, 0);
    assert.equal(drained(budget, 333), 0);
    assert.equal(drained(budget, 1000), 3);
    assert.equal(drained(budget, 3000), 6);
  });

  it('earns one for ten requests', () => {
    const budget = new RetryBudget(0);
    drained(budget, 0);
    for (let i = 0; i < 55; i++) budget.deposit();
    assert.equal(drained(budget, 0), 5);
  });

  it('holds 10 at most, however many requests or hours went by', () => {
    const budget = new RetryBudget(0);
    for (let i = 0; i < 100_000; i++) budget.deposit();
    assert.equal(drained(budget, 0), 10);
    assert.equal(drained(budget, 24 * 3_600_000), 10);
  });

  it('takes back what was not in vain, never beyond 10', () => {
    const budget = new RetryBudget(0);
    drained(budget, 0);
    budget.giveBack();
    assert.equal(drained(budget, 0), 1);
    for (let i = 0; i < 20; i++) budget.giveBack();
    assert.equal(drained(budget, 0), 10);
  });

  it('gives a rescue in advance what the next second earns by the last one, and has that first earned again', () => {
    const budget = new RetryBudget(0);
    for (let i = 0; i < 1000; i++) budget.deposit();
    budget.turn(999);
    drained(budget, 1000);
    assert.equal(budget.withdrawInAdvance(1000), false, 'nothing is known of a second yet');
    budget.turn(2000);
    // 1,000 requests in two seconds.
    let given = 0;
    while (given < 1000 && budget.withdrawInAdvance(1000)) given++;
    assert.equal(given, 50);
    for (let i = 0; i < 505; i++) budget.deposit();
    assert.equal(drained(budget, 1000), 0);
    for (let i = 0; i < 10; i++) budget.deposit();
    assert.equal(drained(budget, 1000), 1);
    budget.turn(3000);
    budget.turn(4000);
    assert.equal(budget.withdrawInAdvance(1000), false, 'a second without requests earns nothing');
  });

  it('asks no longer than ten seconds for what was taken in advance and is not earned, as hardly anybody comes any more', () => {
    const budget = new RetryBudget(0);
    for (let i = 0; i < 1000; i++) budget.deposit();
    budget.turn(1000);
    let given = 0;
    while (given < 1000 && budget.withdrawInAdvance(1000)) given++;
    assert.equal(given, 110);
    for (let atMs = 2000; atMs < 11_000; atMs += 1000) {
      budget.turn(atMs);
      assert.equal(drained(budget, atMs), 0);
    }
    budget.turn(11_000);
    assert.equal(drained(budget, 11_000), 0, 'nothing is given for it');
    assert.equal(drained(budget, 12_000), 3);
  });

  it('adds at most a tenth to the load when everything fails', () => {
    const budget = new RetryBudget(0);
    let retries = 0;
    for (let request = 0; request < 100_000; request++) {
      budget.deposit();
      // 10,000 requests a second.
      if (budget.withdraw(request / 10)) retries++;
    }
    assert.ok(retries <= 10_000 + 3 + 30 + 1, String(retries));
    assert.ok(retries >= 9900, String(retries));
  });

  it('allocates nothing for a request', COUNTED, () => {
    const budget = new RetryBudget(0);
    assert.ok(bytesPerCall(() => budget.deposit(), 5000, 16) <= 16);
  });
});

describe('another attempt', () => {
  function failed(change: Partial<Exchange>): Exchange {
    const on = bench();
    const x = exchangeOn(on);
    x.route = routeOf(on.table);
    return Object.assign(x, { method: 'GET', attempts: 1, ...change });
  }

  const retried: readonly (readonly [string, Reason, Partial<Exchange>])[] = [
    ['a refused connection', REASON.connectRefused, {}],
    ['a refused connection, even for POST: nothing was sent', REASON.connectRefused, { method: 'POST' }],
    ['a connection that did not open in time', REASON.connectTimeout, { method: 'POST' }],
    ['a failed TLS handshake', REASON.tlsFailed, { method: 'POST' }],
    ['a reset before the answer', REASON.upstreamReset, {}],
    ['a response that did not come in time', REASON.responseTimeout, {}],
    ['a reset before the answer to DELETE', REASON.upstreamReset, { method: 'DELETE' }],
  ];
  for (const [name, reason, change] of retried) {
    it(`is made after ${name}`, () => assert.equal(mayRetry(failed(change), reason), true));
  }

  const final: readonly (readonly [string, Reason, Partial<Exchange>])[] = [
    ['a reset of a POST: it may have been done', REASON.upstreamReset, { method: 'POST' }],
    ['a reset of a PATCH', REASON.upstreamReset, { method: 'PATCH' }],
    ['a reset of an unknown method', REASON.upstreamReset, { method: 'get' }],
    ['the last retry', REASON.connectRefused, { retrying: RETRIED, attempts: 2 }],
    ['body bytes are gone', REASON.connectRefused, { isSpent: true }],
    ['a refused connection of a POST that went out before', REASON.connectRefused, { method: 'POST', isSpent: true }],
    ['the response began', REASON.upstreamReset, { responseStarted: true }],
    ['a timeout of a POST', REASON.responseTimeout, { method: 'POST' }],
  ];
  for (const [name, reason, change] of final) {
    it(`is not made after ${name}`, () => assert.equal(mayRetry(failed(change), reason), false));
  }

  it('is never made for a reason whose row says never', () => {
    REASONS.forEach((row, reason) => {
      if (row.retry === 'never') assert.equal(mayRetry(failed({}), reason as Reason), false, row.name);
    });
  });
});

describe('the keep-alive race', () => {
  function raced(change: Partial<Exchange>): Exchange {
    return Object.assign(exchangeOn(bench()), {
      method: 'GET',
      attempts: 1,
      attemptAtMs: 0,
      isOnReused: true,
      ...change,
    });
  }

  it('is run again, without a token', () => assert.equal(mayRunAgain(raced({}), REASON.upstreamReset, 0), true));

  const final: readonly (readonly [string, Partial<Exchange>])[] = [
    ['was run again before', { attempts: 2 }],
    ['was on a fresh connection, or got an answer’s first bytes', { isOnReused: false }],
    ['may not be sent twice', { method: 'POST' }],
    ['has lost body bytes', { isSpent: true }],
  ];
  for (const [name, change] of final) {
    it(`is not when the request ${name}`, () =>
      assert.equal(mayRunAgain(raced(change), REASON.upstreamReset, 0), false));
  }

  it('is a reset and nothing else', () => assert.equal(mayRunAgain(raced({}), REASON.responseTimeout, 0), false));

  it('is lost within a bound, from when the request was sent', () => {
    const at = (x: Exchange, nowMs: number): boolean => mayRunAgain(x, REASON.upstreamReset, nowMs);
    assert.deepEqual([at(raced({}), RACE_MS - 1), at(raced({}), RACE_MS)], [true, false]);
    const waited = raced({ retrying: { ...RETRIED, count: 0, sentAtMs: 1000 } });
    assert.deepEqual([at(waited, 1000 + RACE_MS - 1), at(waited, 1000 + RACE_MS)], [true, false]);
    waited.attemptAtMs = 5000;
    assert.deepEqual(
      [at(waited, 5000 + RACE_MS - 1), at(waited, 5000 + RACE_MS)],
      [true, false],
      'an attempt after that',
    );
  });

  it('is run again for nothing, however little the budget has', () => {
    const x = raced({});
    drained(x.client.lane.retryBudget, 0);
    assert.equal(paysRun(x, REASON.upstreamReset, 0), true);
  });
});

describe('the keep-alive race on the wire', () => {
  const once = (port: number): PlaneSketch => ({
    routes: [{ ...oneVersion(port).routes[0]!, retry: { retriesMax: 0 } }],
  });

  it('is over when its time is: who worked on the request and crashed has failed, and nobody executes it again', async (t) => {
    const passes = stoppedClock(t);
    const upstream = await upstreamOf(
      t,
      perHead((socket, path) => {
        if (path === '/') return socket.write(OK);
        passes(300);
        return socket.resetAndDestroy();
      }),
    );
    const plane = await planeOf(t, once(upstream.port));
    const client = clientOf(t, plane);
    assert.equal(await askedOn(client, GET), 200);
    assert.equal(await askedOn(client, 'DELETE /crash HTTP/1.1\r\nHost: a\r\n\r\n'), 502);
    assert.equal(upstream.received.join('').split('DELETE').length, 2);
    const bad = [readCell(plane, FIRST_CELL).bad, endpointWord(plane, upstream.port, 'bad')];
    assert.deepEqual(bad, [1, 1]);
  });

  it('begins when the request is sent, however long that waited for its connection', async (t) => {
    const passes = stoppedClock(t);
    const held: Socket[] = [];
    const upstream = await upstreamOf(
      t,
      perHead((socket, path) => {
        if (path === '/first') held.push(socket);
        else if (socket === held[0]) socket.resetAndDestroy();
        else socket.write(OK);
      }),
    );
    const plane = await planeOf(t, { ...once(upstream.port), limits: { endpointConnectionsMax: 1 } });
    const [first, second] = [clientOf(t, plane), clientOf(t, plane)];
    first.send(getOf('/first'));
    await eventually(() => held.length === 1, 'the only connection is taken');
    const answer = askedOn(second, getOf('/second'));
    await eventually(() => endpointWord(plane, upstream.port, 'inFlight') === 2, 'the second one waits');
    passes(1000);
    held[0]?.write(OK);
    assert.equal(await answer, 200);
    assert.equal(upstream.sockets.length, 2);
    const bad = [readCell(plane, FIRST_CELL).bad, endpointWord(plane, upstream.port, 'bad')];
    assert.deepEqual(bad, [0, 0]);
  });
});

describe('a stream that was refused', () => {
  function refused(retriesMax: number, change: Partial<Exchange> = {}): { x: Exchange; skipped: () => number } {
    const on = bench();
    const x = exchangeOn(on);
    const route = routeOf(on.table);
    Object.assign(x, { method: 'POST', attempts: 1, ...change });
    x.route = { ...route, retry: { ...route.retry, retriesMax } };
    return { x, skipped: () => on.tallies.cells[route.cellBase + CELL.retriesSkipped] as number };
  }
  const pays = ({ x }: { x: Exchange }): boolean => paysRun(x, REASON.streamRefused, 0);

  it('may be sent again once, whatever its method is, for a token', () => {
    const it = refused(0);
    assert.equal(mayRunAgain(it.x, REASON.streamRefused, 10_000), true);
    const { retryBudget } = it.x.client.lane;
    const had = 3;
    assert.deepEqual([pays(it), drained(retryBudget, 0), pays(it), it.skipped()], [true, had - 1, false, 1]);
    it.x.attempts = 2;
    assert.equal(mayRunAgain(it.x, REASON.streamRefused, 10_000), false);
  });

  it('is counted as not sent again by the route’s own retries where it has any', () => {
    const it = refused(1);
    drained(it.x.client.lane.retryBudget, 0);
    assert.deepEqual([pays(it), it.skipped()], [false, 0]);
  });

  it('takes no token where its connection had an answer to spare, or another arm goes on', () => {
    const spared = refused(0, { isOnReused: true });
    const armed = refused(0);
    const hedge = new Hedge(armed.x, 0);
    hedge.shadow = exchangeOn(bench());
    armed.x.hedge = hedge;
    for (const it of [spared, armed]) {
      drained(it.x.client.lane.retryBudget, 0);
      assert.deepEqual([pays(it), it.skipped()], [true, 0]);
    }
  });
});

describe('the wait before a retry', () => {
  const retry = { ...DEFAULT_RETRY, backoffMs: 40 };

  it('is none before the first', () => assert.equal(backoffMs(retry, 1, new Random(1)), 0));

  it('is uniform from 0 on, its mean the configured one and twice as long each time', () => {
    for (const [nth, meanMs] of [
      [2, 40],
      [3, 80],
      [4, 160],
    ] as const) {
      const random = new Random(nth);
      const waits = Array.from({ length: 4000 }, () => backoffMs(retry, nth, random));
      const mean = waits.reduce((sum, wait) => sum + wait, 0) / waits.length;
      assert.ok(Math.abs(mean / meanMs - 1) < 0.05, `${nth}: ${mean}`);
      assert.ok(
        Math.min(...waits) < 0.01 * meanMs && Math.max(...waits) <= 2 * meanMs && Math.max(...waits) > 1.95 * meanMs,
      );
    }
  });

  it('is a minute at most', () => {
    const long = { ...DEFAULT_RETRY, backoffMs: 60_000 };
    for (let seed = 0; seed < 100; seed++) assert.ok(backoffMs(long, 5, new Random(seed)) < 60_000);
  });
});

describe('a status', () => {
  function answered(change: Partial<Exchange>, statuses = [503]): Exchange {
    const on = bench({ routes: [{ ...TWO_VERSIONS, retry: { statuses } }] });
    const x = exchangeOn(on);
    x.route = routeOf(on.table);
    return Object.assign(x, { method: 'GET', attempts: 1, ...change });
  }

  it('that the route names is retried', () => assert.equal(isRetriedStatus(answered({}), 503), true));
  it('that it does not name is not', () => assert.equal(isRetriedStatus(answered({}), 502), false));
  it('of a POST is not', () => assert.equal(isRetriedStatus(answered({ method: 'POST' }), 503), false));
  it('after the last retry is not', () =>
    assert.equal(isRetriedStatus(answered({ retrying: RETRIED, attempts: 2 }), 503), false));
  it('is not when the client has heard something', () =>
    assert.equal(isRetriedStatus(answered({ isSpent: true }), 503), false));
});
