import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Reading, samplesOf } from '#src/export/family.ts';
import { REVISION_FAMILIES } from '#src/export/revision-families.ts';
import { sampleStatus } from '../../support/readings/status.ts';

const STALE = {
  ...{ number: 1, hash: 'a', acceptedAt: '', confirmedAt: '', unanswered: [] },
  ...{ acceptedMs: 2500, confirmedMs: 1500, passedOver: '' },
};

test('revisions are told: in sync, pinned, stale, rolled back, kept', () => {
  const pin = { from: 'a', to: 1, hash: 'b', at: '', by: 'api', reason: '' };
  const revisions = { ...sampleStatus().revisions, staleMs: 1500, pin, staleStart: STALE, difference: 'pinned' };
  const rollbacks = { api: 2, sluice: 1 };
  const reading = { status: sampleStatus({ revisions: { ...revisions, rollbacks } }) } as unknown as Reading;
  const told = REVISION_FAMILIES.flatMap((family) =>
    samplesOf(family, reading).map(({ labels, value }) => `${family.name}${JSON.stringify(labels)} ${Number(value)}`),
  );
  assert.deepEqual(told, [
    'sluice_config_in_sync{} 0',
    'sluice_config_pinned{} 1',
    'sluice_config_stale_seconds{} 1.5',
    'sluice_config_stale_start_seconds{} 2.5',
    'sluice_config_rollbacks_total{"by":"api"} 2',
    'sluice_config_rollbacks_total{"by":"sluice"} 1',
    'sluice_config_revisions_kept{} 3',
    'sluice_config_revisions_bytes{} 2048',
  ]);
});

test('what was refused for its signature, and files of keys that were replaced, are told where signatures are verified', () => {
  const refused = { unsigned: 1, wrong: 2, replayed: 3 };
  const reloads = { done: 4, failed: 5 };
  const signatures = { keys: ['k1'], because: '', reloads, documents: 4, isWaiting: false, refused };
  const told = (status: unknown, of = 'sluice_config_signatures_refused_total'): number[] => {
    const family = REVISION_FAMILIES.find(({ name }) => name === of);
    assert.ok(family !== undefined);
    return samplesOf(family, { status } as Reading).map(({ value }) => Number(value));
  };
  assert.deepEqual(told(sampleStatus({ signatures })), [1, 2, 3]);
  assert.deepEqual(told(sampleStatus()), []);
  assert.deepEqual(told(sampleStatus({ signatures }), 'sluice_config_key_reloads_total'), [4, 5]);
  assert.deepEqual(told(sampleStatus(), 'sluice_config_key_reloads_total'), []);
});
