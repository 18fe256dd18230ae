/** Limits and time limits for tests: the defaults of the configuration, in one place. */
import type { Limits, Timeouts } from '#src/model/config.ts';

export const LIMITS: Limits = {
  requestLineBytesMax: 8192,
  headBytesMax: 32_768,
  headerCountMax: 128,
  bodyBytesMax: 1_073_741_824,
  connectionsMax: 10_000,
  endpointConnectionsMax: 256,
  endpointPendingMax: 1024,
  requestsPerConnectionMax: 10_000,
};

export const TIMEOUTS: Timeouts = {
  headMs: 10_000,
  idleMs: 60_000,
  bodyIdleMs: 30_000,
  connectMs: 1000,
  firstByteMs: 30_000,
  pendingMs: 1000,
  upstreamIdleMs: 4000,
};
