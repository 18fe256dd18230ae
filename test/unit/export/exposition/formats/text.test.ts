import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Registry } from 'prom-client';
import { TextWriter } from '#src/export/exposition/formats/text.ts';
import { PIECE_BYTES } from '#src/export/exposition/formats/writer.ts';
import { LabelSet, NO_LABELS } from '#src/export/exposition/labels.ts';
import { type Family, inRows, type Labels, type Reading, registerFamily, type Sample } from '#src/export/family.ts';
import { Random } from '#src/lib/random.ts';
import { bytesPerCall, COUNTED } from '../../../../support/proxy/allocation.ts';
import { parseExposition } from '../../../../support/readings/metrics/exposition.ts';

const SHARED = { route: 'a"b\\c\nd', version: 'v1' };
const EXEMPLAR = { label: 'trace_id', id: 'ab12', value: 0.4, atSeconds: 1_700_000_000.25 } as const;
const FAMILIES: readonly Family[] = [
  {
    name: 'sluice_example_total',
    help: 'A "help" with \\ and\nmore',
    type: 'counter',
    collect: () => [
      { labels: { outcome: 'good' }, shared: SHARED, value: 3 },
      { labels: { outcome: 'bad' }, shared: SHARED, value: 1e21 },
    ],
  },
  {
    name: 'sluice_example_info',
    help: 'What it is',
    type: 'info',
    collect: () => [{ labels: { hash: 'x' }, value: 1 }],
  },
  {
    name: 'sluice_example_ratio',
    help: 'A share',
    type: 'gauge',
    collect: () => [
      { labels: {}, value: Number.NaN },
      { labels: { n: 1 }, value: Infinity },
      { labels: { n: 2 }, value: -Infinity },
      { labels: { n: 3 }, value: 0.25 },
    ],
  },
  {
    name: 'sluice_example_seconds',
    help: 'How long',
    type: 'histogram',
    collect: () => [
      {
        labels: { a: 'b' },
        value: {
          buckets: [
            { le: 0.25, count: 1 },
            { le: 1, count: 2, exemplar: EXEMPLAR },
            { le: Infinity, count: 3 },
          ],
          sum: 4.5,
        },
      },
      { labels: {}, value: { buckets: [{ le: Infinity, count: 0 }], sum: 0 } },
    ],
  },
  { name: 'sluice_empty', help: 'Nothing', type: 'gauge', collect: () => [] },
];
const READING = {} as Reading;

function textOf(isOpenMetrics: boolean, families = FAMILIES): string {
  const writer = new TextWriter(isOpenMetrics);
  for (const family of families.map(inRows)) {
    writer.begin(family);
    for (const row of family.rows(READING)) family.write(row, writer, READING);
    writer.end();
  }
  writer.close();
  const text = Buffer.concat(writer.take()).toString();
  assert.deepEqual([writer.waitingBytes, writer.take()], [0, []]);
  return text;
}

