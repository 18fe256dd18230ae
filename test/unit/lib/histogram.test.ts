/** The latency histogram: exact boundaries, quantiles within 1.09 %, no allocation. */

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import {
  bucketIndex,
  bucketUpperMs,
  countsSince,
  HISTOGRAM_BUCKETS,
  HISTOGRAM_OFFSET,
  HISTOGRAM_SCALE,
  mean,
  quantile,
  sparseCounts,
} from '#src/lib/histogram.ts';
import { Random } from '#src/lib/random.ts';
import { CELL, HISTOGRAM_BUCKETS as RESERVED_BUCKETS } from '#src/model/tallies.ts';
import { bytesPerCall, COUNTED } from '../../support/proxy/allocation.ts';
import { lognormal, normal, pareto } from '../../support/simulate/draws.ts';

const LAST = HISTOGRAM_BUCKETS - 1;
const ERROR_MAX = 0.0109;

/** The next larger double. */
function nextUp(value: number): number {
  const double = new Float64Array([value]);
  const bits = new BigInt64Array(double.buffer);
  bits[0] = (bits[0] as bigint) + 1n;
  return double[0] as number;
}

describe('buckets', () => {
  it('are as many as the tallies reserve', () => {
    assert.equal(HISTOGRAM_BUCKETS, RESERVED_BUCKETS);
  });

  it('end at the powers of 2^(1/32) seconds, inclusively', () => {
    for (let index = 0; index < HISTOGRAM_BUCKETS; index++) {
      const upperMs = 1000 * Math.pow(2, (index + HISTOGRAM_OFFSET + 1) / 2 ** HISTOGRAM_SCALE);
      assert.equal(bucketUpperMs(index), upperMs);
      assert.equal(bucketIndex(upperMs), index, `bound of bucket ${index}`);
      assert.equal(bucketIndex(nextUp(upperMs)), Math.min(LAST, index + 1), `just above bucket ${index}`);
    }
  });

  it('span 0.1 ms to more than 120 s', () => {
    assert.ok(bucketUpperMs(0) > 0.1 && bucketUpperMs(0) < 0.1022);
    assert.ok(bucketUpperMs(LAST - 1) > 120_000);
  });

  it('agree with the logarithm everywhere between', (t) => {
    const random = seeded(t, 20_260);
    for (let n = 0; n < 200_000; n++) {
      const ms = 0.1 * 2_000_000 ** random.nextFloat();
      const index = bucketIndex(ms);
      assert.ok(ms <= bucketUpperMs(index), `${ms}`);
      assert.ok(index === 0 || ms > bucketUpperMs(index - 1), `${ms}`);
    }
  });

  it('take in what is out of range at either end', () => {
    for (const ms of [0, -0, -1, 1e-300, 0.05, Number.NEGATIVE_INFINITY]) assert.equal(bucketIndex(ms), 0, `${ms}`);
    for (const ms of [206_200, 1e9, Number.MAX_VALUE, Number.POSITIVE_INFINITY, Number.NaN]) {
      assert.equal(bucketIndex(ms), LAST, `${ms}`);
    }
  });
});

