/** One attempt in the accounts of its endpoint: begun once, ended once, blamed only for what is its fault. */

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { beginTurn, turnMs } from '#src/lib/clock.ts';
import { WARM_ATTEMPTS } from '#src/model/latency.ts';
import { REASON } from '#src/model/reason.ts';
import { CELL, CELL_WORDS, ENDPOINT, ENDPOINT_WORDS } from '#src/model/tallies.ts';
import { PROBE_RESULT, PROBE_RESULTS } from '#src/model/threads/load/capacity.ts';
import { Breaker } from '#src/proxy/decide/breaker/breaker.ts';
import type { LinkedSplit } from '#src/proxy/decide/table.ts';
import type { Exchange } from '#src/proxy/exchange.ts';
import { begin, callOff, detach, endAttempt, observeAnswer, pick, punish } from '#src/proxy/forward/attempt.ts';
import type { Endpoint } from '#src/proxy/forward/endpoint.ts';
import { RACE_MS, retryingOf } from '#src/proxy/forward/retry/retry.ts';
import type { UpstreamExchange } from '#src/proxy/forward/sides.ts';
import type { Pool } from '#src/proxy/http1/pool.ts';
import { offerProbe, setCapacity } from '#src/snapshot/endpoint-dials.ts';
import { DEFAULT_BREAKER } from '#src/sources/defaults.ts';
import { bytesPerCall, COUNTED } from '../../../support/proxy/allocation.ts';
import { type Bench, bench, exchangeOn, routeOf, TWO_VERSIONS } from '../../../support/proxy/parts.ts';
import {
  askedOn,
  assertQuiet,
  clientOf,
  endpointWord,
  eventually,
  FIRST_CELL,
  GET,
  OK,
  oneVersion,
  perHead,
  planeOf,
  stoppedClock,
  upstreamOf,
} from '../../../support/proxy/running.ts';
import { begun, STABLE, sketch, word } from '../../../support/readings/recorded.ts';
import { WAITS } from '../../../support/runner/depth.ts';

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
    assert.equal(pick(it.x, null, 0), it.endpoint);
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

  it('that ended when the keep-alive race was over has failed', () => {
    const it = tried();
    begin(it.x, it.endpoint);
    it.x.isOnReused = true;
    it.x.attemptAtMs = beginTurn() - RACE_MS;
    punish(it.x, REASON.upstreamReset);
    endAttempt(it.x, 'bad');
    assert.equal(it.endpoint.pressure(turnMs()), 2);
  });

  it('costs no memory to begin and end', COUNTED, () => {
    const { x, endpoint } = tried();
    const once = (): void => {
      begin(x, endpoint);
      endAttempt(x, 'good');
    };
    assert.ok(bytesPerCall(once, 5000, 0) <= 24);
  });
});

describe('an attempt that is called off', () => {
  /** What its endpoint is taken to need afterwards, in whole ms: by nothing but this attempt. */
  function silence(change: Partial<Exchange>): number {
    const it = tried();
    begin(it.x, it.endpoint);
    const nowMs = beginTurn();
    it.x.route = routeOf(it.on.table);
    it.x.attemptAtMs = nowMs - 300;
    it.x.upstream = { destroy: () => undefined } as UpstreamExchange;
    it.x.requestDone = true;
    Object.assign(it.x, change);
    callOff(it.x);
    assert.equal(it.x.upstream, null);
    endAttempt(it.x, 'ignore');
    assert.deepEqual(words(it), [0, 1, 0]);
    return Math.round(it.endpoint.load(nowMs));
  }

  it('leaves its endpoint the time that it was silent', () => assert.equal(silence({}), 300));

  const nothing: readonly (readonly [string, Partial<Exchange>])[] = [
    ['was not sent', { upstream: null }],
    ['has begun to be answered', { responseStarted: true }],
    ['was not sent as a whole: the client owes the rest', { requestDone: false }],
  ];
  for (const [name, change] of nothing) it(`and nothing when it ${name}`, () => assert.equal(silence(change), 0));

  it('goes by when the request was sent, or complete, if that was later', (t) => {
    stoppedClock(t);
    const nowMs = beginTurn();
    const { x, on } = tried();
    assert.equal(silence({ retrying: Object.assign(retryingOf(x), { sentAtMs: nowMs - 200 }) }), 200);
    assert.equal(silence({ deadlineAtMs: nowMs - 100 + routeOf(on.table).requestTimeoutMs }), 100);
  });
});

