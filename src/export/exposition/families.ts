/**
 * Metric families of the metrics page itself: scrapes by format, those that found no place, and what no page had room for.
 */

import type { Family } from '../family.ts';

export const SCRAPE_FAMILIES: readonly Family[] = [
  {
    name: 'sluice_scrapes_total',
    help: 'Scrapes of the metrics page that were begun, by format',
    type: 'counter',
    labels: ['format'],
    *collect({ scrapes }) {
      yield { labels: { format: 'text' }, value: scrapes.text };
      yield { labels: { format: 'openmetrics' }, value: scrapes.openMetrics };
      yield { labels: { format: 'protobuf' }, value: scrapes.protobuf };
    },
  },
  {
    name: 'sluice_scrapes_failed_total',
    help: 'Scrapes that found no place (refused), or were ended before the page was (aborted)',
    type: 'counter',
    labels: ['result'],
    *collect({ scrapes }) {
      yield { labels: { result: 'refused' }, value: scrapes.refused };
      yield { labels: { result: 'aborted' }, value: scrapes.aborted };
    },
  },
  {
    name: 'sluice_scrape_series_left_out_total',
    help: 'Samples that were left out of pages, as a family had more than a page takes',
    type: 'counter',
    *collect({ scrapes }) {
      yield { labels: {}, value: scrapes.seriesLeftOut };
    },
  },
];
