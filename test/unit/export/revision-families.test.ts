import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Reading } from '#src/export/family.ts';
import { REVISION_FAMILIES } from '#src/export/revision-families.ts';
import { sampleStatus } from '../../support/readings/status.ts';

test('revisions are told: in sync, pinned, stale, rolled back, kept', () => {
  const pin = { from: 'a', to: 1, hash: 'b', at: '', by: 'api', reason: '' };
  const revisions = { ...sampleStatus().revisions, staleMs: 1500, pin, difference: 'pinned' };
  const rollbacks = { api: 2, sluice: 1 };
  const reading = { status: sampleStatus({ revisions: { ...revisions, rollbacks } }) } as unknown as Reading;
  const told = REVISION_FAMILIES.flatMap((family) =>
    [...family.collect(reading)].map(({ labels, value }) => `${family.name}${JSON.stringify(labels)} ${value}`),
  );
  assert.deepEqual(told, [
    'sluice_config_in_sync{} 0',
    'sluice_config_pinned{} 1',
    'sluice_config_stale_seconds{} 1.5',
    'sluice_config_rollbacks_total{"by":"api"} 2',
    'sluice_config_rollbacks_total{"by":"sluice"} 1',
    'sluice_config_revisions_kept{} 3',
    'sluice_config_revisions_bytes{} 2048',
  ]);
});
