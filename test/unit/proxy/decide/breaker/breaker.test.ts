/** When a version is left alone, tried out and trusted again, on a made-up clock. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import type { BreakerConfig } from '#src/model/overload.ts';
import { Breaker } from '#src/proxy/decide/breaker/breaker.ts';
import { bytesPerCall, COUNTED } from '../../../../support/proxy/allocation.ts';

const CONFIG: BreakerConfig = {
  consecutiveErrors: 5,
  successRatioMin: 0.5,
  requestsMin: 20,
  windowMs: 10_000,
  openMs: 5000,
  probes: 3,
};
const SEED = 20_261_121;

/** Attempts that begin and end at once. */
function attempts(breaker: Breaker, outcomes: string, atMs: number): void {
  for (const outcome of outcomes) breaker.observe(outcome === 'x', breaker.trial, atMs);
}

/** One that was opened at 1,000 ms. */
function opened(changes: Partial<BreakerConfig> = {}): Breaker {
  const breaker = new Breaker({ ...CONFIG, ...changes });
  attempts(breaker, 'xxxxx', 1000);
  assert.equal(breaker.state, 'open');
  return breaker;
}

describe('a closed breaker', () => {
  it('opens at the last of so many failures in a row, and not before', () => {
    const breaker = new Breaker(CONFIG);
    attempts(breaker, 'xxxx.xxxx', 1000);
    assert.equal(breaker.state, 'closed');
    attempts(breaker, 'x', 1000);
    assert.equal(breaker.state, 'open');
    assert.equal(breaker.admit(1000), false);
  });

  it('opens when fewer succeed within the window than must, of enough', () => {
    const breaker = new Breaker(CONFIG);
    attempts(breaker, 'xx.x.xx.x.xx.x.xx.', 1000);
    assert.equal(breaker.state, 'closed', '18 are not enough');
    attempts(breaker, '.', 1000);
    assert.equal(breaker.state, 'closed', 'a success opens nothing');
    attempts(breaker, 'x', 1000);
    assert.equal(breaker.state, 'open');
  });

  it('stays closed while as many succeed as must', () => {
    const breaker = new Breaker(CONFIG);
    for (let atMs = 0; atMs < 100_000; atMs += 100) attempts(breaker, '.x', atMs);
    assert.equal(breaker.state, 'closed');
  });

  it('forgets what is older than its window, also after a long pause', () => {
    for (const pauseMs of [10_001, 20_000, 3_600_000, 40 * 86_400_000]) {
      const breaker = new Breaker({ ...CONFIG, consecutiveErrors: 1000 });
      attempts(breaker, 'x'.repeat(19), 5000);
      attempts(breaker, 'x', 5000 + pauseMs);
      assert.equal(breaker.state, 'closed', `${pauseMs} ms`);
    }
    const breaker = new Breaker({ ...CONFIG, consecutiveErrors: 1000 });
    attempts(breaker, 'x'.repeat(19), 5000);
    attempts(breaker, 'x', 13_000);
    assert.equal(breaker.state, 'open');
  });
});

