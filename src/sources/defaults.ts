/**
 * What a document that says nothing means: the default of every optional field.
 *
 * Pure constants, so that tests and tools can have them without the parser.
 */

import type {
  DrainConfig,
  Filters,
  HealthCheckConfig,
  HttpConfig,
  Limits,
  ListenAddress,
  OutlierConfig,
  RedirectFilter,
  RetryConfig,
  RolloutConfig,
  ServiceConfig,
  StateConfig,
  Timeouts,
  UpgradeConfig,
} from '../model/config.ts';
import type { BreakerConfig, OverloadConfig, Priority } from '../model/overload.ts';
import type { DriftConfig, SloConfig } from '../model/slo.ts';
import type { AnswersConfig, IdempotencyConfig } from '../model/threads/answers/idempotency.ts';
import type { ColorConfig } from '../model/threads/color.ts';
import type { SaturationConfig } from '../model/threads/load/saturation.ts';
import type { AccessLogConfig } from '../model/threads/requests/access.ts';
import type { TracingConfig } from '../model/threads/requests/tracing.ts';
import type { RevisionsConfig } from '../model/threads/revision.ts';
import type { FollowSettings, StaleStartSettings } from './stores/settings.ts';

export const DEFAULT_LISTEN: ListenAddress = { host: '0.0.0.0', port: 8080 };
export const DEFAULT_ADMIN: ListenAddress = { host: '127.0.0.1', port: 9900 };
/** Of a `tls` that says no more than its certificates, and of the `minVersion` of any. */
export const DEFAULT_LISTENER_TLS = {
  unknownHost: 'default',
  minVersion: '1.2',
  handshakeMs: 10_000,
  handshakesMax: 512,
} as const;
export const DEFAULT_RATE = { name: 'default', by: 'address', scope: 'gateway' } as const;
export const DEFAULT_COLOR: ColorConfig = {
  header: 'x-release-stage',
  acceptFrom: 'trustedProxies',
  query: null,
  cookie: null,
  baggage: null,
  signature: null,
  jwt: null,
};
export const DEFAULT_COLOR_BUCKET_MS = 60_000;
export const DEFAULT_TOKEN_LEEWAY_MS = 30_000;
export const DEFAULT_TOKEN_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const;
export const DEFAULT_KEY_SET_INTERVAL_MS = 300_000;
export const DEFAULT_OVERLOAD: OverloadConfig = { priorityHeader: null };
export const DEFAULT_SATURATION: SaturationConfig = {
  acts: true,
  delayMs: 500,
  memoryBytes: null,
  profiles: { directory: null, keep: 6, bytesMax: 32 * 1024 * 1024, lengthMs: 5000, cooldownMs: 600_000 },
};
export const DEFAULT_PRIORITY: Priority = 'default';
export const DEFAULT_DRAIN: DrainConfig = { delayMs: 5000, timeoutMs: 25_000 };
export const DEFAULT_STATE: StateConfig = { directory: null };
export const DEFAULT_REVISIONS: RevisionsConfig = { keep: 20, bytesMax: 16 * 1024 * 1024, watchMs: 60_000 };
/** Of a `fleet` that says no more. */
export const DEFAULT_FLEET = {
  lock: 'redis',
  timeoutMs: 50,
  leaseMs: 3000,
  windowLeaseMs: 10_000,
  onTaken: 'wait',
} as const;
/** Gateway API's default: equal shares. */
export const DEFAULT_WEIGHT = 1;
export const DEFAULT_ENDPOINT_WEIGHT = 1;
/** Gateway API's defaults of these filters. */
export const DEFAULT_REDIRECT_STATUS: RedirectFilter['status'] = 302;
export const DEFAULT_CORS_MAX_AGE_S = 5;
export const DEFAULT_COMPARE_BODY_BYTES_MAX = 65_536;
export const DEFAULT_REQUEST_TIMEOUT_MS = 60_000;

