/** In, out, and on the way back. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Standing } from '#src/health/standing.ts';
import { PROBE_RESULT } from '#src/model/threads/load/capacity.ts';
import { OUTLIER } from '../../support/simulate/health.ts';

const RAMP_MS = 20_000;

/** One whose first ejection was over at 10 s. */
function halfOpen(): Standing {
  const one = new Standing(0, null);
  one.eject('a', OUTLIER, 0);
  one.turn(OUTLIER, 10_000);
  return one;
}

/** Probes end: g, good; b, bad. */
function probes({ trial }: Standing, results: string): void {
  assert.ok(trial !== null);
  for (const [n, letter] of [...results].entries()) {
    trial.offered(n + 1);
    trial.take(n + 1, letter === 'g' ? PROBE_RESULT.good : PROBE_RESULT.bad, 0);
  }
}

/** Its ejection is over, and its trial as well. */
function recover(one: Standing, nowMs: number): void {
  one.turn(OUTLIER, nowMs);
  probes(one, 'ggg');
  assert.equal(one.turn(OUTLIER, nowMs), true);
}

describe('an ejection', () => {
  it('lasts its time and says how long still', () => {
    const one = new Standing(0, null);
    one.eject('5 errors in a row', OUTLIER, 1000);
    assert.deepEqual([one.state, one.isOut, one.capacity(1000)], ['ejected', true, 0]);
    assert.equal(one.view(3500).because, '5 errors in a row, tried again in 8 s');
    one.turn(OUTLIER, 10_999);
    assert.equal(one.state, 'ejected');
    one.turn(OUTLIER, 11_000);
    assert.equal(one.state, 'half-open');
  });

  it('is longer each time, up to the maximum', () => {
    const one = new Standing(0, null);
    const lasted: number[] = [];
    let nowMs = 0;
    for (let n = 0; n < 4; n++) {
      one.eject('slow', { ...OUTLIER, ejectionMaxMs: 25_000 }, nowMs);
      const since = nowMs;
      for (; one.state === 'ejected'; one.turn(OUTLIER, nowMs)) nowMs += 100;
      lasted.push(nowMs - since);
      recover(one, nowMs);
    }
    assert.deepEqual(lasted, [10_000, 20_000, 25_000, 25_000]);
  });

  it('is forgotten, one for each time that it lasted', () => {
    const after = (goodMs: number): string => {
      const one = new Standing(0, null);
      one.eject('a', OUTLIER, 0);
      recover(one, 10_000);
      one.eject('a', OUTLIER, 10_000);
      recover(one, 30_000);
      one.eject('a', OUTLIER, 30_000 + goodMs);
      return one.view(30_000 + goodMs).because;
    };
    assert.equal(after(19_999), 'a, tried again in 30 s');
    assert.equal(after(20_000), 'a, tried again in 20 s');
    assert.equal(after(40_000), 'a, tried again in 10 s');
    assert.equal(after(4_000_000), 'a, tried again in 10 s');
  });

  it('of one that is out already changes nothing', () => {
    const one = new Standing(0, null);
    one.eject('first', OUTLIER, 0);
    one.eject('second', OUTLIER, 5000);
    assert.deepEqual([one.view(5000).because, one.view(5000).ejections], ['first, tried again in 5 s', 1]);
  });
});

describe('half-open', () => {
  it('an endpoint is out, and tells how far its trial is', () => {
    const one = halfOpen();
    probes(one, 'gg');
    assert.equal(one.turn(OUTLIER, 10_000), false);
    const because = 'a, tried again: 2 of 3 probes were good';
    assert.deepEqual(one.view(10_000), { state: 'half-open', capacityRatio: 0, because, ejections: 1 });
    assert.equal(one.isOut, true);
  });

  it('an endpoint is back with the last good probe that it needs', () => {
    const one = halfOpen();
    probes(one, 'ggg');
    assert.equal(one.turn(OUTLIER, 10_100), true);
    assert.deepEqual(one.view(10_100), { state: 'up', capacityRatio: 1, because: '', ejections: 1 });
  });

  it('an endpoint is out for longer at once when a probe is bad', () => {
    const one = halfOpen();
    probes(one, 'ggb');
    assert.equal(one.turn(OUTLIER, 12_000), false);
    const because = 'a probe of it failed, tried again in 20 s';
    assert.deepEqual(one.view(12_000), { state: 'ejected', capacityRatio: 0, because, ejections: 2 });
    one.turn(OUTLIER, 32_000);
    assert.deepEqual([one.state, one.trial?.passed], ['half-open', 0], 'a new trial');
  });
});

