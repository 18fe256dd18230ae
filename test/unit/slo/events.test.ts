/** Draining the event rings: in order, once, with what did not fit counted. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { REASON } from '#src/model/reason.ts';
import { EVENT, EVENT_WORDS, EVENTS_HEAD, EVENTS_HEAD_WORDS, EVENTS_MAX } from '#src/model/tallies.ts';
import { EventReader } from '#src/slo/events.ts';
import { FakeWorker } from '../../support/simulate/worker.ts';

const ID = '0123456789abcdef00112233ffeeddcc';

describe('bad events', () => {
  it('come out as they went in', () => {
    const worker = new FakeWorker(1);
    worker.report({ cell: 7, user: 0xdeadbeef, nowMs: 1234.5, requestId: ID });
    const base = EVENTS_HEAD_WORDS;
    worker.region.tallies.events[base + EVENT.endpoint] = -1;
    worker.region.tallies.events[base + EVENT.outcome] = (REASON.connectTimeout << 16) | 504;
    assert.deepEqual(new EventReader().drain([worker.region]), [
      {
        atMs: 1234.5,
        cell: 7,
        user: 0xdeadbeef,
        endpoint: -1,
        reason: REASON.connectTimeout,
        status: 504,
        requestId: ID,
      },
    ]);
  });

  it('are read once, in the order of each worker', () => {
    const [a, b] = [new FakeWorker(1), new FakeWorker(2)];
    const reader = new EventReader();
    for (const nowMs of [1, 2]) a.report({ cell: 1, user: 0, nowMs });
    b.report({ cell: 2, user: 0, nowMs: 1.5 });
    assert.deepEqual(
      reader.drain([a.region, b.region]).map(({ atMs }) => atMs),
      [1, 2, 1.5],
    );
    assert.deepEqual(reader.drain([a.region, b.region]), []);
    a.report({ cell: 1, user: 0, nowMs: 3 });
    assert.deepEqual(
      reader.drain([a.region, b.region]).map(({ atMs }) => atMs),
      [3],
    );
  });

  it('have no request id when it was not 32 hex digits', () => {
    const worker = new FakeWorker(1);
    worker.report({ cell: 1, user: 0, nowMs: 1 });
    assert.equal(new EventReader().drain([worker.region])[0]?.requestId, '');
  });

  it('go round the ring, also where its counters wrap', () => {
    const worker = new FakeWorker(1);
    const { events } = worker.region.tallies;
    events[EVENTS_HEAD.written] = 2 ** 31 - 2;
    events[EVENTS_HEAD.read] = 2 ** 31 - 2;
    const reader = new EventReader();
    for (let n = 0; n < 5; n++) worker.report({ cell: 1, user: n, nowMs: n });
    assert.ok((events[EVENTS_HEAD.written] as number) < 0);
    assert.deepEqual(
      reader.drain([worker.region]).map(({ user }) => user),
      [0, 1, 2, 3, 4],
    );
    assert.deepEqual(reader.drain([worker.region]), []);
  });

  it('beyond the ring are dropped by the writer and counted once', () => {
    const worker = new FakeWorker(1);
    const reader = new EventReader();
    for (let n = 0; n < EVENTS_MAX + 10; n++) worker.report({ cell: 1, user: n, nowMs: n });
    assert.equal(reader.drain([worker.region]).length, EVENTS_MAX);
    assert.equal(reader.lost, 10);
    worker.report({ cell: 1, user: 0, nowMs: 0 });
    reader.drain([worker.region]);
    assert.equal(reader.lost, 10);
  });

  it('of a worker that left are read once more, and its losses stay counted', () => {
    const [first, second] = [new FakeWorker(1), new FakeWorker(2)];
    const reader = new EventReader();
    for (let n = 0; n < EVENTS_MAX + 3; n++) first.report({ cell: 1, user: 0, nowMs: n });
    reader.drain([first.region]);
    first.report({ cell: 1, user: 0, nowMs: 9 });
    Atomics.add(first.region.tallies.events, EVENTS_HEAD.lost, 2);
    assert.deepEqual(
      reader.drain([second.region]).map(({ atMs }) => atMs),
      [9],
    );
    assert.deepEqual(reader.drain([second.region]), []);
    assert.equal(reader.lost, 5);
  });

  it('fill their entries exactly', () => {
    assert.ok(EVENT.requestId + 4 <= EVENT_WORDS);
  });
});
