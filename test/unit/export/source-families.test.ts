import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { scrape, series } from '../../support/readings/metrics/scrape.ts';
import { sampleSource, sampleStatus } from '../../support/readings/status.ts';

const HASH = 'ab12'.repeat(16);

suite('source-families', () => {
  test('a source shows its state, how stale it is and what is held', async () => {
    const families = await scrape({
      status: () => sampleStatus({ sources: [sampleSource({ name: 's', kind: 'k' })] }),
    });
    assert.deepEqual(series(families, 'sluice_source_state'), [
      'source=s state=backing-off 0',
      'source=s state=debounced 0',
      'source=s state=idle 0',
      'source=s state=listing 0',
      'source=s state=reloading 0',
      'source=s state=watching 1',
    ]);
    assert.deepEqual(series(families, 'sluice_source_stale_seconds'), ['source=s 2.5']);
    assert.deepEqual(series(families, 'sluice_source_revision_info'), [`hash=${HASH} kind=k revision=17 source=s 1`]);
    assert.deepEqual(series(families, 'sluice_source_pieces'), ['source=s 12']);
  });

  test('endpoints of before show how old they are, until somebody answers for them', async () => {
    const staleStart = { confirmedAt: '2026-11-01T08:00:00.000Z', confirmedMs: 90_500 };
    const sources = [sampleSource({ name: 'a', staleStart, staleMs: 90_500 }), sampleSource({ name: 'b' })];
    const families = await scrape({ status: () => sampleStatus({ sources }) });
    assert.deepEqual(series(families, 'sluice_source_stale_start_seconds'), ['source=a 90.5', 'source=b 0']);
  });

  test('what went wrong with a source is counted', async () => {
    const source = sampleSource({
      name: 's',
      errors: 5,
      shrinksRefused: 2,
      drifts: 1,
      shrink: { pieces: 0, forMs: 7 },
    });
    const families = await scrape({ status: () => sampleStatus({ sources: [source] }) });
    for (const [name, value] of [
      ['errors_total', 5],
      ['shrinks_refused_total', 2],
      ['drifts_total', 1],
      ['shrunk', 1],
    ]) {
      assert.deepEqual(series(families, `sluice_source_${name}`), [`source=s ${value}`]);
    }
  });

  test('OCSP responses show when they end, where they do', async () => {
    const shown = (nextUpdate: string | null) => {
      return { names: [], notAfter: '2026-12-01T00:00:00.000Z', expiresInMs: 1, staple: { nextUpdate, because: '' } };
    };
    const certificates = [{ ...shown(null), staple: null }, shown(null), shown('2001-09-09T01:46:40.000Z')];
    const listener = { address: ':443', state: 'serving', because: '', clientAuth: 'off', certificates } as const;
    const tls = { listeners: [listener], upstreamsFailed: [], reloads: { done: 0, failed: 0 } };
    const families = await scrape({ status: () => sampleStatus({ tls }) });
    assert.deepEqual(series(families, 'sluice_ocsp_response_expiry_timestamp_seconds'), [
      'certificate=2 listener=:443 1000000000',
    ]);
  });

  test('without sources there is nothing to show but how fast changes take effect', async () => {
    const apply = { lastMs: 30, count: 2, sumMs: 50, buckets: [{ leMs: 25, count: 1 }] };
    const families = await scrape({ status: () => sampleStatus({ apply }) });
    assert.deepEqual(series(families, 'sluice_source_state'), []);
    assert.deepEqual(series(families, 'sluice_config_apply_seconds'), ['0.05', '2', 'le=+Inf 2', 'le=0.025 1']);
  });
});
