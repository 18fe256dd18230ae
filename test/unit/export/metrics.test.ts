import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createMetrics } from '#src/export/metrics.ts';
import { parseExposition } from '../../support/readings/exposition.ts';
import { scrape, sourceOf } from '../../support/readings/scrape.ts';
import { sampleStatus } from '../../support/readings/status.ts';

suite('metrics', () => {
  test('the page is Prometheus text in which every family has help, a type and the right suffix', async () => {
    const { contentType, body } = await createMetrics(sourceOf()).page();
    assert.equal(contentType, 'text/plain; version=0.0.4; charset=utf-8');
    for (const [name, family] of parseExposition(body)) {
      assert.notEqual(family.help, '', name);
      assert.match(family.type, /^(?:counter|gauge|histogram|summary)$/, name);
      if (!name.startsWith('sluice_')) continue;
      assert.equal(name.endsWith('_total'), family.type === 'counter', `${name} is a ${family.type}`);
      assert.doesNotMatch(name, /_ms|_percent|_milliseconds/);
    }
  });

  test("Node's own metrics are there", async () => {
    const families = await scrape();
    for (const name of [
      'process_cpu_seconds_total',
      'process_resident_memory_bytes',
      'nodejs_eventloop_lag_p99_seconds',
    ]) {
      assert.ok(families.has(name), name);
    }
  });

  test('scrapes that overlap read the source once, later ones read it again', async () => {
    let reads = 0;
    const metrics = createMetrics(
      sourceOf({
        status: () => {
          reads += 1;
          return sampleStatus();
        },
      }),
    );
    const [first, second] = await Promise.all([metrics.page(), metrics.page()]);
    assert.equal(first, second);
    assert.equal(reads, 1);
    await metrics.page();
    assert.equal(reads, 2);
  });

  test('a source that throws fails that scrape only', async () => {
    let isBroken = true;
    const metrics = createMetrics(
      sourceOf({
        traffic: () => {
          if (isBroken) throw new Error('no traffic');
          return [];
        },
      }),
    );
    await assert.rejects(metrics.page(), /no traffic/);
    isBroken = false;
    assert.match((await metrics.page()).body, /sluice_ready 1/);
  });
});
