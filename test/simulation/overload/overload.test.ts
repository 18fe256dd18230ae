/** A version with more requests than it can serve, on virtual time: what its limit, queue and priorities make of it. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { STANDING_CANARY, STANDING_PLENTY, STANDING_SPENT } from '#src/model/threads/load/standing.ts';
import { type Asker, type OverloadOutcome, overload } from '../../support/simulate/load/overload.ts';
import { MAIN, type Shape } from '../../support/simulate/load/shapes.ts';

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

function mean(values: readonly number[]): number {
  return values.reduce((sum, one) => sum + one, 0) / values.length;
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

describe('nine times what can be served, of which critical requests are nine tenths', () => {
  const SEEDS = [301, 302, 303, 304, 305, 306];
  // Of the other two, some answers are late by themselves, and chance alone fills five servers for a while.
  for (const [name, shape, least] of [
    ['20 servers of 50 ms', MAIN, 0.996],
    ['5 servers of 100 ms', FEW, 0.95],
    ['20 servers with a heavy tail', HEAVY, 0.972],
  ] as const) {
    it(`${name}: critical requests are answered`, (t) => {
      const load = { factorAt: () => 9, durationMs: 20_000, fromMs: 10_000 };
      const ratios = SEEDS.map((seed) => overload(shape, { ...load, seed }, 'auto').criticalRatio);
      t.diagnostic(`of critical ones: ${ratios.map((one) => one.toFixed(3)).join(' ')}`);
      assert.ok(mean(ratios) >= least, `${mean(ratios)}`);
    });
  }
});

it('20 servers four fifths of whose answers fail have what they can do a second after the first probe', (t) => {
  const load = { factorAt: () => 2, durationMs: 10_000, fromMs: 0, failureRatio: 0.8 };
  const seconds = [301, 302, 303, 304, 305, 306].map(
    (seed) => overload(MAIN, { ...load, seed }, 'auto').goodputBySecond,
  );
  const after = seconds.map((one) => mean(one.slice(7, 10)));
  t.diagnostic(`answered in seconds 7 to 9: ${after.map((one) => one.toFixed(2)).join(' ')}`);
  assert.ok(mean(after) >= 0.85, `${mean(after)}`);
});

describe('from a cold start under too much load, once the first probe is over', () => {
  const SEEDS = [301, 302, 303, 304, 305, 306, 307, 308, 309, 310];
  /** Few requests are critical there: one that is late by itself is a thousandth of those of ten seeds. */
  const MANY = Array.from({ length: 40 }, (_, n) => 301 + n);
  const cold = (shape: Shape, factor: number, fromMs = 5000, seeds = SEEDS): OverloadOutcome[] =>
    seeds.map((seed) => overload(shape, { factorAt: () => factor, durationMs: 12_000, fromMs, seed }, 'auto'));
  const lost = (outcomes: readonly OverloadOutcome[]): { lost: number; of: number } => {
    const fates = outcomes.map(({ fates: [critical] }) => critical as OverloadOutcome['fates'][number]);
    const sum = (of: (fate: (typeof fates)[number]) => number): number =>
      fates.reduce((total, fate) => total + of(fate), 0);
    const count = sum(({ late, refused, timedOut }) => late + refused + timedOut);
    return { lost: count, of: count + sum(({ good }) => good) };
  };

  for (const factor of [2, 5]) {
    it(`5 servers at ${factor} times lose next to none of their critical requests`, (t) => {
      const outcome = lost(cold(FEW, factor, 5000, MANY));
      t.diagnostic(`${outcome.lost} of ${outcome.of}`);
      assert.ok(outcome.lost <= 0.005 * outcome.of, `${outcome.lost} of ${outcome.of}`);
    });
  }

  it('20 servers at 10 times do all that they can in the second that begins then', (t) => {
    const seconds = cold(MAIN, 10, 4000).map(({ goodputBySecond }) => goodputBySecond[1] as number);
    t.diagnostic(`goodput of second 5: ${seconds.map((one) => one.toFixed(2)).join(' ')}`);
    assert.ok(mean(seconds) >= 0.93, `${mean(seconds)}`);
  });
});