export const DEFAULT_LIMITS: Limits = {
  requestLineBytesMax: 8192,
  headBytesMax: 32_768,
  headerCountMax: 128,
  trailerBytesMax: 8192,
  trailerCountMax: 128,
  bodyBytesMax: 2 ** 30,
  bodyRateMin: 240,
  connectionsMax: 10_000,
  endpointConnectionsMax: 256,
  endpointPendingMax: 1024,
  requestsPerConnectionMax: 10_000,
  replayBodyBytesMax: 65_536,
  staleBytesMax: 64 * 1024 * 1024,
  compareBytesMax: 4 * 1024 * 1024,
  endpointSessionsMax: 2,
  sessionStreamsMax: 100,
  http2StreamsMax: 100,
  http2AbuseMax: 500,
};

export const DEFAULT_TIMEOUTS: Timeouts = {
  headMs: 10_000,
  idleMs: 60_000,
  bodyIdleMs: 30_000,
  streamIdleMs: 300_000,
  connectMs: 1000,
  firstByteMs: 30_000,
  pendingMs: 1000,
  upstreamIdleMs: 4000,
  upstreamLifetimeMs: 300_000,
  dnsMs: 5000,
  upgradeIdleMs: 300_000,
  upstreamPingMs: 20_000,
};

export const DEFAULT_HTTP: HttpConfig = { absoluteForm: 'refuse', pathNormalization: 'normalize', serverTiming: false };
export const DEFAULT_ACCESS_LOG: AccessLogConfig = { sampleRatio: 0 };
/** Of a `tracing` that says no more than where the collector is. */
export const DEFAULT_TRACING = {
  sampleRatio: 0.01,
  parent: 'trustedProxies',
  propagators: ['tracecontext'],
  query: 'redact',
  queueMax: 8192,
  timeoutMs: 5000,
} as const satisfies Partial<TracingConfig>;
export const DEFAULT_RETRY: RetryConfig = {
  retriesMax: 1,
  statuses: [],
  backoffMs: 25,
  attemptTimeoutMs: Number.POSITIVE_INFINITY,
  hedgeMs: Number.POSITIVE_INFINITY,
};
/** Of a `fallback`. */
export const DEFAULT_STALE = { maxAgeMs: 300_000, entryBytesMax: 262_144 } as const;
export const DEFAULT_STATIC_STATUS = 503;
/** Of an `idempotency` of a route. */
export const DEFAULT_IDEMPOTENCY: IdempotencyConfig = {
  header: 'Idempotency-Key',
  methods: ['POST', 'PATCH'],
  ttlMs: 86_400_000,
  isRequired: false,
  concurrent: 'wait',
  waitMs: 10_000,
  headers: ['Authorization'],
  cookies: [],
  requestBytesMax: 1024 * 1024,
  responseBytesMax: 65_536,
};
/** Where their answers are kept. */
export const DEFAULT_ANSWERS: AnswersConfig = {
  store: 'memory',
  entriesMax: 10_000,
  bytesMax: 64 * 1024 * 1024,
  onStoreFailure: 'local',
};
/** Of a `healthCheck` that says nothing more; a service without one is not checked. */
export const DEFAULT_HEALTH_CHECK: HealthCheckConfig = {
  path: '/',
  host: null,
  intervalMs: 5000,
  timeoutMs: 2000,
  healthyCount: 2,
  unhealthyCount: 3,
};
export const DEFAULT_OUTLIER: OutlierConfig = {
  consecutiveErrors: 5,
  successRatioMin: 0.8,
  latencyFactor: 5,
  requestsMin: 50,
  intervalMs: 5000,
  ejectionMs: 10_000,
  ejectionMaxMs: 300_000,
  ejectedRatioMax: 0.5,
};
/** What objectives have that say no more than their targets. */
export const DEFAULT_SLO: Pick<SloConfig, 'ignorePaths' | 'errorWeights' | 'budgetPolicy' | 'drift'> = {
  ignorePaths: [],
  errorWeights: { client: 1, transient: 0.3, server: 2.5 },
  budgetPolicy: { freeze: true, slowBelowRatio: 0.25, releaseAllowanceRatio: 0.2 },
  drift: null,
};
/** Of a `drift` that says no more. */
export const DEFAULT_DRIFT: DriftConfig = { keepRatio: 0.5, sampleRatio: 1 };
/** Of a composite objective, and of the gateway's, that say no more. */
export const DEFAULT_COMPOSITE = { formula: 'mean', weight: 1, windowMs: 60_000, lateRatio: 1 } as const;
/** The ramp of `steps: default`, in percent of users. */
export const DEFAULT_STEPS: readonly number[] = [1, 5, 25, 50, 100];
/** Of a rollout with steps that says no more. */
export const DEFAULT_PLAN = {
  dwellMs: 120_000,
  needsEvidence: true,
  requestsMin: 1000,
  stepMaxMs: 7_200_000,
  onStepMax: 'pause',
  bakeMs: 3_600_000,
  autoStart: false,
} as const;