suite('text', () => {
  test('a page says what prom-client would say, series by series', async () => {
    const registry = new Registry();
    for (const family of FAMILIES) registerFamily(registry, family, () => READING);
    const [ours, theirs] = [parseExposition(textOf(false)), parseExposition(await registry.metrics())];
    assert.deepEqual(ours, theirs);
    assert.equal(ours.size, FAMILIES.length);
  });

  for (const seed of [1, 2, 3, 4, 5]) {
    test(`whatever is registered, a page says what prom-client would say, seed ${seed}`, async () => {
      const families = randomFamilies(new Random(seed));
      const registry = new Registry();
      for (const family of families) registerFamily(registry, family, () => READING);
      assert.deepEqual(parseExposition(textOf(false, families)), parseExposition(await registry.metrics()));
    });
  }

  test('a label longer than a piece is written whole, and what is taken is not given again', () => {
    const writer = new TextWriter(false);
    const name = 'ü'.repeat(PIECE_BYTES);
    writer.begin({ name: 'sluice_example', help: '', type: 'gauge' });
    writer.add(new LabelSet({ name }), NO_LABELS, 1);
    assert.ok(Buffer.concat(writer.take()).toString().endsWith(`sluice_example{name="${name}"} 1\n`));
    writer.add(NO_LABELS, NO_LABELS, 2);
    assert.equal(Buffer.concat(writer.take()).toString(), 'sluice_example 2\n');
  });

  test('a sample allocates nothing once its labels were written', COUNTED, () => {
    const writer = new TextWriter(true);
    const [own, shared] = [new LabelSet({ outcome: 'good' }), new LabelSet(SHARED)];
    let value = 0;
    const bytes = bytesPerCall(() => {
      writer.add(own, shared, value++);
      if (writer.waitingBytes >= PIECE_BYTES) writer.take();
    });
    assert.ok(bytes < 1, `${bytes} B`);
  });

  test('text has neither exemplars nor units nor an end', () => {
    assert.doesNotMatch(textOf(false), /ab12|UNIT|EOF/);
  });

  test('OpenMetrics has its names, units, bounds, exemplars and end', () => {
    assert.deepEqual(textOf(true).split('\n'), [
      '# TYPE sluice_example counter',
      '# HELP sluice_example A \\"help\\" with \\\\ and\\nmore',
      'sluice_example_total{outcome="good",route="a\\"b\\\\c\\nd",version="v1"} 3',
      'sluice_example_total{outcome="bad",route="a\\"b\\\\c\\nd",version="v1"} 1e+21',
      '# TYPE sluice_example info',
      '# HELP sluice_example What it is',
      'sluice_example_info{hash="x"} 1',
      '# TYPE sluice_example_ratio gauge',
      '# UNIT sluice_example_ratio ratio',
      '# HELP sluice_example_ratio A share',
      'sluice_example_ratio NaN',
      'sluice_example_ratio{n="1"} +Inf',
      'sluice_example_ratio{n="2"} -Inf',
      'sluice_example_ratio{n="3"} 0.25',
      '# TYPE sluice_example_seconds histogram',
      '# UNIT sluice_example_seconds seconds',
      '# HELP sluice_example_seconds How long',
      'sluice_example_seconds_bucket{a="b",le="0.25"} 1',
      'sluice_example_seconds_bucket{a="b",le="1.0"} 2 # {trace_id="ab12"} 0.4 1700000000.250',
      'sluice_example_seconds_bucket{a="b",le="+Inf"} 3',
      'sluice_example_seconds_sum{a="b"} 4.5',
      'sluice_example_seconds_count{a="b"} 3',
      'sluice_example_seconds_bucket{le="+Inf"} 0',
      'sluice_example_seconds_sum 0',
      'sluice_example_seconds_count 0',
      '# TYPE sluice_empty gauge',
      '# HELP sluice_empty Nothing',
      '# EOF',
      '',
    ]);
  });
});

const ALPHABET = ['a', 'Z', '0', '"', '\\', '\n', ' ', '{', '}', ',', '=', 'ü', '語', '😀'];
const NUMBERS = [0, -0, 1, -1, 0.1, 1e21, 1e-7, 2 ** 53, 2 ** 53 + 2, 99_999, 100_000, Number.NaN, Infinity, -Infinity];

function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random.nextFloat() * from.length)] as T;
}

function labelsOf(random: Random, prefix: string, n: number): Labels {
  const words = Array.from({ length: Math.floor(random.nextFloat() * 4) }, (_, at) => [
    `${prefix}${at}`,
    Array.from({ length: Math.floor(random.nextFloat() * 8) }, () => pick(random, ALPHABET)).join(''),
  ]);
  return { ...(Object.fromEntries(words) as Record<string, string>), [`${prefix}n`]: n };
}

/** Families of both kinds and of every type, with any labels and numbers. */
function randomFamilies(random: Random): Family[] {
  return Array.from({ length: 12 }, (_, n): Family => {
    const type = pick(random, ['counter', 'gauge', 'histogram'] as const);
    const head = { name: `sluice_random_${n}`, help: `Help ${pick(random, ALPHABET)} ${n}`, type };
    const samples = Array.from({ length: Math.floor(random.nextFloat() * 20) }, (_, at): Sample => {
      const value =
        random.nextFloat() < 0.5 ? pick(random, NUMBERS) : random.nextFloat() * 10 ** (random.nextFloat() * 12);
      const buckets = [0.1, 1, Infinity].map((le, i) => ({ le, count: at * (i + 1) }));
      const labels = { labels: labelsOf(random, 'own', at), shared: labelsOf(random, 'shared', at) };
      return { ...labels, value: type === 'histogram' ? { buckets, sum: value } : value };
    });
    if (random.nextFloat() < 0.5) return { ...head, collect: () => samples };
    const rows = samples.map(
      ({ labels, shared = {}, value }) => [new LabelSet(labels), new LabelSet(shared), value] as const,
    );
    return { ...head, rows: () => rows, write: (row: (typeof rows)[number], to) => to.add(...row) };
  });
}
