/**
 * Metric families of colors: what came of the tokens that were looked at, and of the signatures of colors.
 */

import { SIGNATURE_RESULTS, TOKEN_RESULTS } from '../../model/threads/color.ts';
import type { Family, Sample } from '../family.ts';

export const COLOR_FAMILIES: readonly Family[] = [
  {
    name: 'sluice_color_tokens_total',
    help: 'Requests whose token was looked at for a color, by what came of it (docs/routing.md)',
    type: 'counter',
    labels: ['result'],
    *collect({ colors }) {
      yield* byResult(TOKEN_RESULTS, colors.tokens);
    },
  },
  {
    name: 'sluice_color_signatures_total',
    help: 'Requests whose color came with a signature, by what came of it (docs/routing.md)',
    type: 'counter',
    labels: ['result'],
    *collect({ colors }) {
      yield* byResult(SIGNATURE_RESULTS, colors.signatures);
    },
  },
  {
    name: 'sluice_color_downstream_total',
    help: 'Requests in traces of requests that a color pinned to a version: with a color (kept), without (lost)',
    type: 'counter',
    labels: ['color', 'route', 'service', 'version'],
    *collect({ routes }) {
      for (const { name: route, versions } of routes) {
        for (const { service, version, downstream } of versions) {
          if (downstream === null) continue;
          const shared = { route, service, version };
          yield { labels: { color: 'kept' }, shared, value: downstream.kept };
          yield { labels: { color: 'lost' }, shared, value: downstream.lost };
        }
      }
    },
  },
];

function* byResult(results: readonly string[], counts: ArrayLike<number>): Generator<Sample> {
  for (const [n, result] of results.entries()) yield { labels: { result }, value: counts[n] ?? 0 };
}
