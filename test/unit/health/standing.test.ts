/** In, out, and on the way back. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Standing } from '#src/health/standing.ts';
import { OUTLIER } from '../../support/simulate/health.ts';

const RAMP_MS = 20_000;

describe('an ejection', () => {
  it('lasts its time and says how long still', () => {
    const one = new Standing(0, null);
    one.eject('5 errors in a row', OUTLIER, 1000);
    assert.deepEqual([one.state, one.isOut, one.capacity(1000)], ['ejected', true, 0]);
    assert.equal(one.view(3500).because, '5 errors in a row, back in 8 s');
    assert.equal(one.turn(10_999), false);
    assert.equal(one.turn(11_000), true);
    assert.deepEqual(one.view(11_000), { state: 'up', capacityRatio: 1, because: '', ejections: 1 });
  });

  it('is longer each time, up to the maximum', () => {
    const one = new Standing(0, null);
    const lasted: number[] = [];
    let nowMs = 0;
    for (let n = 0; n < 4; n++) {
      one.eject('slow', { ...OUTLIER, ejectionMaxMs: 25_000 }, nowMs);
      const since = nowMs;
      while (!one.turn(nowMs)) nowMs += 100;
      lasted.push(nowMs - since);
    }
    assert.deepEqual(lasted, [10_000, 20_000, 25_000, 25_000]);
  });

  it('is forgotten, one for each time that it lasted', () => {
    const after = (goodMs: number): string => {
      const one = new Standing(0, null);
      one.eject('a', OUTLIER, 0);
      one.turn(10_000);
      one.eject('a', OUTLIER, 10_000);
      one.turn(30_000);
      one.eject('a', OUTLIER, 30_000 + goodMs);
      return one.view(30_000 + goodMs).because;
    };
    assert.equal(after(19_999), 'a, back in 30 s');
    assert.equal(after(20_000), 'a, back in 20 s');
    assert.equal(after(40_000), 'a, back in 10 s');
    assert.equal(after(4_000_000), 'a, back in 10 s');
  });

  it('of one that is out already changes nothing', () => {
    const one = new Standing(0, null);
    one.eject('first', OUTLIER, 0);
    one.eject('second', OUTLIER, 5000);
    assert.deepEqual([one.view(5000).because, one.view(5000).ejections], ['first, back in 5 s', 1]);
  });
});

describe('slow start', () => {
  it('grows in proportion to time, from a tenth on, to all of it', () => {
    const one = new Standing(RAMP_MS, 0);
    const at = [0, 1000, 2000, 10_000, 19_990].map((nowMs) => one.capacity(nowMs));
    assert.deepEqual(at, [100, 100, 100, 500, 999]);
    assert.deepEqual(one.view(10_000), {
      state: 'slow-start',
      capacityRatio: 0.5,
      because: '50 % of its share, all of it in 10 s',
      ejections: 0,
    });
    one.turn(20_000);
    assert.deepEqual([one.state, one.capacity(20_000)], ['up', 1000]);
  });

  it('comes after an ejection and after ill health', () => {
    const ejected = new Standing(RAMP_MS, null);
    ejected.eject('a', OUTLIER, 0);
    ejected.turn(10_000);
    assert.deepEqual([ejected.state, ejected.capacity(15_000)], ['slow-start', 250]);
    const ill = new Standing(RAMP_MS, null);
    ill.check('status 503', 0);
    ill.check(null, 10_000);
    assert.deepEqual([ill.state, ill.capacity(15_000)], ['slow-start', 250]);
  });

  it('that the configuration takes away ends at once', () => {
    const one = new Standing(RAMP_MS, 0);
    one.slowStartMs = 0;
    assert.deepEqual([one.state, one.capacity(1)], ['up', 1000]);
  });
});

describe('ill health', () => {
  it('shows before an ejection, and both must end', () => {
    const one = new Standing(0, null);
    one.eject('slow', OUTLIER, 0);
    one.check('status 503', 1000);
    assert.deepEqual([one.state, one.isUnhealthy, one.view(1000).because], ['unhealthy', true, 'status 503']);
    one.turn(10_000);
    assert.deepEqual([one.state, one.capacity(10_000)], ['unhealthy', 0]);
    one.check(null, 12_000);
    assert.deepEqual([one.state, one.capacity(12_000)], ['up', 1000]);
  });

  it('that ends within an ejection leaves the rest of it', () => {
    const one = new Standing(RAMP_MS, null);
    one.eject('slow', OUTLIER, 0);
    one.check('status 503', 1000);
    one.check(null, 2000);
    assert.deepEqual([one.state, one.capacity(2000)], ['ejected', 0]);
    one.turn(10_000);
    assert.equal(one.capacity(20_000), 500, 'its slow start begins when it is back');
  });
});
