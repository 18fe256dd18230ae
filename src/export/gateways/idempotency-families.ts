/**
 * Metric families of idempotency keys: none of them has a sample while no route has any.
 */

import type { IdempotencyStatus } from '../../model/threads/answers/idempotency.ts';
import type { Family, Sample } from '../family.ts';

const RESULTS = ['executed', 'replayed', 'conflicts', 'mismatches', 'unavailable'] as const;

/** Families whose samples have a label; it is `result`. */
const WITH_RESULT = ['sluice_idempotency_requests_total', 'sluice_idempotency_answers_total'];

export const IDEMPOTENCY_FAMILIES: readonly Family[] = [
  of(
    'sluice_idempotency_requests_total',
    'Requests with an idempotency key, by what the gateway did',
    'counter',
    function* ({ counts }) {
      for (const result of RESULTS) yield { labels: { result }, value: counts[result] };
    },
  ),
  of(
    'sluice_idempotency_waits_total',
    'Requests that waited for another one with their key',
    'counter',
    ({ counts }) => [{ labels: {}, value: counts.waited }],
  ),
  of(
    'sluice_idempotency_answers_total',
    'Executed requests: the answer was kept, or the key is free again',
    'counter',
    function* ({ counts }) {
      yield { labels: { result: 'kept' }, value: counts.kept };
      yield { labels: { result: 'released' }, value: counts.released };
    },
  ),
  of(
    'sluice_idempotency_evictions_total',
    'Answers that made room for others in memory before their time',
    'counter',
    ({ counts }) => [{ labels: {}, value: counts.evicted }],
  ),
  of('sluice_idempotency_entries', 'Answers in memory', 'gauge', ({ entries }) => [{ labels: {}, value: entries }]),
  of('sluice_idempotency_bytes', 'What answers in memory take', 'gauge', ({ bytes }) => [{ labels: {}, value: bytes }]),
  of('sluice_idempotency_running', 'Keys whose request is executed now', 'gauge', ({ running }) => [
    { labels: {}, value: running },
  ]),
  of(
    'sluice_idempotency_store_shared',
    '1 while answers are shared with the gateways of the fleet, 0 while they are this one’s',
    'gauge',
    ({ mode }) => [{ labels: {}, value: mode === 'shared' ? 1 : 0 }],
  ),
  of(
    'sluice_idempotency_store_failures_total',
    'Questions about keys that Redis did not answer',
    'counter',
    ({ counts }) => [{ labels: {}, value: counts.storeFailures }],
  ),
];

function of(
  name: string,
  help: string,
  type: Family['type'],
  read: (status: IdempotencyStatus) => Iterable<Sample>,
): Family {
  return {
    name,
    help,
    type,
    ...(WITH_RESULT.includes(name) ? { labels: ['result'] } : {}),
    *collect({ status }) {
      if (status.idempotency !== null) yield* read(status.idempotency);
    },
  };
}
