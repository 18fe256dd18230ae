/** A version with more requests than it can serve, on virtual time: what its limit, queue and priorities make of it. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type OverloadOutcome, overload, type Shape } from '../support/simulate/load/overload.ts';

const MAIN: Shape = { servers: 20, meanMs: 50, sigma: 0.5 };
const FEW: Shape = { servers: 5, meanMs: 100, sigma: 0.5 };
const HEAVY: Shape = { servers: 20, meanMs: 50, sigma: 1.2 };
const SEED = 301;

/** 20 s at a steady load, the first 10 s to learn. */
function steady(shape: Shape, factor: number, fromMs = 10_000): OverloadOutcome {
  return overload(shape, { factorAt: () => factor, durationMs: 20_000, fromMs, seed: SEED }, 'auto');
}

function shown({ goodput, criticalRatio, refused, presentMax }: OverloadOutcome): string {
  return `seed ${SEED}: goodput ${goodput.toFixed(3)}, critical ${criticalRatio.toFixed(3)}, ${refused} refused, at most ${presentMax} at once`;
}

describe('20 servers of 50 ms', () => {
  it('at 0.8 of what they can do, from a cold start: nobody is refused', (t) => {
    const outcome = steady(MAIN, 0.8, 0);
    t.diagnostic(shown(outcome));
    assert.equal(outcome.refused, 0);
  });

  for (const factor of [2, 5]) {
    it(`at ${factor} times: at least 95 % goodput, and critical requests are answered`, (t) => {
      const outcome = steady(MAIN, factor);
      t.diagnostic(shown(outcome));
      assert.ok(outcome.goodput >= 0.95, `${outcome.goodput}`);
      assert.ok(outcome.criticalRatio >= 0.99, `${outcome.criticalRatio}`);
    });
  }

  it('without a limit nothing useful is left at twice the load: the comparison does find what it looks for', () => {
    const load = { factorAt: () => 2, durationMs: 20_000, fromMs: 10_000, seed: SEED };
    assert.ok(overload(MAIN, load, null).goodput < 0.05);
  });
});

for (const [name, shape] of [
  ['5 servers of 100 ms', FEW],
  ['20 servers with a heavy tail', HEAVY],
] as const) {
  it(`${name}: at twice what they can do at least 85 % goodput`, (t) => {
    const outcome = steady(shape, 2);
    t.diagnostic(shown(outcome));
    assert.ok(outcome.goodput >= 0.85, `${outcome.goodput}`);
  });

  it(`${name}: at 0.8 of it nobody is refused`, (t) => {
    const outcome = steady(shape, 0.8, 0);
    t.diagnostic(shown(outcome));
    assert.equal(outcome.refused, 0);
  });
}

describe('three times the load for 5 s, with clients that try three times', () => {
  /** The spike lasts from second 5 to 10 of what is measured. */
  const spike = (limit: 'auto' | null): OverloadOutcome => {
    const factorAt = (nowMs: number): number => (nowMs >= 10_000 && nowMs < 15_000 ? 3 : 1) * 0.85;
    return overload(MAIN, { factorAt, durationMs: 25_000, fromMs: 5000, retries: 3, seed: SEED }, limit);
  };
  const mean = (seconds: readonly number[]): number => seconds.reduce((sum, one) => sum + one, 0) / seconds.length;

  it('is over within 5 s: all that is asked is answered again', (t) => {
    const { goodputBySecond } = spike('auto');
    t.diagnostic(`seed ${SEED}: ${goodputBySecond.map((one) => one.toFixed(2)).join(' ')}`);
    assert.ok(mean(goodputBySecond.slice(15)) >= 0.95 * 0.85);
  });

  it('without a limit never ends', () => {
    assert.ok(mean(spike(null).goodputBySecond.slice(15)) < 0.05);
  });
});

describe('a rollback onto a version with three tenths of the capacity', () => {
  // It had 30 % of the users and what they need; from second 10 on it has all of them.
  const rollback = (limit: 'auto' | null): OverloadOutcome => {
    const factorAt = (nowMs: number): number => (nowMs < 10_000 ? 0.8 : 0.8 / 0.3);
    return overload(MAIN, { factorAt, durationMs: 25_000, fromMs: 10_000, seed: SEED }, limit);
  };

  it('keeps what it can do from the first second on, refuses the rest, and every critical request is served', (t) => {
    const outcome = rollback('auto');
    t.diagnostic(`${shown(outcome)}; by second ${outcome.goodputBySecond.map((one) => one.toFixed(2)).join(' ')}`);
    assert.ok(outcome.goodput >= 0.9, `${outcome.goodput}`);
    assert.ok(outcome.criticalRatio >= 0.99, `${outcome.criticalRatio}`);
    // Three eighths can be served: what is critical, and most of what is usual.
    const refused = outcome.fates.map((fates) => fates.refused / fates.arrived);
    t.diagnostic(`refused by priority: ${refused.map((ratio) => ratio.toFixed(3)).join(' ')}`);
    const [critical = 1, usual = 1, degraded = 0, least = 0] = refused;
    assert.equal(critical, 0);
    assert.ok(usual <= 0.15, `${usual}`);
    assert.ok(Math.min(degraded, least) >= 0.9, `${degraded} ${least}`);
  });

  it('sends it no more at a time than its limit, which follows what it answers', () => {
    const { presentMax } = rollback('auto');
    assert.ok(presentMax <= 10 * MAIN.servers, `${presentMax}`);
    assert.ok(rollback(null).presentMax > 1000);
  });
});
