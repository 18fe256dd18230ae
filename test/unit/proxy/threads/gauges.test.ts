/** What a worker tells of itself. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SWEEP_MS } from '#src/lib/deadlines.ts';
import { EVENTS_HEAD, EVENTS_HEAD_WORDS } from '#src/model/tallies.ts';
import { Gauges } from '#src/proxy/threads/gauges.ts';
import { bytesPerCall, COUNTED } from '../../../support/proxy/allocation.ts';
import { bench, exchangeOn } from '../../../support/proxy/parts.ts';
import { begun, sketch } from '../../../support/readings/recorded.ts';

function gaugesOf() {
  const head = new Int32Array(new SharedArrayBuffer(EVENTS_HEAD_WORDS * 4));
  return { head, gauges: new Gauges(head) };
}

describe('gauges', () => {
  it('tell how late the latest turn was since somebody looked', () => {
    const { head, gauges } = gaugesOf();
    let atMs = 1000;
    const turn = (lateMs: number): void => {
      atMs += SWEEP_MS + lateMs;
      gauges.turn(atMs, 0, 0);
    };
    turn(0);
    assert.equal(head[EVENTS_HEAD.delayMs], 0, 'the first turn is not late');
    for (const lateMs of [3, 250.7, 20]) turn(lateMs);
    assert.equal(head[EVENTS_HEAD.delayMs], 250);
    head[EVENTS_HEAD.delayMs] = 0;
    turn(-1);
    assert.equal(head[EVENTS_HEAD.delayMs], 0, 'one that comes early is not late');
    turn(7);
    assert.equal(head[EVENTS_HEAD.delayMs], 7);
    assert.equal(head[EVENTS_HEAD.beats], 6);
  });

  it('tell what is open, and the heap with its limit', () => {
    const { head, gauges } = gaugesOf();
    gauges.turn(0, 12, 5);
    assert.deepEqual([head[EVENTS_HEAD.connections], head[EVENTS_HEAD.requests]], [12, 5]);
    const [used, limit] = [head[EVENTS_HEAD.heapKiB] as number, head[EVENTS_HEAD.heapLimitKiB] as number];
    assert.ok(used > 1024 && used < limit, `${used} of ${limit}`);
  });

  it('allocate little: the heap is asked for every fourth turn', COUNTED, () => {
    const { gauges } = gaugesOf();
    let atMs = 0;
    // The question for the heap gives an object, and the clock's numbers are boxed where they are no integers.
    assert.ok(bytesPerCall(() => gauges.turn((atMs += SWEEP_MS), 1, 1), 1000, 256) <= 512);
  });
});

it('requests under way are the exchanges with a route that have not ended', () => {
  const on = bench(sketch());
  const { recorder } = on.lane;
  const x = begun(on);
  const lost = exchangeOn(on);
  recorder.begin(lost);
  assert.equal(recorder.requests, 1);
  recorder.end(lost);
  assert.equal(recorder.requests, 1);
  recorder.end(x);
  assert.equal(recorder.requests, 0);
});
