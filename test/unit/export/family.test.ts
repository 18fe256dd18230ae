import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Registry } from 'prom-client';
import { LabelSet } from '#src/export/exposition/labels.ts';
import {
  inRows,
  type ListFamily,
  type Reading,
  type RowFamily,
  registerFamily,
  type SampleSink,
  samplesOf,
} from '#src/export/family.ts';
import { parseExposition } from '../../support/readings/metrics/exposition.ts';
import { sampleStatus } from '../../support/readings/status.ts';

const NO_LOSSES = { queueFull: 0, failureRate: 0, stream: 0 };
const READING: Reading = {
  status: sampleStatus(),
  rollouts: new Map(),
  traffic: [],
  versions: [],
  services: [],
  endpoints: [],
  states: [],
  slos: [],
  refused: [],
  colors: { tokens: [], signatures: [] },
  handshakes: [],
  proxyHeaders: [],
  http2: [],
  rollbacks: [],
  accessLosses: NO_LOSSES,
  ratesForgotten: 0,
  samplesLost: 0,
  injected: [],
  staleBytes: 0,
  viewers: { clients: 0, refused: 0, dropped: 0 },
  scrapes: { text: 0, openMetrics: 0, protobuf: 0, refused: 0, aborted: 0, seriesLeftOut: 0 },
  exemplars: () => [],
};

const FAMILY: ListFamily = {
  name: 'sluice_example_total',
  help: 'An example',
  type: 'counter',
  *collect({ status }) {
    yield { labels: { name: 'a"b\\c\nd' }, value: status.config.revision };
    yield { labels: {}, value: Infinity };
  },
};

suite('family', () => {
  test('a family is rendered from the reading of that scrape, with its labels escaped', async () => {
    const registry = new Registry();
    let reading = READING;
    registerFamily(registry, FAMILY, () => reading);
    const page = async () => parseExposition(await registry.metrics()).get('sluice_example_total');
    const first = await page();
    assert.deepEqual([first?.help, first?.type], ['An example', 'counter']);
    assert.deepEqual(first?.samples, [
      { name: 'sluice_example_total', labels: { name: 'a\\"b\\\\c\\nd' }, value: 3 },
      { name: 'sluice_example_total', labels: {}, value: Infinity },
    ]);
    reading = { ...READING, status: sampleStatus({ config: { ...sampleStatus().config, revision: 9 } }) };
    assert.equal((await page())?.samples[0]?.value, 9);
  });

  test('a histogram is what prom-client takes for one', async () => {
    const registry = new Registry();
    const family: ListFamily = {
      name: 'sluice_example_seconds',
      help: 'An example',
      type: 'histogram',
      collect: () => [
        {
          labels: { a: 'b' },
          value: {
            buckets: [
              { le: 1, count: 2 },
              { le: Infinity, count: 3 },
            ],
            sum: 4.5,
          },
        },
      ],
    };
    registerFamily(registry, family, () => READING);
    const lines = (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    assert.deepEqual(lines, [
      'sluice_example_seconds_bucket{le="1",a="b"} 2',
      'sluice_example_seconds_bucket{le="+Inf",a="b"} 3',
      'sluice_example_seconds_sum{a="b"} 4.5',
      'sluice_example_seconds_count{a="b"} 3',
    ]);
  });

  test('two families of one name cannot be registered', () => {
    const registry = new Registry();
    registerFamily(registry, FAMILY, () => READING);
    assert.throws(() => registerFamily(registry, FAMILY, () => READING), /already been registered/);
  });

  test('resetting the registry leaves a family working: it holds no state', async () => {
    const registry = new Registry();
    registerFamily(registry, FAMILY, () => READING);
    registry.resetMetrics();
    assert.match(await registry.metrics(), /sluice_example_total\{/);
  });

  test('a list is a family of rows as well, whose rows are its samples', () => {
    const family = inRows(FAMILY);
    const seen: unknown[] = [];
    const to: SampleSink = { add: (labels, shared, value) => seen.push([labels.pairs, shared.pairs, value]) };
    for (const row of family.rows(READING)) family.write(row, to, READING);
    assert.equal(family.name, FAMILY.name);
    assert.deepEqual(
      seen,
      Array.from(FAMILY.collect(READING), ({ labels, value }) => [labels, {}, value]),
    );
  });

  test('a family of rows has the samples that its rows write, in their order', () => {
    const [good, bad, shared] = [{ outcome: 'good' }, { outcome: 'bad' }, { route: 'a' }].map(
      (pairs) => new LabelSet(pairs),
    );
    assert.ok(good !== undefined && bad !== undefined && shared !== undefined);
    const rows: RowFamily<number> = {
      name: 'sluice_example_total',
      help: 'An example',
      type: 'counter',
      rows: () => [1, 0, 3],
      write: (count, to) => {
        if (count === 0) return;
        to.add(good, shared, count);
        to.add(bad, shared, -count);
      },
    };
    assert.deepEqual(
      samplesOf(rows, READING).map(({ labels, value }) => [labels['outcome'], value]),
      [
        ['good', 1],
        ['bad', -1],
        ['good', 3],
        ['bad', -3],
      ],
    );
    assert.deepEqual(samplesOf(FAMILY, READING), Array.from(FAMILY.collect(READING)));
  });
});