export const DEFAULT_BREAKER: BreakerConfig = {
  consecutiveErrors: 20,
  successRatioMin: 0.5,
  requestsMin: 20,
  windowMs: 10_000,
  openMs: 5000,
  probes: 3,
};
export const DEFAULT_SERVICE: Omit<ServiceConfig, 'name' | 'versions'> = {
  balancer: 'peakEwma',
  slowStartMs: 0,
  health: null,
  breaker: null,
  outlier: DEFAULT_OUTLIER,
  slo: null,
  limit: null,
};

export const DEFAULT_UPGRADE: UpgradeConfig = { protocols: ['websocket'], onRollback: 'close' };
export const NO_FILTERS: Filters = {
  requestHeaders: null,
  responseHeaders: null,
  rewrite: null,
  redirect: null,
  cors: null,
  mirror: null,
};

/** What a rollout is judged by, null: the route's SLO decides (`snapshot/rollouts.ts`); and no steps. */
export const DEFAULT_ROLLOUT: Omit<RolloutConfig, 'stable' | 'canary'> = {
  alpha: 0.001,
  toleratedRatio: 1.5,
  badMin: 3,
  absoluteFloor: null,
  latencyTolerance: 0.1,
  latencyFloorMs: 5,
  promotion: { beta: 0.05, ratioMax: 3, errorRatioMax: null },
  plan: null,
  shadows: [],
  rescue: true,
  rescuePinned: false,
};

/** Of alerts. The rates are those that the chats name themselves, or less. */
export const DEFAULT_ALERTS = {
  groupMs: 10_000,
  repeatMs: 14_400_000,
  timeoutMs: 5000,
  zone: 'UTC',
  pagerDutyUrl: 'https://events.pagerduty.com/v2/enqueue',
  perMinute: { dingtalk: 20, wecom: 20, feishu: 60, slack: 60, pagerduty: 60, alertmanager: 60, webhook: 60 },
} as const;

/** Of sources. */
export const DEFAULT_FOLLOW: FollowSettings = {
  startTimeoutMs: 10_000,
  shrinkConfirmMs: 30_000,
  compareMs: 60_000,
  changesWarn: 50,
};
/** What a running gateway does when its sources go away, it does too when it was started anew meanwhile. */
export const DEFAULT_STALE_START: StaleStartSettings = { isAllowed: true, ageMsMax: Number.POSITIVE_INFINITY };
export const DEFAULT_CONSUL = { prefix: 'sluice', consistency: 'default', waitMs: 60_000 } as const;
export const DEFAULT_ETCD = { prefix: '/sluice/v1/', heartbeatMs: 10_000 } as const;
/** Of discovery. */
export const DEFAULT_DNS = { intervalMs: 30_000, timeoutMs: 2000 } as const;
export const DEFAULT_CANARY_TAGS: readonly string[] = ['canary'];
export const DEFAULT_ZOOKEEPER = { path: '/sluice', timeoutMs: 10_000 } as const;
export const DEFAULT_HTTP_SOURCE = { intervalMs: 10_000 } as const;
