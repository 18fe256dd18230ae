/** What is refused at once: by share and importance. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KEYS, keyOf } from '#src/proxy/decide/admission/priority.ts';
import { Rejector, type Standing } from '#src/proxy/decide/admission/rejector.ts';
import { bytesPerCall, COUNTED } from '../../../../support/proxy/allocation.ts';

const FULL: Standing = { isStanding: true, isProbing: false, queued: 20, free: 0, limit: 20 };
const EMPTY: Standing = { isStanding: false, isProbing: false, queued: 0, free: 20, limit: 20 };

/** Intervals with `arrivals` evenly over all keys and `completions`. Returns keys that were let through in the last one. */
function run(
  rejector: Rejector,
  standing: Standing,
  load: { count: number; arrivals: number; completions: number },
): number[] {
  let passed: number[] = [];
  for (let n = 0; n < load.count; n++) {
    passed = [];
    for (let i = 0; i < load.arrivals; i++) {
      const key = (i * 37) % KEYS;
      if (rejector.admits(key)) passed.push(key);
    }
    for (let i = 0; i < load.completions; i++) rejector.completed();
    rejector.tick(standing);
  }
  return passed;
}

describe('a rejector', () => {
  it('lets everything through until the queue stands', () => {
    const rejector = new Rejector();
    assert.equal(
      run(rejector, { ...FULL, isStanding: false }, { count: 50, arrivals: 512, completions: 50 }).length,
      512,
    );
    assert.equal(rejector.isOn, false);
  });

  it('refuses what is more than is completed, the least important of it', () => {
    const rejector = new Rejector();
    const passed = run(rejector, FULL, { count: 60, arrivals: 512, completions: 128 });
    assert.ok(Math.max(...passed) <= 0.32 * KEYS, `${Math.max(...passed)}`);
    assert.ok(passed.length >= 128, `${passed.length}`);
    assert.ok(rejector.ratio > 0.7 && rejector.ratio <= 0.751, `${rejector.ratio}`);
  });

  it('never refuses so much that the version would have less to do', () => {
    const rejector = new Rejector();
    for (const completions of [10, 100, 300, 500]) {
      run(rejector, FULL, { count: 60, arrivals: 512, completions });
      assert.ok(rejector.ratio <= 1 - completions / 512 + 0.001, `${rejector.ratio} at ${completions}`);
    }
  });

  it('opens within a second when places stay free, and is off when all is answered', () => {
    const rejector = new Rejector();
    run(rejector, FULL, { count: 60, arrivals: 512, completions: 50 });
    const before = rejector.ratio;
    run(rejector, EMPTY, { count: 10, arrivals: 50, completions: 50 });
    assert.ok(rejector.ratio < 0.2 * before, `${rejector.ratio}`);
    run(rejector, EMPTY, { count: 40, arrivals: 50, completions: 50 });
    assert.equal(rejector.isOn, false);
    assert.equal(rejector.ratio, 0);
    assert.equal(rejector.admits(KEYS - 1), true);
  });

  it('keeps its threshold while the limit probes', () => {
    const rejector = new Rejector();
    run(rejector, FULL, { count: 60, arrivals: 512, completions: 256 });
    const before = rejector.ratio;
    run(rejector, { ...FULL, isProbing: true }, { count: 10, arrivals: 512, completions: 5 });
    assert.equal(rejector.ratio, before);
  });

  it('without arrivals refuses nothing', () => {
    const rejector = new Rejector();
    run(rejector, FULL, { count: 60, arrivals: 0, completions: 0 });
    assert.equal(rejector.ratio, 0);
    assert.equal(rejector.admits(KEYS - 1), true);
  });

  it('refuses whole standings before it parts one by cohort', () => {
    const rejector = new Rejector();
    // Half of the arrivals stand at 0 and half at 3, all of one priority; half is completed.
    for (let n = 0; n < 60; n++) {
      for (let i = 0; i < 512; i++) rejector.admits(keyOf(1, i, 0, i % 2 === 0 ? 0 : 3));
      for (let i = 0; i < 256; i++) rejector.completed();
      rejector.tick(FULL);
    }
    let passed = 0;
    for (let i = 0; i < 512; i += 2)
      assert.ok(rejector.admits(keyOf(1, i, 0, 0)), 'nobody with little left is refused');
    for (let i = 1; i < 512; i += 2) if (rejector.admits(keyOf(1, i, 0, 3))) passed += 1;
    assert.ok(passed <= 256 * 0.2, `${passed}`);
  });

  it('refuses by what comes to all workers that share a limit, though nobody waits for this one', () => {
    const rejector = new Rejector();
    const counts = { count: 100, arrivals: 64, completions: 32 };
    run(rejector, { ...FULL, elsewhere: { arrivals: 192, completions: 32 } }, counts);
    const alone = new Rejector();
    run(alone, FULL, { count: 100, arrivals: 256, completions: 64 });
    assert.ok(alone.ratio > 0.7);
    assert.equal(rejector.ratio, alone.ratio);
    assert.deepEqual(rejector.counts, { arrivals: 0, completions: 0 });
    rejector.admits(0);
    rejector.completed();
    assert.deepEqual(rejector.counts, { arrivals: 1, completions: 1 });
  });

  it('takes an arrival without allocating, but for the first', COUNTED, () => {
    const rejector = new Rejector();
    rejector.admits(100);
    assert.equal(
      bytesPerCall(() => rejector.admits(100)),
      0,
    );
  });
});
