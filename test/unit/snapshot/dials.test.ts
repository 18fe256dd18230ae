import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DIALS_MAX } from '#src/model/tallies.ts';
import { createDials, getDial, setDial } from '#src/snapshot/dials.ts';

test('all dials begin at 0 and keep what they are set to', () => {
  const dials = createDials();
  assert.equal(getDial(dials, DIALS_MAX - 1), 0);
  assert.equal(setDial(dials, 7, 95), 0);
  assert.equal(setDial(dials, 7, 0), 95);
  assert.equal(setDial(dials, 7, 1_000_000), 0);
  assert.equal(getDial(dials, 7), 1_000_000);
  assert.equal(getDial(dials, 6), 0);
});

test('another view of the same memory sees a dial at once', () => {
  const dials = createDials();
  const worker = new Int32Array(dials.buffer);
  setDial(dials, 3, 5);
  assert.equal(Atomics.load(worker, 3), 5);
});

test('what is no weight or no dial is refused', () => {
  const dials = createDials();
  for (const weight of [-1, 1.5, Number.NaN, 2 ** 31])
    assert.throws(() => setDial(dials, 0, weight), /a weight cannot be/);
  for (const dial of [-1, 0.5, DIALS_MAX]) {
    assert.throws(() => setDial(dials, dial, 1), /there is no dial/);
    assert.throws(() => getDial(dials, dial), /there is no dial/);
  }
});
