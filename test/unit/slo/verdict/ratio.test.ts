/** The ratio e-process: check vectors, exact validity, the restart recursion, no underflow. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { copyWeight, FIRST_COPY, unstartedWeight } from '#src/slo/verdict/mixture.ts';
import { ODDS_RATIOS, RatioProcess } from '#src/slo/verdict/ratio.ts';
import { bytesPerCall, COUNTED } from '../../../support/proxy/allocation.ts';
import { samples } from '../../../support/runner/depth.ts';
import { binomial } from '../../../support/simulate/binomial.ts';

type Tick = readonly [canaryFinished: number, stableFinished: number, canaryBad: number, stableBad: number];

interface Vector {
  readonly name: string;
  readonly repeat?: number;
  readonly ticks: readonly Tick[];
  readonly logE: Readonly<Record<string, number>>;
}

const vectorFile = new URL('../../../support/readings/verdict-vectors.json', import.meta.url);
const { ratio: VECTORS } = JSON.parse(readFileSync(vectorFile, 'utf8')) as { ratio: readonly Vector[] };

/** ln of the first copy's own e-value, before any restart: E = w_0 M + (1 - w_0). */
function logMixture(process: RatioProcess): number {
  return Math.log((Math.exp(process.logE) - 1 + FIRST_COPY) / FIRST_COPY);
}

describe('the check vectors', () => {
  for (const { name, repeat = 1, ticks, logE } of VECTORS) {
    for (const [key, expected] of Object.entries(logE)) {
      it(`${name} holds with ${key} to 1e-9`, () => {
        const process = new RatioProcess(Number(key.slice('r='.length)));
        for (let n = 0; n < repeat; n++) for (const tick of ticks) process.update(...tick);
        assert.ok(Math.abs(logMixture(process) - expected) < 1e-9, `${logMixture(process)}`);
      });
    }
  }

  it('are all there', () => {
    assert.deepEqual(
      VECTORS.map(({ name }) => name),
      ['V1', 'V2', 'V3', 'V4', 'V5'],
    );
  });
});

/** Expected e-value after one tick, summed exactly over every outcome. @param stakes as the process has them by itself */
function expectedE(
  toleratedRatio: number,
  [n, m]: readonly [number, number],
  [p, q]: readonly [number, number],
  stakes?: readonly number[],
): number {
  const canary = binomial(n, p);
  const stable = binomial(m, q);
  let sum = 0;
  for (const [x, px] of canary.entries()) {
    for (const [y, py] of stable.entries()) {
      const process = new RatioProcess(toleratedRatio, stakes);
      process.update(n, m, x, y);
      sum += px * py * Math.exp(process.logE);
    }
  }
  return sum;
}

/** Between two rates of the grid, in fortieths. */
const STRIDE = samples(1, 5);
const SIZES = [
  [1, 1],
  [1, 5],
  [1, 19],
  [2, 3],
  [3, 20],
  [5, 5],
  [8, 30],
] as const;
const TOLERATED_RATIOS = [1, 1.5, 2, 3];

/** All but nothing on one alternative: every stake is above 0. */
function stakesOn(alternative: number): number[] {
  return ODDS_RATIOS.map((_, j) => (j === alternative ? 1 : 1e-18));
}

describe('the expectation of E under the null', () => {
  it('never exceeds 1, at the boundary and inside, for every rate of a grid', () => {
    let max = 0;
    for (const toleratedRatio of TOLERATED_RATIOS) {
      for (const size of SIZES) {
        for (let step = 1; step <= 40; step += STRIDE) {
          const stable = step / 40;
          for (const share of [1, 0.5]) {
            const canary = Math.min(1, share * toleratedRatio * stable);
            max = Math.max(max, expectedE(toleratedRatio, size, [canary, stable]));
          }
        }
      }
    }
    assert.ok(max <= 1 + 1e-12, `max ${max}`);
    assert.ok(max > 0.999, 'the grid reaches the boundary');
  });

  it('never exceeds 1 of any alternative by itself, however the others do', () => {
    for (const [alternative, odds] of ODDS_RATIOS.entries()) {
      const stakes = stakesOn(alternative);
      let max = 0;
      for (const toleratedRatio of TOLERATED_RATIOS) {
        for (const size of SIZES) {
          for (let step = STRIDE; step <= 40; step += STRIDE) {
            const canary = Math.min(1, (toleratedRatio * step) / 40);
            max = Math.max(max, expectedE(toleratedRatio, size, [canary, step / 40], stakes));
          }
        }
      }
      assert.ok(max <= 1 + 1e-12 && max > 0.99, `odds ${odds}: ${max}`);
    }
  });

  it('exceeds 1 for a canary that is worse than tolerated', () => {
    assert.ok(expectedE(1.5, [5, 30], [0.5, 0.02]) > 5);
  });
});

/** All copies, each kept by itself: the definition that the recursion must equal. */
class DirectSum {
  readonly #toleratedRatio: number;
  readonly #copies: { logRatios: number[] }[] = [];

  constructor(toleratedRatio: number) {
    this.#toleratedRatio = toleratedRatio;
    this.restart();
  }

  restart(): void {
    this.#copies.push({ logRatios: ODDS_RATIOS.map(() => 0) });
  }

