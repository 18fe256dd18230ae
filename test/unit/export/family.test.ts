import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Registry } from 'prom-client';
import { type Family, type Reading, registerFamily } from '#src/export/family.ts';
import { parseExposition } from '../../support/readings/metrics/exposition.ts';
import { sampleStatus } from '../../support/readings/status.ts';

const NO_LOSSES = { queueFull: 0, failureRate: 0, stream: 0 };
const READING: Reading = {
  status: sampleStatus(),
  traffic: [],
  versions: [],
  services: [],
  endpoints: [],
  refused: [],
  colors: { tokens: [], signatures: [] },
  handshakes: [],
  proxyHeaders: [],
  http2: [],
  rollbacks: [],
  accessLosses: NO_LOSSES,
  ratesForgotten: 0,
  injected: [],
  staleBytes: 0,
  viewers: { clients: 0, refused: 0, dropped: 0 },
  routes: [],
  slos: [],
  scrapes: { text: 0, openMetrics: 0, protobuf: 0, refused: 0, aborted: 0, seriesLeftOut: 0 },
  exemplars: () => [],
};

const FAMILY: Family = {
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
    const family: Family = {
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
});
