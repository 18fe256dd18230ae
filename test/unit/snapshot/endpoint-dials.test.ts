import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ENDPOINTS_MAX } from '#src/model/tallies.ts';
import { CAPACITY_CHANGES, PROBE_OFFERS } from '#src/model/threads/load/capacity.ts';
import { createEndpointDials, isProbeOffered, offerProbe, setCapacity } from '#src/snapshot/endpoint-dials.ts';

test('every endpoint begins with its full share and keeps what it is set to', () => {
  const dials = createEndpointDials();
  assert.deepEqual([dials[0], dials[ENDPOINTS_MAX - 1]], [1000, 1000]);
  setCapacity(dials, 7, 250);
  assert.deepEqual([dials[6], dials[7]], [1000, 250]);
});

test('another view of the same memory sees a change, and that there was one; none is none', () => {
  const dials = createEndpointDials();
  const worker = new Int32Array(dials.buffer);
  const before = Atomics.load(worker, CAPACITY_CHANGES);
  setCapacity(dials, 3, 1000);
  assert.equal(Atomics.load(worker, CAPACITY_CHANGES), before);
  setCapacity(dials, 3, 0);
  assert.deepEqual([Atomics.load(worker, 3), Atomics.load(worker, CAPACITY_CHANGES)], [0, before + 1]);
});

test('what is no capacity or no endpoint is refused', () => {
  const dials = createEndpointDials();
  for (const capacity of [-1, 0.5, 1001, Number.NaN])
    assert.throws(() => setCapacity(dials, 0, capacity), /no capacity/);
  for (const endpoint of [-1, 0.5, ENDPOINTS_MAX])
    assert.throws(() => setCapacity(dials, endpoint, 1), /there is no endpoint/);
});

test('a probe is on offer until a worker takes it or it is taken back, and workers see that there is something new', () => {
  const dials = createEndpointDials();
  const worker = new Int32Array(dials.buffer);
  assert.equal(isProbeOffered(dials, 3), false);
  const before = Atomics.load(worker, CAPACITY_CHANGES);
  offerProbe(dials, 3, 41);
  assert.deepEqual([isProbeOffered(dials, 3), isProbeOffered(dials, 4)], [true, false]);
  assert.equal(Atomics.load(worker, CAPACITY_CHANGES), before + 1);
  assert.equal(Atomics.exchange(worker, PROBE_OFFERS + 3, 0), 41);
  assert.equal(isProbeOffered(dials, 3), false);
  offerProbe(dials, 3, 42);
  offerProbe(dials, 3, 0);
  assert.equal(isProbeOffered(dials, 3), false);
  assert.throws(() => offerProbe(dials, ENDPOINTS_MAX, 1), /there is no endpoint/);
});
