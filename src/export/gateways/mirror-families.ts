/**
 * Metric families of mirrors that compare: none of them has a sample while there are none.
 */

import { DIFFERENCE_KINDS, UNCOMPARED_REASONS } from '../../model/threads/requests/compared.ts';
import type { Family } from '../family.ts';

export const MIRROR_FAMILIES: readonly Family[] = [
  {
    name: 'sluice_mirror_comparisons_total',
    help: 'Requests whose answers were to be compared: they were (compared), there was no room (skipped), one did not come whole (failed)',
    type: 'counter',
    labels: ['outcome', 'route'],
    *collect({ status }) {
      for (const { route, compared, skipped, failed } of status.mirrors) {
        yield { labels: { outcome: 'compared', route }, value: compared };
        yield { labels: { outcome: 'skipped', route }, value: skipped };
        yield { labels: { outcome: 'failed', route }, value: failed };
      }
    },
  },
  {
    name: 'sluice_mirror_uncompared_total',
    help: 'Requests whose answers were to be compared and were not, so that nothing is known of them, by reason (docs/routing.md)',
    type: 'counter',
    labels: ['reason', 'route'],
    *collect({ status }) {
      for (const { route, uncompared } of status.mirrors) {
        for (const reason of UNCOMPARED_REASONS) yield { labels: { reason, route }, value: uncompared[reason] };
      }
    },
  },
  {
    name: 'sluice_mirror_differences_total',
    help: 'Compared requests in which the mirror alone differs where it was found to differ beyond chance, by kind of difference',
    type: 'counter',
    labels: ['kind', 'route'],
    *collect({ status }) {
      for (const { route, differed } of status.mirrors) {
        for (const kind of DIFFERENCE_KINDS) yield { labels: { kind, route }, value: differed[kind] };
      }
    },
  },
  {
    name: 'sluice_mirror_differing_places',
    help: 'Statuses, headers and JSON paths at which the answers of the mirror differ beyond chance',
    type: 'gauge',
    labels: ['route'],
    *collect({ status }) {
      for (const { route, real } of status.mirrors) yield { labels: { route }, value: real };
    },
  },
];
