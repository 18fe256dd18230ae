/** Who is rescued, when there is room and a token for it, and who is billed for what. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { REASON, REASONS, type Reason } from '#src/model/reason.ts';
import { CELL, CELL_WORDS, EVENT, EVENTS_HEAD, EVENTS_HEAD_WORDS, UNIT_BAD, UNIT_WORDS } from '#src/model/tallies.ts';
import type { LinkedSplit } from '#src/proxy/decide/table.ts';
import type { Exchange } from '#src/proxy/exchange.ts';
import type { Endpoint } from '#src/proxy/forward/endpoint.ts';
import {
  handOver,
  hasHeadroom,
  isUnwelcome,
  mayRescue,
  mayRescueAnswer,
  paysRescue,
  settleRescue,
} from '#src/proxy/forward/retry/rescue.ts';
import { retryingOf } from '#src/proxy/forward/retry/retry.ts';
import type { Pool } from '#src/proxy/http1/pool.ts';
import { setCapacity } from '#src/snapshot/endpoint-dials.ts';
import { setLatency } from '#src/snapshot/latency-dials.ts';
import type { RouteSketch } from '../../../../support/plane.ts';
import { bytesPerCall, COUNTED } from '../../../../support/proxy/allocation.ts';
import { type Bench, bench, exchangeOn, routeOf, TWO_VERSIONS } from '../../../../support/proxy/parts.ts';
import { counters, word } from '../../../../support/readings/recorded.ts';

const [ROUTE, STABLE, CANARY] = [0, 1, 2];
/** Units of the two versions. */
const [STABLE_UNIT, CANARY_UNIT] = [0, 1];
const USER = 77;

/** A bench whose canary is rescued; the endpoints have pools that are congested or not. */
function rescuing(
  change: Partial<RouteSketch> = {},
  isCongested: (endpoint: Endpoint) => boolean = () => false,
): Bench {
  const on = bench({ routes: [{ ...TWO_VERSIONS, rescue: 'unpinned', ...change }] });
  for (const endpoint of on.endpoints) {
    endpoint.pool = { isCongested: () => isCongested(endpoint) } as unknown as Pool;
  }
  return on;
}

/** An exchange of a version that has begun. */
function begun(on: Bench, split = 1, change: Partial<Exchange> = {}): Exchange {
  const route = routeOf(on.table);
  const x = exchangeOn(on, 1000);
  const decided = { route, split: route.splits[split], method: 'GET', target: '/', userKey: USER, attempts: 1 };
  Object.assign(x, decided, { endpoint: on.endpoints[split] }, change);
  on.lane.recorder.begin(x);
  return x;
}

function ended(on: Bench, x: Exchange, status: number, reason: Reason = REASON.none): void {
  Object.assign(x, { status, reason, endedAtMs: 1020 });
  on.lane.recorder.end(x);
}

/** Whether the user's bit of the second is set among the bad ones. */
function isUserBad(on: Bench, unit: number): boolean {
  const bits = on.tallies.units[unit * UNIT_WORDS + 1 * 3072 + UNIT_BAD + (USER >> 5)] as number;
  return ((bits >>> (USER & 31)) & 1) === 1;
}

