/**
 * The part of the status that is told by what looks after the gateway beside its loop.
 */

import type { IdempotencyStatus } from '../answers/idempotency.ts';
import type { FaultStatus } from '../faults.ts';
import type { MirrorStatus } from '../requests/compared.ts';
import type { TracingStatus } from '../requests/tracing.ts';
import type { AlertsStatus } from './alerts.ts';

export interface WatchesStatus {
  /** Faults on purpose, those that are over included while they are configured. */
  readonly faults: readonly FaultStatus[];
  /** Idempotency keys; null while no route has any. */
  readonly idempotency: IdempotencyStatus | null;
  /** What is wrong, and how the telling stands; null: nobody is told. */
  readonly alerts: AlertsStatus | null;
  /** Traces; null while there are none. */
  readonly tracing: TracingStatus | null;
  /** Mirrors that compare, in the order of the routes. */
  readonly mirrors: readonly MirrorStatus[];
}