describe('three times the load for 5 s, with clients that try three times', () => {
  /** The spike lasts from second 5 to 10 of what is measured. */
  const spike = (limit: 'auto' | null): OverloadOutcome => {
    const factorAt = (nowMs: number): number => (nowMs >= 10_000 && nowMs < 15_000 ? 3 : 1) * 0.85;
    return overload(MAIN, { factorAt, durationMs: 25_000, fromMs: 5000, retries: 3, seed: SEED }, limit);
  };

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

describe('routes of one priority at twice and five times what a version can serve', () => {
  /** The one with next to nothing left of its budget, one with plenty, and a canary. */
  const [SPENT, PLENTY, CANARY]: readonly Asker[] = [
    { share: 0.1, priority: 1, standing: STANDING_SPENT },
    { share: 0.6, priority: 1, standing: STANDING_PLENTY },
    { share: 0.3, priority: 1, standing: STANDING_CANARY },
  ];
  const asked = (factor: number, askers: readonly Asker[]): OverloadOutcome =>
    overload(MAIN, { factorAt: () => factor, durationMs: 20_000, fromMs: 10_000, seed: SEED, askers }, 'auto');
  const served = ({ fates }: OverloadOutcome): number[] =>
    fates.map(({ good, late, refused, timedOut }) => good / (good + late + refused + timedOut));

  for (const factor of [2, 5]) {
    it(`at ${factor} times: the one with least to lose keeps all of its requests, the others pay by what they have left`, (t) => {
      const outcome = asked(factor, [SPENT, PLENTY, CANARY] as readonly Asker[]);
      const [spent = 0, plenty = 0, canary = 1] = served(outcome);
      t.diagnostic(
        `${shown(outcome)}; served: ${served(outcome)
          .map((ratio) => ratio.toFixed(3))
          .join(' ')}`,
      );
      assert.ok(spent >= 0.99, `${spent}`);
      assert.ok(canary <= 0.02, `${canary}: all of the canary goes before any of stable`);
      // What is left for it: the capacity without a tenth of the load, of six tenths of it; a little less is answered.
      const left = (1 / factor - 0.1) / 0.6;
      assert.ok(Math.abs(plenty - left) <= 0.05, `${plenty}, ${left} is left`);
      assert.ok(outcome.goodput >= 0.94, `${outcome.goodput}`);
    });

    it(`at ${factor} times: routes that stand alike, however they do, fare as if there were no standings`, () => {
      const alike = (standing: number) =>
        asked(
          factor,
          [0.1, 0.3, 0.4, 0.2].map((share, priority) => ({ share, priority, standing })),
        );
      const today = steady(MAIN, factor);
      for (const standing of [STANDING_SPENT, STANDING_PLENTY, STANDING_CANARY]) {
        assert.deepEqual(alike(standing), today, `${standing}`);
      }
    });
  }

  it('a canary is refused before its stable version, which has all that it needs', (t) => {
    const half = { share: 0.4, priority: 1 };
    const rest = { share: 0.2, priority: 0, standing: STANDING_PLENTY };
    const outcome = asked(1.4, [rest, { ...half, standing: STANDING_PLENTY }, { ...half, standing: STANDING_CANARY }]);
    const [, stable = 0, canary = 1] = served(outcome);
    t.diagnostic(`${shown(outcome)}; stable ${stable.toFixed(3)}, canary ${canary.toFixed(3)}`);
    assert.ok(stable >= 0.99, `${stable}`);
    // What 1.4 - 0.84 of the capacity leaves to it.
    assert.ok(canary <= 0.3, `${canary}`);
  });

  it('no standing goes before a priority', () => {
    const outcome = asked(2, [
      { share: 0.3, priority: 0, standing: STANDING_CANARY },
      { share: 0.7, priority: 1, standing: STANDING_SPENT },
    ]);
    const [critical = 0] = served(outcome);
    assert.ok(critical >= 0.99, `${critical}`);
  });
});
