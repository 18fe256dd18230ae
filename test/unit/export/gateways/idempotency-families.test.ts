import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { IdempotencyStatus } from '#src/model/threads/answers/idempotency.ts';
import { scrape, series } from '../../../support/readings/metrics/scrape.ts';
import { sampleStatus } from '../../../support/readings/status.ts';

const KEYS: IdempotencyStatus = {
  store: 'redis',
  mode: 'local',
  because: 'timeout',
  entries: 5,
  bytes: 6000,
  running: 2,
  waiting: 1,
  counts: {
    executed: 10,
    replayed: 20,
    conflicts: 3,
    mismatches: 4,
    unavailable: 5,
    waited: 6,
    kept: 7,
    released: 8,
    evicted: 9,
    storeFailures: 11,
  },
};

suite('idempotency-families', () => {
  test('tell what became of requests and answers, and where these are', async () => {
    const families = await scrape({ status: () => sampleStatus({ idempotency: KEYS }) });
    const of = (name: string) => series(families, `sluice_idempotency_${name}`);
    assert.deepEqual(of('requests_total'), [
      'result=conflicts 3',
      'result=executed 10',
      'result=mismatches 4',
      'result=replayed 20',
      'result=unavailable 5',
    ]);
    assert.deepEqual(of('answers_total'), ['result=kept 7', 'result=released 8']);
    assert.deepEqual(
      ['waits_total', 'evictions_total', 'entries', 'bytes', 'running', 'store_shared', 'store_failures_total'].map(of),
      [['6'], ['9'], ['5'], ['6000'], ['2'], ['0'], ['11']],
    );
  });

  test('say nothing where no route has keys', async () => {
    const families = await scrape({ status: () => sampleStatus() });
    assert.deepEqual(series(families, 'sluice_idempotency_entries'), []);
  });
});
