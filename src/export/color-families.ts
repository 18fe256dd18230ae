/**
 * Metric families of colors: what came of the tokens that were looked at, and of the signatures of colors.
 */

import { SIGNATURE_RESULTS, TOKEN_RESULTS } from '../model/threads/color.ts';
import type { Family, Sample } from './family.ts';

export const COLOR_FAMILIES: readonly Family[] = [
  {
    name: 'sluice_color_tokens_total',
    help: 'Requests whose token was looked at for a color, by what came of it (docs/routing.md)',
    type: 'counter',
    *collect({ colors }) {
      yield* byResult(TOKEN_RESULTS, colors.tokens);
    },
  },
  {
    name: 'sluice_color_signatures_total',
    help: 'Requests whose color came with a signature, by what came of it (docs/routing.md)',
    type: 'counter',
    *collect({ colors }) {
      yield* byResult(SIGNATURE_RESULTS, colors.signatures);
    },
  },
];

function* byResult(results: readonly string[], counts: ArrayLike<number>): Generator<Sample> {
  for (const [n, result] of results.entries()) yield { labels: { result }, value: counts[n] ?? 0 };
}
