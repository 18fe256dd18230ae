import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LATENCY_DIAL, LATENCY_DIAL_WORDS } from '#src/model/latency.ts';
import { UNITS_MAX } from '#src/model/tallies.ts';
import { createLatencyDials, setLatency } from '#src/snapshot/latency-dials.ts';

const DIAL = { sinceMs: 1234.5, atEndMs: [1, 2, 3, 4, 5, 6], inFlightMs: [7, 8, 9, 10, 11, 12] };

test('no unit counts at first, and none again once its thresholds are taken away', () => {
  const dials = createLatencyDials();
  const since = (unit: number) => dials[unit * LATENCY_DIAL_WORDS + LATENCY_DIAL.since];
  assert.deepEqual([since(0), since(UNITS_MAX - 1)], [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
  setLatency(dials, 3, DIAL);
  assert.deepEqual([since(2), since(3), since(4)], [Number.POSITIVE_INFINITY, 1234.5, Number.POSITIVE_INFINITY]);
  setLatency(dials, 3, null);
  assert.equal(since(3), Number.POSITIVE_INFINITY);
});

test('another view of the same memory sees the thresholds', () => {
  const dials = createLatencyDials();
  setLatency(dials, 7, DIAL);
  const worker = new Float64Array(dials.buffer).subarray(7 * LATENCY_DIAL_WORDS, 8 * LATENCY_DIAL_WORDS);
  assert.deepEqual([...worker.subarray(0, 13)], [1234.5, ...DIAL.atEndMs, ...DIAL.inFlightMs]);
});

test('what is no unit is refused', () => {
  const dials = createLatencyDials();
  for (const unit of [-1, 0.5, UNITS_MAX]) assert.throws(() => setLatency(dials, unit, null), /there is no unit/);
});