describe('an endpoint that hangs', () => {
  it('is not preferred because those who asked it have left', WAITS, async (t) => {
    const passes = stoppedClock(t);
    let hung = 0;
    let isHung = false;
    const answer = (socket: Socket): void => {
      passes(5);
      socket.write(OK);
    };
    const mute = await upstreamOf(
      t,
      perHead((socket) => (isHung ? void (hung += 1) : answer(socket))),
    );
    const live = await upstreamOf(t, perHead(answer));
    const plane = await planeOf(t, oneVersion(mute.port, live.port));
    const warm = clientOf(t, plane);
    for (let n = 0; n < 40; n++) assert.equal(await askedOn(warm, GET), 200);
    isHung = true;
    for (let n = 0; n < 30; n++) {
      const client = clientOf(t, plane);
      const before = hung;
      client.send(GET);
      await eventually(
        () => hung > before || client.received().endsWith('ok'),
        'it is asked, or the other one answers',
      );
      if (hung > before) passes(100);
      client.socket.destroy();
      await assertQuiet(plane, [FIRST_CELL], [mute.port, live.port]);
    }
    assert.ok(hung <= 1, `${hung} of 30`);
    assert.equal(endpointWord(plane, mute.port, 'bad'), 0, 'nobody but its clients is known to be impatient');
  });
});

describe('an attempt at an endpoint that is cold', () => {
  /** An exchange under a rollout whose version has a warm endpoint and a new one. */
  function mixed(): Tried & { readonly warm: Endpoint } {
    const it = tried();
    const [endpoint, warm] = it.on.endpoints as readonly [Endpoint, Endpoint];
    warm.pool = endpoint.pool;
    const split = it.x.split as LinkedSplit;
    it.x.split = { ...split, targets: { ...split.targets, endpoints: [warm, endpoint] } };
    for (let n = 0; n <= WARM_ATTEMPTS; n++) warm.warmUp([warm], 0);
    it.x.route = routeOf(it.on.table);
    it.on.lane.recorder.begin(it.x);
    assert.ok(it.x.ageSlot >= 0);
    return { ...it, warm };
  }

  it('is no trial of latency', () => {
    const { x, endpoint } = mixed();
    begin(x, endpoint);
    assert.equal(x.ageSlot, -1);
  });

  it('is one at its warm neighbor', () => {
    const { x, warm } = mixed();
    begin(x, warm);
    assert.ok(x.ageSlot >= 0);
  });

  it('is one if it is not the first: who is sent another one is slow, or has failed', () => {
    const { x, endpoint, warm } = mixed();
    begin(x, warm);
    endAttempt(x, 'bad');
    begin(x, endpoint);
    assert.ok(x.ageSlot >= 0);
  });
});

describe('an attempt at an endpoint that is out, as all of its version are', () => {
  const panics = ({ on, endpoint }: Tried): number | undefined =>
    on.tallies.endpoints[endpoint.id * ENDPOINT_WORDS + ENDPOINT.panics];

  it('is counted as such, and a probe is not', () => {
    const it = tried();
    begin(it.x, it.endpoint);
    endAttempt(it.x, 'good');
    assert.equal(panics(it), 0, 'it is in');
    setCapacity(it.on.capacities, it.endpoint.id, 0);
    assert.equal(pick(it.x, null, 0), it.endpoint);
    begin(it.x, it.endpoint);
    endAttempt(it.x, 'good');
    assert.equal(panics(it), 1);
    offerProbe(it.on.capacities, it.endpoint.id, 1);
    pick(it.x, null, 0);
    begin(it.x, it.endpoint);
    assert.equal(panics(it), 1);
  });
});