describe('a failure on the canary', () => {
  const rescued: readonly (readonly [string, Reason, Partial<Exchange>])[] = [
    ['a refused connection', REASON.connectRefused, {}],
    ['a refused connection of a POST: nothing was sent', REASON.connectRefused, { method: 'POST' }],
    ['a connection that did not open in time', REASON.connectTimeout, {}],
    ['a name without an address', REASON.dnsFailed, {}],
    ['a reset', REASON.upstreamReset, {}],
    ['a reset of a DELETE', REASON.upstreamReset, { method: 'DELETE' }],
    ['no answer in time', REASON.responseTimeout, {}],
    ['nonsense instead of a head', REASON.upstreamProtocol, {}],
    ['no endpoint', REASON.noEndpoint, { attempts: 0 }],
    ['a full queue, even for a POST', REASON.shed, { method: 'POST' }],
  ];
  for (const [name, reason, change] of rescued) {
    it(`is rescued when it is ${name}`, () => assert.equal(mayRescue(begun(rescuing(), 1, change), reason), true));
  }

  const lost: readonly (readonly [string, Reason, Partial<Exchange>])[] = [
    ['of a POST that may have been done', REASON.upstreamReset, { method: 'POST' }],
    ['of a POST that went out, whatever came then', REASON.connectRefused, { method: 'POST', isSpent: true }],
    ['of a request whose body is gone', REASON.upstreamReset, { isSpent: true }],
    ['within the answer', REASON.upstreamTruncated, { responseStarted: true }],
    ['that a color asked for', REASON.upstreamReset, { isPinned: true }],
  ];
  for (const [name, reason, change] of lost) {
    it(`is not rescued ${name}`, () => assert.equal(mayRescue(begun(rescuing(), 1, change), reason), false));
  }

  it('is no fault of the client or the gateway, a full queue apart', () => {
    const x = begun(rescuing());
    REASONS.forEach(({ name, fault }, reason) => {
      assert.equal(mayRescue(x, reason as Reason), fault === 'upstream' || name === 'shed', name);
    });
  });

  it('that a color asked for is rescued if the rollout says so', () =>
    assert.equal(mayRescue(begun(rescuing({ rescue: 'all' }), 1, { isPinned: true }), REASON.upstreamReset), true));

  it('is rescued nowhere but on the canary of a route with rescue', () => {
    assert.equal(mayRescue(begun(rescuing(), 0), REASON.upstreamReset), false, 'stable');
    assert.equal(mayRescue(begun(bench()), REASON.upstreamReset), false, 'no rescue');
  });

  it('is rescued once', () => {
    const x = begun(rescuing());
    handOver(x, REASON.upstreamReset, 0, 1005);
    assert.equal(mayRescue(x, REASON.upstreamReset), false);
  });
});

describe('an answer of the canary', () => {
  it('is dropped from 500 on, whatever the route retries', () => {
    const x = begun(rescuing());
    const statuses = [200, 404, 429, 499, 500, 503, 599];
    assert.deepEqual(
      statuses.filter((status) => mayRescueAnswer(x, status)),
      [500, 503, 599],
    );
    assert.deepEqual(
      statuses.filter((status) => isUnwelcome(x, status)),
      [500, 503, 599],
    );
  });

  it('is passed on for a POST, and when the client has heard something', () => {
    const on = rescuing();
    assert.equal(isUnwelcome(begun(on, 1, { method: 'POST' }), 503), false);
    assert.equal(isUnwelcome(begun(on, 1, { isSpent: true }), 503), false);
  });

  it('costs nothing to look at', COUNTED, () => {
    const x = begun(rescuing());
    assert.equal(
      bytesPerCall(() => void isUnwelcome(x, 200)),
      0,
    );
  });
});

describe('headroom', () => {
  const stableOf = (on: Bench): LinkedSplit => routeOf(on.table).splits[0] as LinkedSplit;
  const [, canary] = TWO_VERSIONS.versions;
  const stable = (...ports: number[]): Partial<RouteSketch> => ({
    versions: [{ name: 'stable', ports, weight: 1 }, canary!],
  });

  it('is an endpoint that is in and has a connection, or a place in the queue that nobody else waits in', () => {
    const on = rescuing(stable(7001, 7003), ({ port }) => port === 7001);
    assert.equal(hasHeadroom(stableOf(on), on.table.limits), true);
  });

  it('is none without endpoints, or with all of them congested', () => {
    const empty = rescuing(stable());
    assert.equal(hasHeadroom(stableOf(empty), empty.table.limits), false);
    const full = rescuing({}, () => true);
    assert.equal(hasHeadroom(stableOf(full), full.table.limits), false);
  });

  for (const balancer of ['peakEwma', 'leastRequest', 'roundRobin', 'consistentHash'] as const) {
    it(`ends when the last endpoint goes out, and comes back with it: ${balancer}`, () => {
      const on = rescuing({ versions: [{ name: 'stable', ports: [7001, 7003], weight: 1, balancer }, canary!] });
      const isThere = (): boolean => hasHeadroom(stableOf(on), on.table.limits);
      setCapacity(on.capacities, 1, 0);
      assert.equal(isThere(), true, 'one is left');
      setCapacity(on.capacities, 3, 0);
      assert.equal(isThere(), false, 'all are out');
      setCapacity(on.capacities, 3, 100);
      assert.equal(isThere(), true, 'one is back');
    });
  }
});

