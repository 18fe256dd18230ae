/** What is told of bad events, and what becomes of those that nobody has read yet. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { REASON } from '#src/model/reason.ts';
import { EVENT, EVENT_WORDS, EVENTS_HEAD, EVENTS_HEAD_WORDS, EVENTS_MAX } from '#src/model/tallies.ts';
import { idWords } from '#src/proxy/header/fresh.ts';
import { bench } from '../../../support/proxy/parts.ts';
import { begun, recorded, STABLE, sketch } from '../../../support/readings/recorded.ts';

describe('the ring of bad events', () => {
  it('tells when, where, who, why and which request', () => {
    const on = bench(sketch());
    const x = begun(on, { userKey: 2 ** 32 - 2, startedAtMs: 77.25 });
    const requestId = '0123456789abcdef0123456789abcdef';
    Object.assign(x, {
      requestId,
      status: 502,
      reason: REASON.upstreamReset,
      endpoint: on.endpoints[0],
      endedAtMs: 80.25,
    });
    on.lane.recorder.end(x);
    const events = on.tallies.events;
    const at = EVENTS_HEAD_WORDS;
    assert.equal(events[EVENTS_HEAD.written], 1);
    assert.equal(on.tallies.eventFloats[(at + EVENT.atMs) / 2], 80.25);
    assert.equal(events[at + EVENT.cell], STABLE);
    assert.equal((events[at + EVENT.user] as number) >>> 0, 2 ** 32 - 2);
    assert.equal(events[at + EVENT.endpoint], on.endpoints[0]?.id);
    assert.equal(events[at + EVENT.outcome], (REASON.upstreamReset << 16) | 502);
    assert.deepEqual([...events.subarray(at + EVENT.requestId, at + EVENT_WORDS).subarray(0, 4)], idWords(requestId));
  });

  it('keeps the first of a burst, counts what it loses, and goes on once it is read', () => {
    const on = bench(sketch());
    const events = on.tallies.events;
    for (let n = 0; n < EVENTS_MAX + 10; n++) recorded(on, { status: 500, startedAtMs: n });
    assert.deepEqual([events[EVENTS_HEAD.written], events[EVENTS_HEAD.lost]], [EVENTS_MAX, 10]);
    assert.equal(on.tallies.eventFloats[EVENTS_HEAD_WORDS / 2], 5);
    Atomics.store(events, EVENTS_HEAD.read, EVENTS_MAX);
    recorded(on, { status: 500, startedAtMs: 123 });
    assert.deepEqual([events[EVENTS_HEAD.written], events[EVENTS_HEAD.lost]], [EVENTS_MAX + 1, 10]);
    assert.equal(on.tallies.eventFloats[EVENTS_HEAD_WORDS / 2], 128);
  });

  it('survives the wrap of its counters', () => {
    const on = bench(sketch());
    const events = on.tallies.events;
    events[EVENTS_HEAD.written] = 2 ** 31 - 2;
    events[EVENTS_HEAD.read] = 2 ** 31 - 2;
    for (let n = 0; n < 4; n++) recorded(on, { status: 500, startedAtMs: n });
    assert.equal(events[EVENTS_HEAD.written], -(2 ** 31) + 2);
    assert.equal(events[EVENTS_HEAD.lost], 0);
    const last = EVENTS_HEAD_WORDS + 1 * EVENT_WORDS;
    assert.equal(on.tallies.eventFloats[(last + EVENT.atMs) / 2], 8);
  });
});