  update([n, m, x, y]: Tick): void {
    const share = (odds: number): number => (odds * this.#toleratedRatio * n) / (odds * this.#toleratedRatio * n + m);
    for (const copy of this.#copies) {
      copy.logRatios = copy.logRatios.map(
        (sum, j) =>
          sum +
          x * Math.log(share(ODDS_RATIOS[j] as number) / share(1)) +
          y * Math.log((1 - share(ODDS_RATIOS[j] as number)) / (1 - share(1))),
      );
    }
  }

  get e(): number {
    let e = unstartedWeight(this.#copies.length - 1);
    for (const [k, { logRatios }] of this.#copies.entries()) {
      for (const logRatio of logRatios) e += (copyWeight(k) / ODDS_RATIOS.length) * Math.exp(logRatio);
    }
    return e;
  }
}

describe('restarts', () => {
  it('of the recursion equal the direct sum over all copies to 1e-12', (t) => {
    for (const seed of [11, 12, 13]) {
      t.diagnostic(`seed ${seed}`);
      const random = new Random(seed);
      const process = new RatioProcess(1.5);
      const direct = new DirectSum(1.5);
      for (let n = 0; n < 400; n++) {
        const tick: Tick = [1 + (random.nextUint32() % 9), 1 + (random.nextUint32() % 60), n % 3 === 0 ? 1 : 0, 1];
        process.update(...tick);
        direct.update(tick);
        if (n % 25 === 24) {
          process.restart();
          direct.restart();
        }
        assert.ok(Math.abs(Math.exp(process.logE) / direct.e - 1) < 1e-12, `tick ${n}`);
      }
    }
  });

  it('give the copies weights that sum to 1', () => {
    let sum = 0;
    for (let k = 0; k < 1000; k++) sum += copyWeight(k);
    assert.ok(Math.abs(sum + unstartedWeight(999) - 1) < 1e-12);
  });

  it('leave E as it is', () => {
    const process = new RatioProcess(1.5);
    process.update(5, 95, 3, 0);
    const before = process.logE;
    process.restart();
    assert.ok(Math.abs(process.logE - before) < 1e-12);
  });

  it('start no copy twice: without bad events in between, hours dilute nothing', () => {
    const process = new RatioProcess(1.5);
    for (let n = 0; n < 1000; n++) process.restart();
    assert.equal(process.copies, 1);
    process.update(1, 19, 0, 1);
    process.restart();
    process.restart();
    assert.equal(process.copies, 2);
  });

  it('let a late regression be seen soon', () => {
    const [once, often] = [new RatioProcess(1.5), new RatioProcess(1.5)];
    for (let second = 0; second < 600; second++) {
      for (const process of [once, often]) process.update(50, 950, 0, 1);
      if (second % 30 === 29) often.restart();
    }
    for (let n = 0; n < 8; n++) for (const process of [once, often]) process.update(50, 950, 1, 0);
    assert.ok(often.logE > 6.9 && once.logE < 0, `${often.logE} with, ${once.logE} without`);
  });
});

describe('long health and sudden evidence', () => {
  it('never make it NaN or infinite', () => {
    const process = new RatioProcess(1.5);
    for (let hour = 0; hour < 24; hour++) {
      for (let n = 0; n < 120; n++) {
        process.update(180, 3_420_000, 0, 34_200);
        process.restart();
      }
    }
    assert.ok(Number.isFinite(process.logE) && process.logE < 0, `${process.logE}`);
    process.update(500_000, 500_000, 500_000, 0);
    assert.ok(Number.isFinite(process.logE) && process.logE > 1000, `${process.logE}`);
    process.update(1, 4_000_000_000, 0, 4_000_000_000);
    assert.ok(Number.isFinite(process.logE), `${process.logE}`);
    process.restart();
    process.update(5, 95, 5, 0);
    assert.ok(Number.isFinite(process.logE), `${process.logE}`);
  });

  it('end in proof when the proof is overwhelming', () => {
    const process = new RatioProcess(1.5);
    for (let n = 0; n < 10_000; n++) process.update(50, 950, 0, 10);
    process.restart();
    process.update(50, 950, 50, 0);
    assert.ok(process.reaches(6.9));
  });
});

describe('a tick', () => {
  it('says nothing when nothing was bad or an arm finished nothing', () => {
    const process = new RatioProcess(1.5);
    process.update(50, 950, 0, 0);
    process.update(0, 950, 0, 5);
    process.update(5, 0, 5, 0);
    assert.equal(process.logE, 0);
    assert.equal(process.copies, 1);
  });

  it('never makes one unit of doubt out of an outage that both share', () => {
    const process = new RatioProcess(1.5);
    for (let n = 0; n < 600; n++) process.update(5, 95, 5, 95);
    assert.ok(process.logE < 0, `${process.logE}`);
  });

  it('allocates nothing', COUNTED, () => {
    const process = new RatioProcess(1.5);
    assert.ok(bytesPerCall(() => process.update(5, 95, 0, 1)) < 1);
  });
});

describe('reaching a level', () => {
  it('is the same as comparing logE', () => {
    const random = new Random(5);
    const process = new RatioProcess(1.5);
    for (let n = 0; n < 3000; n++) {
      process.update(5, 95, random.nextUint32() % 20 === 0 ? 2 : 0, 1);
      if (n % 50 === 0) process.restart();
      for (const level of [-1, 0, 0.5, process.logE, process.logE + 1e-9, 2.3, 6.9]) {
        assert.equal(process.reaches(level), process.logE >= level, `${process.logE} against ${level}`);
      }
    }
  });
});
