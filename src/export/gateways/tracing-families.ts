/**
 * Metric families of traces: none of them has a sample while there are no traces.
 */

import type { TracingStatus } from '../../model/threads/requests/tracing.ts';
import type { Family, Sample } from '../family.ts';

export const TRACING_FAMILIES: readonly Family[] = [
  of(
    {
      name: 'sluice_tracing_spans_total',
      help: 'Spans that were sent: the collector took them, or it did not and they are lost',
      type: 'counter',
      labels: ['result'],
    },
    function* ({ counts }) {
      yield { labels: { result: 'exported' }, value: counts.exported };
      yield { labels: { result: 'failed' }, value: counts.failed };
    },
  ),
  of(
    {
      name: 'sluice_tracing_dropped_total',
      help: 'Requests to be traced that were not: too many waited in the exporter or in a worker, or failed within a second',
      type: 'counter',
      labels: ['cause'],
    },
    function* ({ counts: { dropped } }) {
      yield { labels: { cause: 'queue_full' }, value: dropped.queueFull };
      yield { labels: { cause: 'worker' }, value: dropped.worker };
      yield { labels: { cause: 'failure_rate' }, value: dropped.failureRate };
    },
  ),
  of({ name: 'sluice_tracing_queue', help: 'Requests that wait to be exported', type: 'gauge' }, ({ queued }) => [
    { labels: {}, value: queued },
  ]),
  of(
    { name: 'sluice_tracing_up', help: '0 while the collector does not take what it is sent', type: 'gauge' },
    ({ because }) => [{ labels: {}, value: because === '' ? 1 : 0 }],
  ),
];

function of(facts: Omit<Family, 'collect'>, read: (status: TracingStatus) => Iterable<Sample>): Family {
  return {
    ...facts,
    *collect({ status }) {
      if (status.tracing !== null) yield* read(status.tracing);
    },
  };
}
