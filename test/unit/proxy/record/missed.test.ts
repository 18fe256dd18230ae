/** Which requests are told of when an objective is missed. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { REASON } from '#src/model/reason.ts';
import type { AccessBatch } from '#src/model/threads/requests/access.ts';
import type { LinkedRoute } from '#src/proxy/decide/table.ts';
import type { Exchange } from '#src/proxy/exchange.ts';
import { retryingOf } from '#src/proxy/forward/retry/retry.ts';
import { AccessLog } from '#src/proxy/record/access-log.ts';
import { MissedRequests, ROUTES_MAX } from '#src/proxy/record/missed.ts';
import { Recorder } from '#src/proxy/record/recorder.ts';
import { bench, exchangeOn } from '../../../support/proxy/parts.ts';
import { begun, type Outcome, sketch } from '../../../support/readings/recorded.ts';

const ON = bench();

function missedOf(route: string, requestId: string, status = 500): Exchange {
  const x = exchangeOn(ON, 2.5);
  return Object.assign(x, { route: { name: route } as LinkedRoute, requestId, status, endedAtMs: 5.5 });
}

describe('requests that missed an objective', () => {
  it('are the first bad and the first late one of each route', () => {
    const missed = new MissedRequests();
    for (const id of ['r1', 'r2']) missed.note(missedOf('shop', id), 'bad', true);
    for (const id of ['r3', 'r4']) missed.note(missedOf('shop', id, 200), 'good', true);
    missed.note(missedOf('pay', 'r5', 0), 'bad', false);
    assert.deepEqual(missed.take(), [
      ['shop', 'r1', null, 5.5, 3, 500, REASON.none, false],
      ['shop', 'r3', null, 5.5, 3, 200, REASON.none, true],
      ['pay', 'r5', null, 5.5, 3, 0, REASON.none, false],
    ]);
    assert.deepEqual(missed.take(), [], 'they are told once');
    missed.note(missedOf('shop', 'r6'), 'bad', false);
    assert.deepEqual(
      missed.take().map(([, id]) => id),
      ['r6'],
    );
  });

  it('are none that were good in time or count for nothing, nor such without a route or an id', () => {
    const missed = new MissedRequests();
    missed.note(missedOf('shop', 'r1'), 'good', false);
    missed.note(missedOf('shop', 'r1'), 'ignore', true);
    missed.note(missedOf('shop', ''), 'bad', false);
    missed.note(Object.assign(missedOf('shop', 'r1'), { route: null }), 'bad', false);
    assert.deepEqual(missed.take(), []);
  });

  it('have the latency that counts: of a stream, that of its first message', () => {
    const missed = new MissedRequests();
    const x = missedOf('shop', 'r1', 200);
    retryingOf(x).streaming = { firstAtMs: 4, endsAtMs: Number.POSITIVE_INFINITY };
    missed.note(x, 'good', true);
    assert.equal(missed.take()[0]?.[4], 1.5);
  });

  it(`are those of ${ROUTES_MAX} routes at most`, () => {
    const missed = new MissedRequests();
    for (let n = 0; n < ROUTES_MAX + 9; n++) missed.note(missedOf(`route-${n}`, 'r'), 'bad', false);
    assert.equal(missed.take().length, ROUTES_MAX);
  });

  it('are noted when their exchange ends', () => {
    const on = bench(sketch(100));
    Object.assign(on.lane, { recorder: new Recorder(on.tallies, on.lane.accessLog) });
    const ended = (id: string, outcome: Outcome): void => {
      const x = begun(on, outcome);
      const { status = 200, tookMs = 5 } = outcome;
      Object.assign(x, { requestId: id, status, endedAtMs: x.startedAtMs + tookMs });
      on.lane.recorder.end(x);
    };
    ended('good', {});
    ended('in time', { tookMs: 100 });
    ended('refused', { status: 404 });
    ended('late', { tookMs: 100.5 });
    ended('bad', { status: 503, tookMs: 200 });
    assert.deepEqual(
      on.lane.accessLog.missed
        .take()
        .map(([, id, version, , latencyMs, , , isLate]) => [id, version, latencyMs, isLate]),
      [
        ['bad', 'stable', 200, false],
        ['late', 'stable', 100.5, true],
      ],
    );
  });

  it('go with the next batch of the access log, though that is off', () => {
    const batches: AccessBatch[] = [];
    const log = new AccessLog(1, (batch) => void batches.push(batch));
    log.flush();
    log.missed.note(missedOf('shop', 'r1'), 'bad', false);
    log.flush();
    log.flush();
    assert.deepEqual(
      batches.map(({ records, samples }) => [records.length, samples?.length]),
      [[0, 1]],
    );
  });
});