describe('what a rescue takes', () => {
  it('is a token, as long as there is one; then it is counted as not made', () => {
    const on = rescuing();
    const x = begun(on);
    assert.deepEqual(
      [1, 2, 3, 4].map(() => paysRescue(x, 0)),
      [true, true, true, false],
    );
    assert.equal(word(on, CANARY, CELL.rescuesSkipped), 1);
  });

  it('comes back when stable has answered, and only then', () => {
    for (const [status, left] of [
      [200, 3],
      [404, 3],
      [500, 2],
    ] as const) {
      const on = rescuing();
      const x = begun(on);
      settleRescue(x);
      assert.ok(paysRescue(x, 0));
      handOver(x, REASON.upstreamReset, 0, 1010);
      x.status = status;
      settleRescue(x);
      const tokens = [1, 2, 3, 4].filter(() => on.lane.retryBudget.withdraw(0)).length;
      assert.equal(tokens, left, String(status));
    }
  });

  it('is no token without room or time', () => {
    const on = rescuing({}, () => true);
    assert.equal(paysRescue(begun(on), 0), false);
    assert.equal(word(on, CANARY, CELL.rescuesSkipped), 1);
    const late = rescuing();
    assert.equal(paysRescue(begun(late, 1, { deadlineAtMs: 5 }), 5), false);
    assert.equal(word(late, CANARY, CELL.rescuesSkipped), 0, 'nobody could have');
    for (const { lane } of [on, late]) {
      assert.deepEqual(
        [1, 2, 3, 4].map(() => lane.retryBudget.withdraw(0)),
        [true, true, true, false],
      );
    }
  });
});