describe('an attempt at an endpoint that is half-open', () => {
  /** The report of probe 7, as a result; -28 while there is none. */
  const reported = ({ on, endpoint }: Tried): number =>
    (on.tallies.endpoints[endpoint.id * ENDPOINT_WORDS + ENDPOINT.probe] ?? 0) - 7 * PROBE_RESULTS;

  function offered(takes = true): Tried {
    const it = tried(takes);
    setCapacity(it.on.capacities, it.endpoint.id, 0);
    offerProbe(it.on.capacities, it.endpoint.id, 7);
    return it;
  }

  it('is its probe, and says what came of it', () => {
    const it = offered();
    assert.equal(pick(it.x, null, 0), it.endpoint);
    assert.equal(it.endpoint.probes?.get(it.x), 7);
    begin(it.x, it.endpoint);
    observeAnswer(it.x, it.endpoint, 200);
    assert.equal(reported(it), PROBE_RESULT.answered);
    endAttempt(it.x, 'good');
    assert.deepEqual([reported(it), it.endpoint.probes === null], [PROBE_RESULT.good, true]);
  });

  it('answered by a failure says nothing before its end', () => {
    const it = offered();
    pick(it.x, null, 0);
    begin(it.x, it.endpoint);
    observeAnswer(it.x, it.endpoint, 503);
    assert.equal(reported(it), -7 * PROBE_RESULTS);
    endAttempt(it.x, 'bad');
    assert.equal(reported(it), PROBE_RESULT.bad);
  });

  it('that finds no place says so', () => {
    const it = offered(false);
    pick(it.x, null, 0);
    begin(it.x, it.endpoint);
    assert.equal(reported(it), PROBE_RESULT.ignored);
  });

  it('is no request that has failed before', () => {
    const it = offered();
    pick(it.x, it.on.endpoints[1] as Endpoint, 0);
    assert.equal(it.endpoint.probes === null, true);
  });

  it('is none that its version’s breaker lets through on trial: one endpoint does not decide about that', () => {
    const it = offered();
    it.x.split = { ...(it.x.split as LinkedSplit), breaker: new Breaker({ ...DEFAULT_BREAKER, consecutiveErrors: 1 }) };
    const breaker = it.x.split.breaker as Breaker;
    breaker.observe(true, 0, 0);
    for (let n = 0; n < DEFAULT_BREAKER.probes; n++) {
      pick(it.x, null, DEFAULT_BREAKER.openMs);
      assert.notEqual(it.x.trial, 0);
      assert.equal(it.endpoint.probes === null, true);
      breaker.observe(false, it.x.trial, DEFAULT_BREAKER.openMs);
    }
    assert.equal(breaker.state, 'closed');
    assert.equal(pick(it.x, null, DEFAULT_BREAKER.openMs), it.endpoint);
    assert.equal(it.endpoint.probes?.get(it.x), 7);
  });
});

describe('the phases of an attempt', () => {
  const sums = (on: Bench): number[] =>
    [CELL.waitMs, CELL.queueMs, CELL.connectMs, CELL.tlsMs, CELL.bodyMs].map(
      (at) => on.tallies.cellFloats[(STABLE * CELL_WORDS + at) >> 1] as number,
    );

  it('are summed up for its version, up to the head, in the queue, connecting, of that in TLS, and after the head', () => {
    const on = bench(sketch());
    const x = begun(on);
    const { recorder } = on.lane;
    const nowMs = beginTurn();
    recorder.took(x, CELL.queueMs, 2000);
    x.attemptAtMs = nowMs - 5;
    recorder.connectTook(x, nowMs - 2);
    recorder.connectTook(x, nowMs - 1, 0.5);
    recorder.headCame(x);
    assert.equal(x.attemptAtMs, nowMs);
    x.attemptAtMs = nowMs - 1;
    x.responseStarted = true;
    recorder.attemptTook(x);
    assert.deepEqual(
      sums(on).map((ms) => Math.round(ms * 100) / 100),
      [5, 2, 3, 0.5, 1],
    );
    assert.equal(word(on, STABLE, CELL.attempts), 1);
  });

  it('without a response are all wait, and of no version nothing', () => {
    const on = bench(sketch());
    const x = begun(on);
    x.attemptAtMs = beginTurn() - 7;
    on.lane.recorder.attemptTook(x);
    assert.equal(Math.round(sums(on)[0] as number), 7);
    x.split = null;
    on.lane.recorder.attemptTook(x);
    on.lane.recorder.took(x, CELL.bodyMs, 9);
    assert.equal(word(on, STABLE, CELL.attempts), 1);
  });

  it('cost no allocation', COUNTED, () => {
    const on = bench(sketch());
    const x = begun(on);
    x.attemptAtMs = beginTurn() - 7.25;
    const run = (): void => {
      on.lane.recorder.headCame(x);
      on.lane.recorder.attemptTook(x);
    };
    assert.equal(bytesPerCall(run), 0);
  });
});
