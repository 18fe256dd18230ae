import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Registry } from 'prom-client';
import { type Family, type Reading, registerFamily } from '#src/export/family.ts';
import { parseExposition } from '../../support/readings/exposition.ts';
import { sampleStatus } from '../../support/readings/status.ts';

const NO_LOSSES = { queueFull: 0, failureRate: 0, stream: 0 };
const READING: Reading = {
  status: sampleStatus(),
  traffic: [],
  refused: [],
  colors: { tokens: [], signatures: [] },
  rollbacks: [],
  accessLosses: NO_LOSSES,
  ratesForgotten: 0,
};

const FAMILY: Family = {
  name: 'sluice_example_total',
  help: 'An example',
  type: 'counter',
  *collect({ status }) {
    yield { labels: { name: 'a"b\\c\nd' }, value: status.config.revision };
    yield { labels: {}, value: Infinity, metricName: 'sluice_example_other' };
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
      { name: 'sluice_example_other', labels: {}, value: Infinity },
    ]);
    reading = { ...READING, status: sampleStatus({ config: { ...sampleStatus().config, revision: 9 } }) };
    assert.equal((await page())?.samples[0]?.value, 9);
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