describe('a rescued exchange', () => {
  function handedOver(reason: Reason, status: number, change: Partial<Exchange> = {}): { on: Bench; x: Exchange } {
    const on = rescuing();
    const x = begun(on, 1, { requestId: 'ab'.repeat(16), ...change });
    handOver(x, reason, status, 1010);
    return { on, x };
  }

  it('is stable’s from then on, and paid for', () => {
    const { x } = handedOver(REASON.upstreamReset, 0);
    assert.deepEqual([x.split?.version, x.retrying?.rescuedFrom?.version, x.retries], ['stable', 'canary', 1]);
    assert.deepEqual([x.status, x.reason, x.endedAtMs], [0, REASON.none, 0]);
  });

  it('is under way at stable, and over at the canary', () => {
    const { on } = handedOver(REASON.upstreamReset, 0);
    assert.deepEqual(counters(on, STABLE), { inFlight: 1 });
    assert.deepEqual(counters(on, CANARY), { finished: 1, bad: 1 });
    assert.deepEqual(counters(on, ROUTE), { inFlight: 1 });
  });

  it('that stable answers is good for the route, bad for the canary, and nothing for stable', () => {
    const { on, x } = handedOver(REASON.none, 503);
    ended(on, x, 200);
    assert.deepEqual(counters(on, ROUTE), { finished: 1 });
    assert.deepEqual(counters(on, CANARY), { finished: 1, bad: 1 });
    assert.deepEqual(counters(on, STABLE), {});
    const stable = on.tallies.cells.subarray(STABLE * CELL_WORDS, (STABLE + 1) * CELL_WORDS);
    assert.ok(
      stable.every((count) => count === 0),
      'no word of stable’s cell',
    );
    assert.deepEqual([word(on, CANARY, CELL.statusClass + 5), word(on, ROUTE, CELL.statusClass + 2)], [1, 1]);
    assert.deepEqual([word(on, ROUTE, CELL.statusClass + 5), word(on, ROUTE, CELL.reasons)], [0, 1]);
    assert.deepEqual([isUserBad(on, CANARY_UNIT), isUserBad(on, STABLE_UNIT)], [true, false]);
  });

  it('leaves one event, of the canary, with its endpoint, its reason and the request’s id', () => {
    const { on, x } = handedOver(REASON.connectRefused, 0);
    ended(on, x, 200);
    const { events } = on.tallies;
    const at = (field: number): number => events[EVENTS_HEAD_WORDS + field] as number;
    assert.equal(events[EVENTS_HEAD.written], 1);
    assert.deepEqual([at(EVENT.cell), at(EVENT.endpoint), at(EVENT.outcome)], [CANARY, 2, REASON.connectRefused << 16]);
    assert.equal(at(EVENT.requestId) >>> 0, 0xabababab);
  });

  const outcomes: readonly (readonly [string, number, Reason, number[]])[] = [
    ['stable answers', 200, REASON.none, [1, 0, 0]],
    ['stable fails too', 500, REASON.none, [0, 1, 0]],
    ['stable cannot be reached', 502, REASON.connectRefused, [0, 1, 0]],
    ['the client goes away', 0, REASON.clientClosed, [0, 0, 1]],
  ];
  for (const [name, status, reason, expected] of outcomes) {
    it(`is counted by what came of it: ${name}`, () => {
      const { on, x } = handedOver(REASON.upstreamReset, 0);
      ended(on, x, status, reason);
      assert.deepEqual(
        [0, 1, 2].map((n) => word(on, CANARY, CELL.rescues + n)),
        expected,
      );
      assert.deepEqual(counters(on, STABLE), {});
      assert.deepEqual(counters(on, CANARY), { finished: 1, bad: 1 });
    });
  }

  it('that a full queue turned away is ignored for the canary, as without a rescue', () => {
    const { on } = handedOver(REASON.shed, 0);
    assert.deepEqual(counters(on, CANARY), { ignored: 1 });
  });

  it('that was pinned is billed as such', () => {
    const { on } = handedOver(REASON.none, 500, { isPinned: true });
    assert.deepEqual(counters(on, CANARY), { finished: 1, bad: 1, pinned: 1, pinnedBad: 1 });
    assert.equal(on.tallies.events[EVENTS_HEAD.written], 0);
  });

  it('on a path that counts for nothing does so', () => {
    const on = rescuing({ ignorePaths: ['/healthz'] });
    const x = begun(on, 1, { target: '/healthz?deep' });
    handOver(x, REASON.none, 500, 1010);
    ended(on, x, 200);
    assert.deepEqual([counters(on, CANARY), counters(on, ROUTE)], [{ ignored: 1 }, { ignored: 1 }]);
    assert.equal(word(on, CANARY, CELL.rescues + 2), 1);
  });

  it('ages as the canary’s until it failed there, and as nobody’s afterwards', () => {
    const on = rescuing();
    const thresholds = [5, 15, 25, 35, 45, 55];
    for (const unit of [STABLE_UNIT, CANARY_UNIT]) {
      setLatency(on.latencyDials, unit, { sinceMs: 0, atEndMs: thresholds, inFlightMs: thresholds });
    }
    const x = begun(on);
    handOver(x, REASON.none, 500, 1010);
    on.lane.recorder.sweep(9000);
    ended(on, x, 200);
    assert.equal(x.ageSlot, -1);
    const words = (cell: number, from: number, count: number): number[] =>
      Array.from({ length: count }, (_, n) => word(on, cell, from + n));
    assert.deepEqual(words(CANARY, CELL.thresholds, 6), [1, 0, 0, 0, 0, 0]);
    assert.deepEqual(words(CANARY, CELL.levels, 7), [0, 0, 0, 0, 0, 0, 0]);
    assert.deepEqual(words(STABLE, CELL.thresholds, 6), [0, 0, 0, 0, 0, 0]);
  });
});

describe('an exchange that failed first and is good', () => {
  function mended(split: number, on: Bench, change: Partial<Exchange> = {}): number {
    const x = begun(on, split, change);
    retryingOf(x).hasFailed = true;
    ended(on, x, 200);
    assert.deepEqual(counters(on, split + 1)['bad'], undefined, 'the indicator says what it was');
    return word(on, split + 1, CELL.mended);
  }

  it('is evidence on both versions of a route with rescue, in requests and users', () => {
    const on = rescuing();
    assert.deepEqual([mended(0, on), mended(1, on)], [1, 1]);
    assert.deepEqual([isUserBad(on, STABLE_UNIT), isUserBad(on, CANARY_UNIT)], [true, true]);
  });

  it('is not where nobody is rescued, nor when it is pinned, and no failure counts twice', () => {
    assert.equal(mended(0, bench()), 0);
    assert.equal(mended(1, rescuing(), { isPinned: true }), 0);
    const on = rescuing();
    const x = begun(on, 0);
    retryingOf(x).hasFailed = true;
    ended(on, x, 500);
    assert.deepEqual([word(on, STABLE, CELL.bad), word(on, STABLE, CELL.mended)], [1, 0]);
  });
});
