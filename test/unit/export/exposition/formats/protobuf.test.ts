import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ProtobufWriter } from '#src/export/exposition/formats/protobuf.ts';
import { PIECE_BYTES } from '#src/export/exposition/formats/writer.ts';
import { LabelSet, NO_LABELS } from '#src/export/exposition/labels.ts';
import type { Sample } from '#src/export/family.ts';
import { HISTOGRAM_BUCKETS } from '#src/lib/histogram.ts';
import { bytesPerCall, COUNTED } from '../../../../support/proxy/allocation.ts';
import { cellOf } from '../../../../support/readings/cells.ts';
import { countsOf, readFamilies } from '../../../../support/readings/metrics/protobuf.ts';

const HEAD = { name: 'sluice_example', help: 'An example', type: 'gauge' } as const;

function familiesOf(...parts: readonly (readonly [Parameters<ProtobufWriter['begin']>[0], readonly Sample[]])[]) {
  const writer = new ProtobufWriter();
  for (const [head, samples] of parts) {
    writer.begin(head);
    for (const { labels, shared = {}, value } of samples) writer.add(new LabelSet(labels), new LabelSet(shared), value);
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

  for (const isTakenAtOnce of [false, true]) {
    const how = isTakenAtOnce ? 'together' : 'one by one';
    test(`families that are taken ${how} are not written over one another`, () => {
      const writer = new ProtobufWriter();
      const names = ['sluice_a', 'sluice_b', 'sluice_c'];
      const pieces: Buffer[] = [];
      for (const name of names) {
        writer.begin({ ...HEAD, name });
        for (let n = 0; n < SAMPLES; n++) writer.add(new LabelSet({ name, n }), NO_LABELS, n);
        writer.end();
        if (!isTakenAtOnce) pieces.push(Buffer.concat(writer.take()));
      }
      const families = readFamilies(Buffer.concat([...pieces, ...writer.take()]));
      assert.deepEqual(
        families.map(({ name }) => name),
        names,
      );
      for (const { name, metrics } of families) {
        assert.equal(metrics.length, SAMPLES);
        assert.ok(
          metrics.every(({ labels, value }, n) => labels['name'] === name && value === n),
          name,
        );
      }
    });
  }

  test('labels longer than a piece are written whole', () => {
    const name = 'ü'.repeat(PIECE_BYTES);
    const [family] = familiesOf([HEAD, [{ labels: { name }, value: 1 }]]);
    assert.equal(family?.metrics[0]?.labels['name'], name);
  });

  test('a sample allocates nothing once its labels were written', COUNTED, () => {
    const writer = new ProtobufWriter();
    const [own, shared] = [new LabelSet({ outcome: 'good' }), new LabelSet({ route: 'checkout', version: 'v1' })];
    const family = (): void => {
      writer.begin(HEAD);
      for (let n = 0; n < SAMPLES; n++) writer.add(own, shared, n);
      writer.end();
      writer.take();
    };
    const bytes = bytesPerCall(family, 20, SAMPLES) / SAMPLES;
    assert.ok(bytes < 2, `${bytes} B`);
  });
});

/** Some pieces. */
const SAMPLES = 20_000;
