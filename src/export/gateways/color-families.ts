/**
 * Metric families of colors: what came of the tokens that were looked at, and of the signatures of colors.
 */

import type { VersionState } from '../../model/status.ts';
import { SIGNATURE_RESULTS, TOKEN_RESULTS } from '../../model/threads/color.ts';
import { type LabelSet, labelSets } from '../exposition/labels.ts';
import type { Family, Sample } from '../family.ts';
import type { StateRow } from '../rows.ts';

const [KEPT, LOST] = labelSets('color', ['kept', 'lost']);

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
    rows: ({ states }) => states,
    write({ state: { versions }, labels }: StateRow, to) {
      for (let n = 0; n < versions.length; n++) {
        const { downstream } = versions[n] as VersionState;
        if (downstream === null) continue;
        to.add(KEPT, labels[n] as LabelSet, downstream.kept);
        to.add(LOST, labels[n] as LabelSet, downstream.lost);
      }
    },
  },
];

function* byResult(results: readonly string[], counts: ArrayLike<number>): Generator<Sample> {
  for (const [n, result] of results.entries()) yield { labels: { result }, value: counts[n] ?? 0 };
}
