/** The shape e-process: exact validity whatever it learned, no cost for health, every form of slowness, no NaN. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { BINS, type BinnedTick, ShapeProcess } from '#src/slo/latency/shape.ts';
import { FIRST_COPY } from '#src/slo/verdict/mixture.ts';
import { bytesPerCall, COUNTED } from '../../../support/proxy/allocation.ts';

type Shares = readonly number[];

const EVEN: Shares = [0.5, 0.25, 0.15, 0.05, 0.04, 0.009, 0.001];
/** What canaries may look like before: everywhere slower, in the tail, hung, odd, and faster. */
const LEARNED: Readonly<Record<string, Shares>> = {
  slower: [0.35, 0.26, 0.2, 0.08, 0.08, 0.02, 0.01],
  'slower in the tail': [0.5, 0.22, 0.13, 0.06, 0.05, 0.03, 0.01],
  hung: [0, 0, 0, 0, 0, 0, 1],
  'slow and fast': [0.7, 0, 0, 0, 0, 0, 0.3],
  faster: [0.8, 0.15, 0.05, 0, 0, 0, 0],
};

function tickOf(canary: Shares, stable: Shares): BinnedTick {
  return { canary: Float64Array.from(canary), stable: Float64Array.from(stable) };
}

/** A process that saw 20 ticks of 50 and 950 requests. */
function taught(canary: Shares, stable = EVEN): ShapeProcess {
  const process = new ShapeProcess();
  const tick = tickOf(
    canary.map((share) => 50 * share),
    stable.map((share) => 950 * share),
  );
  for (let n = 0; n < 20; n++) process.update(tick);
  return process;
}

/** Logarithm of the first copy's part, without what copies not yet started hold. */
function logStake({ logE }: ShapeProcess): number {
  return logE + Math.log1p(-(1 - FIRST_COPY) * Math.exp(-logE));
}

/** By what the bets are expected to grow in one tick, summed exactly over every outcome. */
function growth(learned: Shares, sizes: readonly [number, number], canary: Shares, stable: Shares): number {
  const before = logStake(taught(learned));
  let expected = 0;
  const visit = (left: readonly [number, number], tick: BinnedTick, probability: number): void => {
    if (probability === 0) return;
    if (left[0] + left[1] === 0) {
      const process = taught(learned);
      process.update(tick);
      expected += probability * Math.exp(logStake(process) - before);
      return;
    }
    const isCanary = left[0] > 0;
    for (let bin = 0; bin < BINS; bin++) {
      const next = tickOf([...tick.canary], [...tick.stable]);
      const counts = isCanary ? next.canary : next.stable;
      counts[bin] = (counts[bin] as number) + 1;
      const share = (isCanary ? canary : stable)[bin] as number;
      visit(isCanary ? [left[0] - 1, left[1]] : [left[0], left[1] - 1], next, probability * share);
    }
  };
  visit(
    sizes,
    tickOf(
      EVEN.map(() => 0),
      EVEN.map(() => 0),
    ),
    1,
  );
  return expected;
}

const COMMON: readonly Shares[] = [
  EVEN,
  [0.1, 0.1, 0.2, 0.2, 0.2, 0.1, 0.1],
  [0, 0, 0, 0, 0, 0.5, 0.5],
  [0.4, 0, 0, 0, 0, 0, 0.6],
  [1, 0, 0, 0, 0, 0, 0],
];

describe('the expectation of E under the null', () => {
  for (const [name, learned] of Object.entries(LEARNED)) {
    it(`never rises when both have the same distribution, whatever it is: learned ${name}`, () => {
      for (const common of COMMON) {
        for (const sizes of [
          [1, 1],
          [1, 2],
          [2, 1],
        ] as const) {
          const expected = growth(learned, sizes, common, common);
          assert.ok(expected <= 1 + 1e-9, `${common.join()} ${sizes.join()}: ${expected}`);
        }
      }
    });

    it(`never rises when the canary is faster: learned ${name}`, () => {
      const faster = [0.3, 0.3, 0.2, 0.1, 0.05, 0.04, 0.01];
      const expected = growth(learned, [1, 2], faster, [0.1, 0.1, 0.2, 0.2, 0.2, 0.1, 0.1]);
      assert.ok(expected <= 1 + 1e-9, `${expected}`);
    });
  }

  it('rises for a canary that is slower in the way it was before', () => {
    for (const name of ['slower', 'slower in the tail', 'hung']) {
      const learned = LEARNED[name] as Shares;
      assert.ok(growth(learned, [1, 2], learned, EVEN) > 1.005, name);
    }
  });
});

describe('a canary', () => {
  for (const name of ['slower', 'slower in the tail', 'hung']) {
    it(`that is ${name} is found`, () => assert.ok(taught(LEARNED[name] as Shares).reaches(5), name));
  }

  it('that is faster or alike bets nothing, so that health costs nothing', () => {
    for (const shares of [EVEN, LEARNED['faster'] as Shares]) {
      assert.ok(Math.abs(taught(shares).logE) < 1e-9, shares.join());
    }
  });

  it('that gets slow after long health is found by a fresh copy', () => {
    const process = taught([0.49, 0.25, 0.15, 0.06, 0.03, 0.01, 0.01]);
    for (let n = 0; n < 300; n++)
      process.update(
        tickOf(
          [26, 12, 8, 2, 2, 0, 0],
          EVEN.map((share) => 950 * share),
        ),
      );
    process.restart();
    for (let n = 0; n < 60; n++) {
      process.update(
        tickOf(
          [17, 13, 10, 4, 4, 1, 1],
          EVEN.map((share) => 950 * share),
        ),
      );
    }
    assert.ok(process.logE > 7, `${process.logE}`);
  });
});

describe('tempering', () => {
  it('takes the root of the evidence', () => {
    const [plain, tempered] = [1, 4].map((dispersion) => {
      const process = new ShapeProcess();
      for (let n = 0; n < 10; n++) process.update(tickOf([0, 0, 0, 0, 0, 0, 5], [50, 25, 15, 5, 4, 1, 0]), dispersion);
      return process.logE;
    }) as [number, number];
    assert.ok(tempered < plain / 2 && tempered > 0, `${tempered} of ${plain}`);
  });
});

describe('any counts', () => {
  it('never make it NaN or infinite', (t) => {
    const seed = 22;
    t.diagnostic(`seed ${seed}`);
    const random = new Random(seed);
    const process = new ShapeProcess();
    for (let n = 0; n < 5000; n++) {
      const scale = 10 ** (random.nextUint32() % 6);
      const counts = (): number[] => EVEN.map(() => (random.nextUint32() % 3) * (random.nextUint32() % scale));
      process.update(tickOf(counts(), counts()));
      if (n % 50 === 0) process.restart();
      if (n % 1000 === 0) process.forget();
      assert.ok(Number.isFinite(process.logE), `tick ${n}: ${process.logE}`);
    }
  });
});

it('a tick allocates nothing', COUNTED, () => {
  const process = new ShapeProcess();
  const tick = tickOf([20, 10, 8, 3, 3, 1, 1], [500, 250, 150, 50, 40, 9, 1]);
  assert.ok(bytesPerCall(() => process.update(tick)) < 1);
});
