import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SCRAPE_FAMILIES } from '#src/export/exposition/families.ts';
import { type Reading, samplesOf } from '#src/export/family.ts';

test('scrapes are counted by format and by what came of them', () => {
  const scrapes = { text: 1, openMetrics: 2, protobuf: 3, refused: 4, aborted: 5, seriesLeftOut: 6 };
  const samples = SCRAPE_FAMILIES.flatMap((family) => samplesOf(family, { scrapes } as Reading));
  assert.deepEqual(samples, [
    { labels: { format: 'text' }, value: 1 },
    { labels: { format: 'openmetrics' }, value: 2 },
    { labels: { format: 'protobuf' }, value: 3 },
    { labels: { result: 'refused' }, value: 4 },
    { labels: { result: 'aborted' }, value: 5 },
    { labels: {}, value: 6 },
  ]);
});
