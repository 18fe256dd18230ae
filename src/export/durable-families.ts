/**
 * Metric families of what outlives the process: whether it is written, when, and what waits.
 *
 * In memory, by configuration, there is nothing to tell but that.
 */

import type { StateStatus } from '../model/threads/state.ts';
import type { Family, Sample } from './family.ts';

const KINDS: readonly StateStatus['kind'][] = ['memory', 'durable', 'unavailable'];

export const DURABLE_FAMILIES: readonly Family[] = [
  {
    name: 'sluice_state',
    help: '1 for how the state stands: in memory by configuration, durable, or unavailable',
    type: 'gauge',
    labels: ['kind'],
    *collect({ status }) {
      for (const kind of KINDS) yield { labels: { kind }, value: status.state.kind === kind ? 1 : 0 };
    },
  },
  gauge('sluice_state_last_flush_timestamp_seconds', 'When all of the state was last written', ({ flushedAt }) =>
    flushedAt === null ? null : Date.parse(flushedAt) / 1000,
  ),
  gauge('sluice_state_rows_pending', 'Rows of the state that are not written yet', ({ kind, rowsPending }) =>
    kind === 'memory' ? null : rowsPending,
  ),
  gauge(
    'sluice_state_file_bytes',
    'Size of the state file with its log, when last written',
    ({ fileBytes }) => fileBytes,
  ),
  {
    name: 'sluice_state_decisions_lost_total',
    help: 'Decisions that were given up before they could be written',
    type: 'counter',
    *collect({ status }) {
      if (status.state.kind !== 'memory') yield { labels: {}, value: status.state.decisionsLost };
    },
  },
];

/** @param read null: nothing to tell */
function gauge(name: string, help: string, read: (state: StateStatus) => number | null): Family {
  return {
    name,
    help,
    type: 'gauge',
    *collect({ status }): Generator<Sample> {
      const value = read(status.state);
      if (value !== null) yield { labels: {}, value };
    },
  };
}