describe('an open breaker', () => {
  it('lets nothing through for its time, then its probes, and no more', () => {
    const breaker = opened();
    assert.equal(breaker.admit(5999), false);
    assert.deepEqual(
      [1, 2, 3, 4].map(() => breaker.admit(6000)),
      [true, true, true, false],
    );
    assert.equal(breaker.state, 'half-open');
  });

  it('closes when all probes are good, and begins to count anew', () => {
    const breaker = opened();
    for (let n = 0; n < 3; n++) breaker.admit(6000);
    attempts(breaker, '..', 6010);
    assert.equal(breaker.state, 'half-open');
    attempts(breaker, '.', 6010);
    assert.equal(breaker.state, 'closed');
    attempts(breaker, 'xxxx', 6020);
    assert.equal(breaker.state, 'closed');
  });

  it('opens again when a probe is bad, each time for twice as long, up to eight times', () => {
    const breaker = opened();
    let atMs = 1000;
    for (const factor of [1, 2, 4, 8, 8, 8]) {
      assert.equal(breaker.admit(atMs + factor * 5000 - 1), false, `${factor}`);
      atMs += factor * 5000;
      assert.equal(breaker.admit(atMs), true, `${factor}`);
      attempts(breaker, 'x', atMs);
      assert.equal(breaker.state, 'open');
    }
  });

  it('is open for its first time again once it was closed', () => {
    const breaker = opened({ probes: 1 });
    breaker.admit(6000);
    attempts(breaker, 'x', 6000);
    breaker.admit(16_000);
    attempts(breaker, '.', 16_000);
    attempts(breaker, 'xxxxx', 17_000);
    assert.equal(breaker.admit(21_999), false);
    assert.equal(breaker.admit(22_000), true);
  });

  it('hears nothing of attempts that began before it tried, nor of the probes of an earlier trial', () => {
    const breaker = opened();
    breaker.observe(true, 0, 1500);
    breaker.admit(6000);
    const first = breaker.trial;
    for (const isBad of [true, false, false, false]) breaker.observe(isBad, 0, 6100);
    assert.equal(breaker.state, 'half-open');
    breaker.observe(true, first, 6200);
    assert.equal(breaker.admit(16_200), true);
    for (const isBad of [true, false, false, false]) breaker.observe(isBad, first, 16_300);
    assert.equal(breaker.state, 'half-open');
  });

  it('lets another one through in place of a probe that came to nothing', () => {
    const breaker = opened();
    for (let n = 0; n < 3; n++) breaker.admit(6000);
    breaker.giveBack(breaker.trial);
    assert.deepEqual(
      [1, 2].map(() => breaker.admit(6001)),
      [true, false],
    );
    breaker.giveBack(0);
    assert.equal(breaker.admit(6002), false);
  });

  it('tries again when nobody learns how its probes end', () => {
    const breaker = opened();
    for (let n = 0; n < 3; n++) assert.equal(breaker.admit(6000), true);
    assert.equal(breaker.admit(10_999), false);
    assert.equal(breaker.admit(11_000), true);
  });
});

describe('a version that answers more slowly than its breaker waits', () => {
  it('closes it all the same', () => {
    const breaker = opened({ openMs: 100 });
    const underWay: { readonly atMs: number; readonly trial: number }[] = [];
    for (let nowMs = 1100; nowMs < 3000; nowMs += 10) {
      while ((underWay[0]?.atMs ?? nowMs) <= nowMs - 400) breaker.observe(false, underWay.shift()?.trial ?? 0, nowMs);
      if (breaker.state !== 'closed' && breaker.admit(nowMs)) underWay.push({ atMs: nowMs, trial: breaker.trial });
    }
    assert.equal(breaker.state, 'closed');
  });
});

/** 400 events at random; returns the time after them. */
function live(breaker: Breaker, random: Random): number {
  const underWay: number[] = [];
  let nowMs = 1e6 * random.nextFloat();
  for (let n = 0; n < 400; n++) {
    nowMs += 500 * random.nextFloat() ** 2;
    const draw = random.nextFloat();
    if (draw < 0.6) {
      if (breaker.admit(nowMs)) underWay.push(breaker.trial);
      continue;
    }
    const trial = underWay.shift();
    if (trial === undefined) continue;
    if (draw < 0.9) breaker.observe(random.nextFloat() < 0.7, trial, nowMs);
    // It came to nothing, or the client left.
    else if (draw < 0.95) breaker.giveBack(trial);
  }
  return nowMs;
}

describe('any history', () => {
  it('comes back to closed once the version is well, within eight times its time and the probes', () => {
    const random = new Random(SEED);
    for (let round = 0; round < 300; round++) {
      const breaker = new Breaker({ ...CONFIG, probes: 1 + (random.nextUint32() % 5) });
      let nowMs = live(breaker, random);
      const endMs = nowMs + 8 * CONFIG.openMs + 2 * CONFIG.openMs;
      while (nowMs < endMs) {
        nowMs += 100;
        if (breaker.admit(nowMs)) breaker.observe(false, breaker.trial, nowMs);
      }
      assert.equal(breaker.state, 'closed', `seed ${SEED}, round ${round}`);
    }
  });
});

it('costs no memory per attempt', COUNTED, () => {
  const breaker = new Breaker({ ...CONFIG, consecutiveErrors: 1_000_000, successRatioMin: 0 });
  const clock = new Float64Array([1000.5]);
  const bytes = bytesPerCall(() => {
    const nowMs = (clock[0] as number) + 0.25;
    clock[0] = nowMs;
    if (!breaker.admit(nowMs)) throw new Error('refused');
    breaker.observe((nowMs & 1) === 0, breaker.trial, nowMs);
  });
  assert.equal(bytes, 0);
});