describe('an ejection under a configuration that has changed', () => {
  it('is tried with as many probes as are to be good now, three where nothing is said', () => {
    const one = halfOpen();
    probes(one, 'g');
    assert.equal(one.turn({ ...OUTLIER, probes: 1 }, 10_000), true);
    const other = halfOpen();
    probes(other, 'gg');
    assert.equal(other.turn(OUTLIER, 10_000), false);
    assert.equal(other.trial?.needed, 3);
  });

  it('begins the next by what that says now', () => {
    const one = halfOpen();
    probes(one, 'b');
    one.turn({ ...OUTLIER, ejectionMs: 1000 }, 10_000);
    assert.equal(one.view(10_000).because, 'a probe of it failed, tried again in 2 s');
  });

  it('is over where outliers are left alone, and so is its trial, bad as it may be', () => {
    const ejected = new Standing(RAMP_MS, null);
    ejected.eject('a', OUTLIER, 0);
    assert.equal(ejected.turn(null, 5000), true);
    assert.deepEqual([ejected.state, ejected.turn(null, 5000)], ['slow-start', false]);
    const tried = halfOpen();
    probes(tried, 'b');
    assert.equal(tried.turn(null, 10_000), true);
    assert.deepEqual([tried.state, tried.trial], ['up', null]);
  });

  it('leaves ill health', () => {
    const one = new Standing(RAMP_MS, null);
    one.eject('a', OUTLIER, 0);
    one.check('status 503', 0);
    one.turn(null, 5000);
    assert.deepEqual([one.state, one.capacity(5000)], ['unhealthy', 0]);
    one.check(null, 6000);
    assert.deepEqual([one.state, one.capacity(16_000)], ['slow-start', 500], 'its slow start begins when it is back');
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
    one.turn(OUTLIER, 20_000);
    assert.deepEqual([one.state, one.capacity(20_000)], ['up', 1000]);
  });

  it('comes after an ejection and after ill health', () => {
    const ejected = new Standing(RAMP_MS, null);
    ejected.eject('a', OUTLIER, 0);
    recover(ejected, 10_000);
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
    one.turn(OUTLIER, 10_000);
    assert.deepEqual([one.state, one.capacity(10_000)], ['unhealthy', 0]);
    one.check(null, 12_000);
    one.turn(OUTLIER, 12_000);
    assert.deepEqual([one.state, one.capacity(12_000)], ['half-open', 0], 'checks do not see what requests saw');
  });

  it('ends a trial, which begins anew after it', () => {
    const one = halfOpen();
    probes(one, 'gg');
    one.check('status 503', 11_000);
    assert.deepEqual([one.state, one.trial], ['unhealthy', null]);
    one.check(null, 12_000);
    one.turn(OUTLIER, 12_000);
    assert.deepEqual([one.state, one.trial?.passed], ['half-open', 0]);
  });

  it('that ends within an ejection leaves the rest of it', () => {
    const one = new Standing(RAMP_MS, null);
    one.eject('slow', OUTLIER, 0);
    one.check('status 503', 1000);
    one.check(null, 2000);
    assert.deepEqual([one.state, one.capacity(2000)], ['ejected', 0]);
    recover(one, 10_000);
    assert.equal(one.capacity(20_000), 500, 'its slow start begins when it is back');
  });
});
