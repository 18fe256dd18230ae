import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scrape, series } from '../../../support/readings/metrics/scrape.ts';

test('tokens and signed colors are shown by what came of them', async () => {
  const families = await scrape();
  const tokens = series(families, 'sluice_color_tokens_total');
  assert.equal(tokens.length, 14);
  assert.ok(tokens.includes('result=verified 7'));
  assert.ok(tokens.includes('result=malformed 1'));
  assert.ok(tokens.includes('result=late 0'));
  assert.deepEqual(series(families, 'sluice_color_signatures_total'), [
    'result=forged 2',
    'result=no_keys 0',
    'result=stale 1',
    'result=valid 5',
  ]);
});
