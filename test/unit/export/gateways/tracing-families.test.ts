import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { TracingStatus } from '#src/model/threads/requests/tracing.ts';
import { scrape, series } from '../../../support/readings/metrics/scrape.ts';
import { sampleStatus } from '../../../support/readings/status.ts';

const TRACING: TracingStatus = {
  endpoint: 'http://127.0.0.1:4318/v1/traces',
  because: '',
  queued: 5,
  counts: { exported: 100, failed: 7, dropped: { queueFull: 1, failureRate: 2, worker: 3 } },
};

suite('tracing-families', () => {
  test('tell what was exported, what was lost, and whether the collector takes anything', async () => {
    const families = await scrape({ status: () => sampleStatus({ tracing: TRACING }) });
    assert.deepEqual(series(families, 'sluice_tracing_spans_total'), ['result=exported 100', 'result=failed 7']);
    assert.deepEqual(series(families, 'sluice_tracing_dropped_total'), [
      'cause=failure_rate 2',
      'cause=queue_full 1',
      'cause=worker 3',
    ]);
    assert.deepEqual(series(families, 'sluice_tracing_queue'), ['5']);
    assert.deepEqual(series(families, 'sluice_tracing_up'), ['1']);
    const lost = await scrape({ status: () => sampleStatus({ tracing: { ...TRACING, because: 'refused' } }) });
    assert.deepEqual(series(lost, 'sluice_tracing_up'), ['0']);
  });

  test('say nothing while there are no traces', async () => {
    const families = await scrape({ status: () => sampleStatus() });
    assert.deepEqual(series(families, 'sluice_tracing_up'), []);
    assert.deepEqual(series(families, 'sluice_tracing_spans_total'), []);
  });
});
