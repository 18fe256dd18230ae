/**
 * What questions to Consul have in common, whatever they are about: where they go, with what rights, and the index of an answer.
 *
 * - Consul waits up to a sixteenth longer than it was asked to; who takes longer still is frozen.
 * - An index below 1 would not block: it is refused.
 * - A server that knows no leader answers `stale` questions with what it had then, for hours: that confirms nothing. It is refused as well,
 *   unless nothing was known before.
 * Source: Consul's HTTP API, "Blocking Queries", "Consistency Modes" (tested with 1.8.7).
 */

import type { Answer, Question, StoreClient } from '../client.ts';
import type { ConsulReach } from '../settings.ts';

/** Beyond the wait and its sixteenth. */
const SLACK_MS = 5000;

type Address = Pick<Question, 'origin' | 'path' | 'headers'>;

/**
 * Where something is asked for, and as whom.
 * @param path encoded, without a query
 * @param fields of the query, encoded
 */
export function addressOf(reach: Omit<ConsulReach, 'consistency'>, path: string, fields: readonly string[]): Address {
  const { address, token, datacenter } = reach;
  const query = [...fields, ...(datacenter === null ? [] : [`dc=${datacenter}`])];
  return {
    origin: address,
    path: query.length === 0 ? path : `${path}?${query.join('&')}`,
    headers: token === null ? {} : { 'x-consul-token': token },
  };
}

/** The same of what is only read, from servers that may be as far behind as the settings say. */
export function readingOf(reach: ConsulReach, path: string, fields: readonly string[]): Address {
  const { consistency } = reach;
  return addressOf(reach, path, consistency === 'default' ? fields : [...fields, consistency]);
}

/** How long a question that waits for a change may take, its answer included. */
export function blockingMs(waitMs: number): number {
  return waitMs + waitMs / 16 + SLACK_MS;
}

/**
 * The index of an answer.
 * @param isFirst nothing was read before
 * @throws SluiceError `SLU_SOURCE_UNAVAILABLE` when it would not block, or nobody knows how old it is
 */
export function indexOf(client: StoreClient, { headers }: Answer, isFirst = false): number {
  if (headers.get('x-consul-knownleader') === 'false' && !isFirst) {
    throw client.failure('the server knows no leader: what it says may be of any age');
  }
  const index = Number(headers.get('x-consul-index'));
  if (Number.isSafeInteger(index) && index >= 1) return index;
  throw client.failure('the answer has no X-Consul-Index above 0: is this Consul?');
}
