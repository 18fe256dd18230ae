/** Which keys are refused for a wanted share. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KEYS } from '#src/proxy/decide/admission/priority.ts';
import { KeyThreshold } from '#src/proxy/decide/admission/threshold.ts';
import { bytesPerCall, COUNTED } from '../../../../support/proxy/allocation.ts';

/** Arrivals evenly over all keys; the share that was refused. */
function arrive(threshold: KeyThreshold, count = KEYS): number {
  let refused = 0;
  for (let n = 0; n < count; n++) if (!threshold.admits((n * 37) % KEYS)) refused += 1;
  return refused / count;
}

describe('a threshold', () => {
  it('lets everything through until it is set, and when nothing arrived', () => {
    const threshold = new KeyThreshold();
    threshold.set(0.9);
    assert.equal(arrive(threshold), 0);
  });

  it('refuses the wanted share, the least important', () => {
    const threshold = new KeyThreshold();
    for (const ratio of [0.25, 0.5, 0.9]) {
      arrive(threshold);
      threshold.set(ratio);
      assert.ok(Math.abs(arrive(threshold) - ratio) < 0.01, `${ratio}`);
    }
    assert.equal(threshold.admits(0), true);
    assert.equal(threshold.admits(KEYS - 1), false);
  });

  it('goes by what arrived, not by how many keys there are', () => {
    const threshold = new KeyThreshold();
    for (let n = 0; n < 900; n++) threshold.admits(10);
    for (let n = 0; n < 100; n++) threshold.admits(400);
    threshold.set(0.1);
    assert.deepEqual([threshold.admits(10), threshold.admits(400)], [true, false]);
  });

  it('forgets', () => {
    const threshold = new KeyThreshold();
    arrive(threshold);
    threshold.set(0.9);
    threshold.clear();
    assert.equal(arrive(threshold), 0);
  });

  it('allocates nothing', COUNTED, () => {
    const threshold = new KeyThreshold();
    let n = 0;
    assert.ok(bytesPerCall(() => void threshold.admits(n++ % KEYS)) < 0.5);
    assert.ok(bytesPerCall(() => threshold.set(0.5), 200) < 0.5);
  });
});
