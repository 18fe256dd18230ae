/**
 * What all connections of one worker share: the current route table and the worker's own instruments.
 *
 * `table` is the one cell that a snapshot swap replaces; each exchange pins its value once.
 */

import type { Deadlines } from '../lib/deadlines.ts';
import type { Random } from '../lib/random.ts';
import type { ActiveFaults } from '../model/threads/faults.ts';
import type { Admissions } from './decide/admission/admissions.ts';
import type { Shedder } from './decide/admission/shedder.ts';
import type { Downstream } from './decide/color/downstream.ts';
import type { Signatures } from './decide/color/signatures.ts';
import type { Tokens } from './decide/color/tokens.ts';
import type { Rates } from './decide/rate/rates.ts';
import type { RouteTable } from './decide/table.ts';
import type { Mirrors } from './forward/mirror/mirror.ts';
import type { StaleCache } from './forward/retry/fallback/stale.ts';
import type { IdempotencyLink } from './forward/retry/idempotency/link.ts';
import type { RetryBudget } from './forward/retry/retry.ts';
import type { DateLine } from './header/date.ts';
import type { FreshLines } from './header/fresh.ts';
import type { RequestDraft } from './header/request.ts';
import type { RelayPool } from './http1/relay.ts';
import type { AccessLog } from './record/access-log.ts';
import type { Recorder } from './record/recorder.ts';
import type { Streams } from './record/streams.ts';
import type { Tracer } from './record/trace/tracer.ts';
import type { Upgrades } from './upgrade/upgrades.ts';
import type { Resolver } from './wire/resolver.ts';
import type { Credentials } from './wire/tls/credentials.ts';

export interface Lane {
  table: RouteTable;
  /** Live weights, shared with the main thread; read with `Atomics.load`. */
  readonly dials: Int32Array;
  readonly recorder: Recorder;
  readonly accessLog: AccessLog;
  /** null: there are no traces. */
  tracer: Tracer | null;
  /** Those that may be injected now; none until the main thread says so. */
  faults: ActiveFaults;
  readonly random: Random;
  readonly fresh: FreshLines;
  readonly date: DateLine;
  readonly draft: RequestDraft;
  readonly retryBudget: RetryBudget;
  readonly mirrors: Mirrors;
  /** Idempotency keys: who may execute. */
  readonly idempotency: IdempotencyLink;
  /** Answers that are kept for fallbacks. */
  readonly stale: StaleCache;
  readonly admissions: Admissions;
  /** What it does while the gateway itself is short of something. */
  readonly shedder: Shedder;
  readonly rates: Rates;
  /** Colors signed by gateways, and those of tokens. */
  readonly signatures: Signatures;
  readonly tokens: Tokens;
  /** Services that do not pass colors on. */
  readonly downstream: Downstream;
  readonly deadlines: Deadlines;
  /** What all client connections read into, one after another; holds nothing from one read to the next. */
  readonly readBuffer: Buffer;
  /** What large request bodies are read into. */
  readonly relays: RelayPool;
  /** Answers that are streams. */
  streams: Streams;
  readonly resolver: Resolver;
  /** For endpoints with TLS. */
  readonly credentials: Credentials;
  /** Where connections go that become another protocol. */
  upgrades: Upgrades;
  /** Responses close their connections, no further request is read. */
  isDraining: boolean;
}
