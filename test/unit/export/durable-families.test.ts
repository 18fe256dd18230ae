import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { StateStatus } from '#src/model/threads/state.ts';
import { scrape, series } from '../../support/readings/metrics/scrape.ts';
import { sampleState, sampleStatus } from '../../support/readings/status.ts';

const read = (changes: Partial<StateStatus>) => scrape({ status: () => sampleStatus({ state: sampleState(changes) }) });

suite('durable-families', () => {
  test('a durable state tells when it was written, what waits and how large it is', async () => {
    const families = await read({ rowsPending: 3 });
    assert.deepEqual(series(families, 'sluice_state'), ['kind=durable 1', 'kind=memory 0', 'kind=unavailable 0']);
    assert.deepEqual(series(families, 'sluice_state_last_flush_timestamp_seconds'), ['1793520089.5']);
    assert.deepEqual(series(families, 'sluice_state_rows_pending'), ['3']);
    assert.deepEqual(series(families, 'sluice_state_file_bytes'), ['98304']);
    assert.deepEqual(series(families, 'sluice_state_decisions_lost_total'), ['0']);
  });

  test('one that is unavailable, or was never written, has no time and no size', async () => {
    const families = await read({ kind: 'unavailable', flushedAt: null, fileBytes: null, decisionsLost: 2 });
    assert.deepEqual(series(families, 'sluice_state')[2], 'kind=unavailable 1');
    assert.deepEqual(series(families, 'sluice_state_last_flush_timestamp_seconds'), []);
    assert.deepEqual(series(families, 'sluice_state_file_bytes'), []);
    assert.deepEqual(series(families, 'sluice_state_decisions_lost_total'), ['2']);
  });

  test('a state in memory has nothing more to tell', async () => {
    const families = await read({ kind: 'memory', flushedAt: null, fileBytes: null });
    assert.deepEqual(series(families, 'sluice_state')[1], 'kind=memory 1');
    for (const name of ['sluice_state_rows_pending', 'sluice_state_decisions_lost_total']) {
      assert.deepEqual(series(families, name), []);
    }
  });
});
