import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { BUCKETS_MAX, nativeOf } from '#src/export/exposition/formats/native.ts';
import { bucketIndex, bucketUpperMs, HISTOGRAM_BUCKETS } from '#src/lib/histogram.ts';
import { Random } from '#src/lib/random.ts';
import { cellOf } from '../../../../support/readings/cells.ts';
import { countsOf } from '../../../../support/readings/metrics/protobuf.ts';

const upper = (index: number, schema: number): number => 2 ** (index * 2 ** -schema);

/** A slow second version: every bucket with its bounds by the definition. */
function check(latenciesMs: readonly number[]): ReturnType<typeof nativeOf> {
  const native = nativeOf(cellOf(latenciesMs).histogram);
  const counts = countsOf(native);
  assert.equal(native.count, latenciesMs.length);
  const inZero = latenciesMs.filter((ms) => ms / 1000 <= native.zeroThreshold).length;
  assert.equal(native.zeroCount, inZero);
  const rest = latenciesMs.filter((ms) => ms / 1000 > native.zeroThreshold);
  let sum = 0;
  for (const [index, count] of counts) {
    const lower = Math.max(native.zeroThreshold, upper(index - 1, native.schema));
    assert.equal(
      count,
      rest.filter((ms) => ms / 1000 > lower && ms / 1000 <= upper(index, native.schema)).length,
      `bucket ${index} of schema ${native.schema}`,
    );
    sum += count;
  }
  assert.equal(sum, rest.length);
  return native;
}

suite('native', () => {
  test('every latency is in the bucket that its schema has for it', () => {
    const native = check([0, 0.05, 0.2, 1, 3, 3.01, 3.2, 40, 41, 900, 1000, 120_000]);
    assert.equal(native.schema, 5);
    assert.equal(native.zeroThreshold, 2 ** (-425 / 32));
    assert.equal(native.zeroCount, 2);
  });

  test('bounds of the tallies are bounds of schema 5', () => {
    for (let bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
      const ms = bucketUpperMs(bucket);
      const index = [...countsOf(nativeOf(cellOf([ms]).histogram)).keys()][0];
      if (bucket === 0) assert.equal(index, undefined);
      else assert.ok(Math.abs(upper(index as number, 5) * 1000 - ms) <= ms * 1e-12);
      assert.equal(bucketIndex(ms), bucket);
    }
  });

  test('an empty histogram has no bucket, and one of zeros alone only the zero bucket', () => {
    assert.deepEqual(nativeOf(cellOf([]).histogram), {
      schema: 5,
      zeroThreshold: 2 ** (-425 / 32),
      zeroCount: 0,
      count: 0,
      spans: [],
      deltas: [],
    });
    const { zeroCount, count, spans } = nativeOf(cellOf([0, 0.01]).histogram);
    assert.deepEqual([zeroCount, count, spans], [2, 2, []]);
  });

  test('small gaps are zeros, large ones begin a span', () => {
    const counts = new Float64Array(HISTOGRAM_BUCKETS);
    for (const bucket of [430, 431, 434, 440]) counts[bucket] = 7;
    const { spans, deltas } = nativeOf(counts);
    assert.deepEqual(spans, [
      { offset: 5, length: 5 },
      { offset: 5, length: 1 },
    ]);
    assert.deepEqual(deltas, [7, 0, -7, 0, 7, 0]);
  });

  test('more buckets than there may be are merged into those of a coarser schema', () => {
    const random = new Random(20_261_122);
    const latencies = Array.from({ length: 3000 }, () => 0.02 * 10 ** (random.nextFloat() * 7));
    const native = check(latencies.filter((ms) => ms < 200_000));
    assert.ok(native.schema < 5, `schema ${native.schema}`);
    assert.ok(countsOf(native).size <= BUCKETS_MAX);
  });

  test('what took longer than the histogram reaches counts in its last bucket', () => {
    const { count, spans } = nativeOf(cellOf([1_000_000]).histogram);
    assert.equal(count, 1);
    assert.deepEqual(spans, [{ offset: HISTOGRAM_BUCKETS - 1 - 425, length: 1 }]);
  });
});
