import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Registry } from 'prom-client';
import { TextWriter } from '#src/export/exposition/text.ts';
import { type Family, type Reading, registerFamily } from '#src/export/family.ts';
import { parseExposition } from '../../../support/readings/metrics/exposition.ts';

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

function textOf(isOpenMetrics: boolean): string {
  const writer = new TextWriter(isOpenMetrics);
  for (const family of FAMILIES) {
    writer.begin(family);
    for (const sample of family.collect(READING)) writer.sample(sample);
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
