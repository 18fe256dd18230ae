/**
 * A gateway that is looked at and has one decision to show; tests replace what they are about.
 */

import type { AdminView } from '#src/admin/view.ts';
import { sampleDecision, sampleStatus } from './status.ts';

/** `changes` replace single parts. */
export function sampleView(changes: Partial<AdminView> = {}): AdminView {
  return {
    status: () => sampleStatus(),
    decisions: () => [sampleDecision()],
    log: () => '',
    live: () => true,
    metrics: () => Promise.resolve({ contentType: 'text/plain; version=0.0.4', body: 'up 1\n' }),
    weights: () => Promise.resolve(null),
    revisions: () => [],
    diff: () => ({ kind: 'done', diff: { before: '1 ab', after: '2 cd', changes: [], more: 0 } }),
    forecast: () => ({ kind: 'done', forecasts: [] }),
    ...changes,
  };
}
