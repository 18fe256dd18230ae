import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { scrape, series } from '../../../support/readings/metrics/scrape.ts';
import { sampleMirror, sampleStatus } from '../../../support/readings/status.ts';

suite('mirror-families', () => {
  test('tell what was compared, and what differs really', async () => {
    const families = await scrape({ status: () => sampleStatus({ mirrors: [sampleMirror()] }) });
    const of = (name: string) => series(families, `sluice_mirror_${name}`);
    assert.deepEqual(of('comparisons_total'), [
      'outcome=compared route=shop 412',
      'outcome=failed route=shop 1',
      'outcome=skipped route=shop 3',
    ]);
    assert.deepEqual(
      of('uncompared_total').filter((line) => !line.endsWith(' 0')),
      ['reason=memory route=shop 1', 'reason=mirror_no_answer route=shop 1', 'reason=mirror_too_long route=shop 2'],
    );
    assert.deepEqual(of('differences_total'), [
      'kind=body route=shop 0',
      'kind=header route=shop 0',
      'kind=status route=shop 0',
      'kind=type route=shop 28',
      'kind=value route=shop 0',
    ]);
    assert.deepEqual(of('differing_places'), ['route=shop 1']);
  });

  test('say nothing where no mirror compares', async () => {
    const families = await scrape({ status: () => sampleStatus() });
    assert.deepEqual(series(families, 'sluice_mirror_comparisons_total'), []);
  });
});
