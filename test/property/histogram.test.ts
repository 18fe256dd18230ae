/** Any latencies whatever: buckets in order, quantiles within 1.09 % of the sorted data. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { bucketIndex, bucketUpperMs, HISTOGRAM_BUCKETS, quantile } from '#src/lib/histogram.ts';

/** Latencies inside the range of the histogram, evenly spread over its octaves. */
const latency = fc.double({ min: 0, max: 1, noNaN: true }).map((share) => 0.11 * 1_800_000 ** share);

describe('a histogram of any latencies', () => {
  it('keeps their order', () => {
    fc.assert(
      fc.property(fc.double(), fc.double(), (a, b) => {
        if (a <= b) assert.ok(bucketIndex(a) <= bucketIndex(b));
      }),
    );
  });

  it('puts each into the bucket that holds it', () => {
    fc.assert(
      fc.property(latency, (ms) => {
        const index = bucketIndex(ms);
        assert.ok(ms <= bucketUpperMs(index) && (index === 0 || ms > bucketUpperMs(index - 1)));
      }),
      { numRuns: 1000 },
    );
  });

  it('knows every quantile to 1.09 %', () => {
    const cases = fc.tuple(
      fc.array(latency, { minLength: 1, maxLength: 400 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
    );
    fc.assert(
      fc.property(cases, ([values, q]) => {
        const counts = new Int32Array(HISTOGRAM_BUCKETS);
        for (const ms of values) counts[bucketIndex(ms)] = (counts[bucketIndex(ms)] as number) + 1;
        const sorted = Float64Array.from(values).sort();
        const exact = sorted[Math.max(1, Math.ceil(q * values.length)) - 1] as number;
        assert.ok(Math.abs((quantile(counts, 0, q) as number) / exact - 1) <= 0.0109);
      }),
      { numRuns: 500 },
    );
  });
});
