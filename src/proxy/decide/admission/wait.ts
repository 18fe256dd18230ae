/**
 * How long an exchange may wait for a place at its version.
 */

import type { Exchange } from '../../exchange.ts';
import type { Admission } from './admission.ts';

/** What those are told that need not wait. */
export const OVERLOADED = 'the version has more requests than it can serve';

/** In ms, by the objectives of its route and service and the time that any wait may take. */
export function patienceMs({ route, split, table }: Exchange, admission: Admission<Exchange>): number {
  const slowMs = Math.min(
    route === null ? Number.POSITIVE_INFINITY : route.slowMs,
    split === null ? Number.POSITIVE_INFINITY : split.serviceSlowMs,
  );
  return admission.patienceMs(slowMs, table.timeouts.pendingMs);
}
