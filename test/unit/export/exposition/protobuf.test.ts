import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ProtobufWriter } from '#src/export/exposition/protobuf.ts';
import type { Sample } from '#src/export/family.ts';
import { HISTOGRAM_BUCKETS } from '#src/lib/histogram.ts';
import { cellOf } from '../../../support/readings/cells.ts';
import { countsOf, readFamilies } from '../../../support/readings/metrics/protobuf.ts';

const HEAD = { name: 'sluice_example', help: 'An example', type: 'gauge' } as const;

function familiesOf(...parts: readonly (readonly [Parameters<ProtobufWriter['begin']>[0], readonly Sample[]])[]) {
  const writer = new ProtobufWriter();
  for (const [head, samples] of parts) {
    writer.begin(head);
    for (const sample of samples) writer.sample(sample);
    writer.end();
  }
  writer.close();
  const bytes = Buffer.concat(writer.take());
  assert.deepEqual([writer.waitingBytes, writer.take()], [0, []]);
  return readFamilies(bytes);
}

suite('protobuf', () => {
  test('families have name, help, type and unit, samples their labels and values', () => {
    const families = familiesOf(
      [HEAD, [{ labels: { a: 'ü"\n' }, shared: { n: 7 }, value: -0.5 }]],
      [{ ...HEAD, name: 'sluice_empty' }, []],
      [{ ...HEAD, name: 'sluice_example_seconds_total', type: 'counter' }, [{ labels: {}, value: 2 ** 53 }]],
      [{ ...HEAD, name: 'sluice_example_info', type: 'info' }, [{ labels: {}, value: 1 }]],
    );
    const none = { buckets: [], spans: [], deltas: [] };
    assert.deepEqual(families, [
      { ...HEAD, type: 1, unit: '', metrics: [{ labels: { a: 'ü"\n', n: '7' }, value: -0.5, ...none }] },
      {
        name: 'sluice_example_seconds_total',
        help: 'An example',
        type: 0,
        unit: 'seconds',
        metrics: [{ labels: {}, value: 2 ** 53, ...none }],
      },
      {
        name: 'sluice_example_info',
        help: 'An example',
        type: 1,
        unit: '',
        metrics: [{ labels: {}, value: 1, ...none }],
      },
    ]);
  });

  test('a histogram is classic and native at once, with its exemplars', () => {
    const cell = cellOf([0.01, 3, 3, 700]);
    const exemplar = { label: 'request_id', id: 'r1', value: 0.7, atSeconds: 1_700_000_000.5 } as const;
    const buckets = [
      { le: 0.5, count: 3 },
      { le: Infinity, count: 4, exemplar },
    ];
    const head = { ...HEAD, name: 'sluice_example_seconds', type: 'histogram' } as const;
    const [family] = familiesOf([head, [{ labels: {}, value: { buckets, sum: 0.706, counts: cell.histogram } }]]);
    const [metric] = family?.metrics ?? [];
    assert.ok(metric !== undefined);
    assert.deepEqual([family?.type, metric.count, metric.sum, metric.zeroCount, metric.schema], [4, 4, 0.706, 1, 5]);
    const found = metric.buckets[1]?.exemplar;
    assert.deepEqual(metric.buckets, [
      { le: 0.5, count: 3 },
      { le: Infinity, count: 4, exemplar: found },
    ]);
    assert.deepEqual(found, { labels: { request_id: 'r1' }, value: 0.7, seconds: 1_700_000_000.5 });
    assert.deepEqual([...countsOf(metric).values()], [2, 1]);
  });

  test('without counts a histogram is classic alone; without observations a native one is known by its span', () => {
    const head = { ...HEAD, type: 'histogram' } as const;
    const buckets = [{ le: Infinity, count: 0 }];
    const [family] = familiesOf([
      head,
      [
        { labels: {}, value: { buckets, sum: 0 } },
        { labels: { n: 1 }, value: { buckets, sum: 0, counts: new Float64Array(HISTOGRAM_BUCKETS) } },
      ],
    ]);
    assert.deepEqual(family?.metrics[0]?.schema, undefined);
    assert.deepEqual(family?.metrics[0]?.spans, []);
    assert.deepEqual(family?.metrics[1]?.spans, [{ offset: 0, length: 0 }]);
  });

  test('a family of any size is one message', () => {
    const samples = Array.from({ length: 5000 }, (_, n) => ({ labels: { name: `route-${n}`.repeat(4) }, value: n }));
    const families = familiesOf([HEAD, samples], [{ ...HEAD, name: 'sluice_next' }, [{ labels: {}, value: 1 }]]);
    assert.deepEqual(
      families.map(({ name, metrics }) => [name, metrics.length]),
      [
        ['sluice_example', 5000],
        ['sluice_next', 1],
      ],
    );
    assert.deepEqual(
      families[0]?.metrics.map(({ value }) => value),
      samples.map(({ value }) => value),
    );
  });
});