describe('quantiles', () => {
  const distributions: readonly [string, (random: Random) => number][] = [
    ['lognormal', (random) => lognormal(random, 50, 0.8)],
    ['Pareto', (random) => pareto(random, 2, 1.2)],
    ['bimodal', (random) => Math.abs(random.nextFloat() < 0.9 ? 12 + 2 * normal(random) : 900 + 80 * normal(random))],
    ['constant', () => 250],
    ['four values', (random) => [5, 80, 81, 1000][random.nextUint32() & 3] as number],
  ];
  for (const [name, draw] of distributions) {
    it(`are within 1.09 % on ${name} data`, (t) => {
      for (const [seed, count] of [
        [1, 100_000],
        [2, 10_000],
        [3, 1000],
        [4, 37],
        [5, 1],
      ] as const) {
        const random = seeded(t, seed);
        const values = Float64Array.from({ length: count }, () => Math.min(200_000, Math.max(0.1, draw(random))));
        const counts = countsOf(values);
        values.sort();
        for (const q of [0.5, 0.9, 0.95, 0.99, 0.999, 1]) {
          const exact = values[Math.max(1, Math.ceil(q * count)) - 1] as number;
          const error = Math.abs((quantile(counts, 0, q) as number) / exact - 1);
          assert.ok(
            error <= ERROR_MAX,
            `seed ${seed}: p${100 * q} of ${count} is off by ${(100 * error).toFixed(3)} %`,
          );
        }
      }
    });
  }

  it('of nothing are null, never 0', () => {
    assert.equal(quantile(new Int32Array(HISTOGRAM_BUCKETS), 0, 0.5), null);
  });

  it('read one cell among others', () => {
    const counts = new Int32Array(3 * HISTOGRAM_BUCKETS).fill(7);
    counts.fill(0, HISTOGRAM_BUCKETS, 2 * HISTOGRAM_BUCKETS);
    assert.equal(quantile(counts, HISTOGRAM_BUCKETS, 0.5), null);
    counts[HISTOGRAM_BUCKETS + bucketIndex(40)] = 1;
    assert.ok(Math.abs((quantile(counts, HISTOGRAM_BUCKETS, 0.99) as number) / 40 - 1) <= ERROR_MAX);
  });

  it('count a word beyond 2^31 as what it is', () => {
    const counts = new Int32Array(HISTOGRAM_BUCKETS);
    counts[bucketIndex(10)] = 1;
    counts[bucketIndex(500)] = -1;
    assert.ok((quantile(counts, 0, 0.01) as number) > 490);
  });

  it('take the smallest for 0 and the largest for 1', () => {
    const counts = countsOf([3, 30, 300]);
    assert.ok(Math.abs((quantile(counts, 0, 0) as number) / 3 - 1) <= ERROR_MAX);
    assert.ok(Math.abs((quantile(counts, 0, 1) as number) / 300 - 1) <= ERROR_MAX);
  });
});

describe('the mean', () => {
  it('is within 1.09 % of the exact one, and of nothing null', (t) => {
    const random = seeded(t, 4712);
    for (let round = 0; round < 20; round++) {
      const values = Array.from({ length: 50 }, () => lognormal(random, 50, 1.2));
      const exact = values.reduce((sum, one) => sum + one, 0) / values.length;
      const found = mean(countsOf(values), 0) as number;
      assert.ok(Math.abs(found / exact - 1) <= ERROR_MAX, `${found}, ${exact}`);
    }
    assert.equal(mean(new Int32Array(HISTOGRAM_BUCKETS), 0), null);
  });

  it('reads one cell among others', () => {
    const counts = new Int32Array(2 * HISTOGRAM_BUCKETS);
    counts.set(countsOf([10]), HISTOGRAM_BUCKETS);
    assert.ok(Math.abs((mean(counts, HISTOGRAM_BUCKETS) as number) / 10 - 1) <= ERROR_MAX);
  });
});

describe('recording', () => {
  it('into shared memory allocates nothing', COUNTED, () => {
    const words = new Int32Array(new SharedArrayBuffer(4096));
    const latencies = Float64Array.from({ length: 1024 }, (_, n) => 0.05 * 1.02 ** n);
    let at = 0;
    const record = (): void => {
      at = (at + 1) & 1023;
      const word = CELL.histogram + bucketIndex(latencies[at] as number);
      words[word] = (words[word] as number) + 1;
    };
    assert.equal(bytesPerCall(record), 0);
  });
});

function countsOf(values: Iterable<number>): Int32Array {
  const counts = new Int32Array(HISTOGRAM_BUCKETS);
  for (const value of values) counts[bucketIndex(value)] = (counts[bucketIndex(value)] as number) + 1;
  return counts;
}

function seeded(t: TestContext, seed: number): Random {
  t.diagnostic(`seed ${seed}`);
  return new Random(seed);
}

describe('readings of one histogram', () => {
  const later = new Int32Array(2 * HISTOGRAM_BUCKETS);
  later[HISTOGRAM_BUCKETS + 3] = 5;
  later[HISTOGRAM_BUCKETS + 200] = -1;

  it('are kept as the buckets that are not empty', () => {
    assert.deepEqual(sparseCounts(later, HISTOGRAM_BUCKETS), [
      [3, 5],
      [200, 4_294_967_295],
    ]);
    assert.deepEqual(sparseCounts(later, 0), []);
  });

  it('are subtracted, and never come to less than nothing', () => {
    const since = countsSince([[3, 5], [7, 2]], [[3, 4], [7, 3], [9, 1]]); // biome-ignore format: pairs
    assert.deepEqual([since[3], since[7], since[9], since.length], [1, 0, 0, HISTOGRAM_BUCKETS]);
  });
});
