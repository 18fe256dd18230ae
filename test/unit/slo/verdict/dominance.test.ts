/** The dominance e-process: check vectors, exact validity, shared slowdowns, no NaN. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import {
  DominanceProcess,
  PRIORS,
  type Prior,
  QUANTILES,
  THRESHOLD_STAKES,
  type ThresholdTick,
} from '#src/slo/verdict/dominance.ts';
import { FIRST_COPY } from '#src/slo/verdict/mixture.ts';
import { bytesPerCall, COUNTED } from '../../../support/proxy/allocation.ts';
import { samples } from '../../../support/runner/depth.ts';
import { binomial } from '../../../support/simulate/binomial.ts';

type Four = readonly [canaryFinished: number, stableFinished: number, canaryExceeded: number, stableExceeded: number];

const vectorFile = new URL('../../../support/readings/verdict-vectors.json', import.meta.url);
const VECTORS = (
  JSON.parse(readFileSync(vectorFile, 'utf8')) as {
    'dominance_prior_a_0.5_b_100': readonly { readonly ticks: readonly Four[]; readonly logE: number }[];
  }
)['dominance_prior_a_0.5_b_100'];

function tickOf([canaryFinished, stableFinished, canaryExceeded, stableExceeded]: Four): ThresholdTick {
  return { canaryFinished, stableFinished, canaryExceeded, stableExceeded };
}

/** ln of the first copy's own e-value: E = w_0 M + (1 - w_0). */
function logMixture(process: DominanceProcess): number {
  return Math.log((Math.exp(process.logE) - 1 + FIRST_COPY) / FIRST_COPY);
}

describe('the check vectors', () => {
  VECTORS.forEach(({ ticks, logE }, n) => {
    it(`number ${n + 1} holds to 1e-9`, () => {
      const process = new DominanceProcess([{ exceeded: 0.5, finished: 100 }], [1]);
      for (const tick of ticks) process.update(0, tickOf(tick));
      assert.ok(Math.abs(logMixture(process) - logE) < 1e-9, `${logMixture(process)}`);
    });
  });

  it('are all three there', () => assert.equal(VECTORS.length, 3));
});

/** Between two shares of the grid, in twentieths. */
const STRIDE = samples(1, 4);

/** Expected e-value after one tick, summed exactly over every outcome. */
function expectedE(prior: Prior, [n, m]: readonly [number, number], [p, q]: readonly [number, number]): number {
  const [canary, stable] = [binomial(n, p), binomial(m, q)];
  let sum = 0;
  for (const [x, px] of canary.entries()) {
    for (const [y, py] of stable.entries()) {
      const process = new DominanceProcess([prior], [1]);
      process.update(0, tickOf([n, m, x, y]));
      sum += px * py * Math.exp(process.logE);
    }
  }
  return sum;
}

const SIZES = [
  [1, 1],
  [1, 19],
  [2, 3],
  [3, 20],
  [5, 5],
  [8, 30],
] as const;

describe('the expectation of E under the null', () => {
  it('never exceeds 1, whatever the common share of exceedances, what was believed of it, and how much faster one is', () => {
    let max = 0;
    for (const prior of [...PRIORS, { exceeded: 0.5, finished: 100 }, { exceeded: 90, finished: 100 }]) {
      for (const size of SIZES) {
        for (let step = 1; step <= 20; step += STRIDE) {
          for (const share of [1, 0.6]) max = Math.max(max, expectedE(prior, size, [(share * step) / 20, step / 20]));
        }
      }
    }
    assert.ok(max <= 1 + 1e-12, `max ${max}`);
    assert.ok(max > 0.999, 'the grid reaches the boundary');
  });

  it('exceeds 1 for a canary that is slower', () => {
    assert.ok(expectedE({ exceeded: 10, finished: 200 }, [5, 30], [0.5, 0.05]) > 3);
  });
});

describe('the average over thresholds', () => {
  it('is that of the single e-values', () => {
    const ticks: readonly Four[] = PRIORS.map((_, k) => [50, 950, 10 - k, 60]);
    const all = new DominanceProcess();
    let sum = 0;
    for (const [k, tick] of ticks.entries()) {
      all.update(k, tickOf(tick));
      const one = new DominanceProcess([PRIORS[k] as Prior], [1]);
      one.update(0, tickOf(tick));
      sum += (THRESHOLD_STAKES[k] as number) * Math.exp(one.logE);
    }
    assert.ok(Math.abs(Math.exp(all.logE) - sum) < 1e-9);
  });

  it('names the threshold that convicts', () => {
    const process = new DominanceProcess();
    for (let n = 0; n < 20; n++) {
      QUANTILES.forEach((_, k) => {
        process.update(k, tickOf([50, 950, k === 4 ? 3 : 0, Math.round(950 * (1 - (QUANTILES[k] as number)))]));
      });
    }
    assert.equal(QUANTILES[process.strongest], 0.99);
    assert.ok(process.reaches(10));
  });
});

describe('a slowdown that both share', () => {
  it('convicts nobody, however sudden', () => {
    const process = new DominanceProcess();
    for (let n = 0; n < 600; n++) {
      const share = n % 100 < 50 ? 0.02 : 1;
      for (const k of QUANTILES.keys())
        process.update(k, tickOf([50, 950, Math.round(50 * share), Math.round(950 * share)]));
      if (n % 300 === 299) process.restart();
      assert.ok(process.logE < 3, `tick ${n}: ${process.logE}`);
    }
  });
});

describe('tempering', () => {
  it('takes the root of the evidence', () => {
    const [plain, tempered] = [1, 4].map((dispersion) => {
      const process = new DominanceProcess([{ exceeded: 2, finished: 200 }], [1]);
      process.update(0, tickOf([50, 950, 20, 10]), dispersion);
      return process.logE;
    }) as [number, number];
    assert.ok(tempered < plain / 2 && tempered > 0, `${tempered} of ${plain}`);
  });
});

describe('any counts', () => {
  it('never make it NaN or infinite', (t) => {
    const seed = 21;
    t.diagnostic(`seed ${seed}`);
    const random = new Random(seed);
    const upTo = (max: number): number => random.nextUint32() % (max + 1);
    const process = new DominanceProcess();
    for (let n = 0; n < 5000; n++) {
      const [canary, stable] = [upTo(200_000), upTo(3_000_000)];
      process.update(n % QUANTILES.length, tickOf([canary, stable, upTo(canary), upTo(stable)]));
      if (n % 40 === 0) process.restart();
      if (n % 500 === 0) process.forget();
      assert.ok(Number.isFinite(process.logE), `tick ${n}`);
    }
  });

  it('say nothing while an arm has none, and are learned from nevertheless', () => {
    const process = new DominanceProcess();
    process.update(0, tickOf([0, 950, 0, 900]));
    process.update(0, tickOf([50, 0, 50, 0]));
    assert.equal(process.logE, 0);
    const fresh = new DominanceProcess();
    for (const one of [process, fresh]) one.update(0, tickOf([50, 950, 30, 475]));
    assert.notEqual(process.logE, fresh.logE);
  });

  it('cost no memory', COUNTED, () => {
    const process = new DominanceProcess();
    const tick = tickOf([50, 950, 1, 9]);
    assert.ok(bytesPerCall(() => process.update(4, tick)) < 1);
  });
});
