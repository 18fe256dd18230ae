/**
 * A status as a gateway with one canary tells it, with room for changes.
 */

import type { Decision, Verdict } from '#src/model/slo.ts';
import type { RouteStatus, SloStatus, SourceStatus, Status, TrafficStatus, VersionStatus } from '#src/model/status.ts';
import type { RouteListing } from '#src/model/threads/explain.ts';
import { DEFECT_CODE, DEFECT_PARTS, type DefectsStatus } from '#src/model/threads/load/defects.ts';
import type { SaturationStatus } from '#src/model/threads/load/saturation.ts';
import { type MirrorStatus, noneUncompared } from '#src/model/threads/requests/compared.ts';
import type { StateStatus } from '#src/model/threads/state.ts';
import { parts } from './verdict.ts';

/** Nothing came up. */
export const NO_DEFECTS: DefectsStatus = {
  counts: Object.fromEntries(DEFECT_PARTS.map((part) => [part, 0])) as DefectsStatus['counts'],
  kinds: [],
};

/** One kind that came up twice. */
export const ONE_DEFECT: DefectsStatus = {
  counts: { ...NO_DEFECTS.counts, rollouts: 2 },
  kinds: [
    {
      code: DEFECT_CODE,
      part: 'rollouts',
      about: 'checkout',
      kind: 'TypeError at judgement.ts:68:5',
      count: 2,
      firstAt: '2026-11-01T08:01:00.000Z',
      lastAt: '2026-11-01T08:02:00.000Z',
    },
  ],
};

const TRAFFIC: TrafficStatus = {
  inFlight: 0,
  requests: 0,
  bad: 0,
  ignored: 0,
  slow: 0,
  errorRatio: null,
  p50Ms: null,
  p90Ms: null,
  p99Ms: null,
};

export function sampleVerdict(changes: Partial<Verdict> = {}): Verdict {
  const counts = { canary: { finished: 200, bad: 12 }, stable: { finished: 800, bad: 0 } };
  return {
    state: 'fail',
    logE: 7.1,
    logEToFail: Math.log(1000),
    ...parts(8.2, 7.1),
    shortfall: null,
    requests: counts,
    users: counts,
    ...changes,
  };
}

export function sampleVersion(changes: Partial<VersionStatus> = {}): VersionStatus {
  return {
    ...TRAFFIC,
    service: 'checkout',
    version: 'v1',
    colors: ['v1'],
    weight: 80,
    weightConfigured: 80,
    weightFrom: 'route',
    weightOfRoute: 80,
    weightBecause: '',
    retries: { made: 0, hedged: 0, skipped: 0 },
    rescued: null,
    admission: null,
    breaker: null,
    downstream: null,
    drift: 'steady',
    shareRatio: 0.8,
    requests: 800,
    errorRatio: 0,
    p50Ms: 5,
    p90Ms: 8,
    p99Ms: 12,
    endpoints: [],
    ...changes,
  };
}

export function sampleRoute(changes: Partial<RouteStatus> = {}): RouteStatus {
  return {
    ...TRAFFIC,
    name: 'checkout',
    weights: null,
    fallbacks: null,
    requests: 1000,
    bad: 12,
    errorRatio: 0.012,
    versions: [
      sampleVersion(),
      sampleVersion({
        version: 'v2',
        colors: ['v2'],
        weight: 0,
        weightConfigured: 20,
        shareRatio: 0.2,
        requests: 200,
        bad: 12,
        errorRatio: 0.06,
      }),
    ],
    rollout: {
      stable: 'v1',
      canary: 'v2',
      state: 'rolled-back',
      step: null,
      gates: [],
      next: '',
      verdict: sampleVerdict(),
      sentence: 'v2 rolled back: 12 bad of 200 against 0 of 800',
      shadows: [],
    },
    shedding: null,
    ...changes,
  };
}

/** What the same route is. */
export function sampleListing(changes: Partial<RouteListing> = {}): RouteListing {
  return {
    name: 'checkout',
    matches: ['shop.test  PathPrefix /checkout'],
    filters: [],
    rateLimits: [],
    experiments: [],
    priority: 'default',
    requestTimeoutMs: 30_000,
    ...changes,
  };
}

export function sampleSlo(changes: Partial<SloStatus> = {}): SloStatus {
  return {
    scope: 'route',
    name: 'checkout',
    indicator: 'availability',
    targetRatio: 0.999,
    thresholdMs: null,
    events: { good: 99_950, bad: 50 },
    eventsTotal: { good: 199_900, bad: 100 },
    remainingRatio: 0.5,
    exhaustedInMs: 86_400_000,
    burnRates: { '5m': null, '30m': 20, '1h': 14, '6h': 2, '3d': 0.5 },
    alerts: [
      { severity: 'page', long: '1h', short: '5m', factor: 14.4, isFiring: false, firingForMs: null },
      { severity: 'page', long: '6h', short: '30m', factor: 6, isFiring: true, firingForMs: 61_000 },
      { severity: 'ticket', long: '3d', short: '6h', factor: 1, isFiring: false, firingForMs: null },
    ],
    calendar: null,
    errors: { client: 4, transient: 10, server: 2, weighted: 12 },
    policy: { kind: 'allowed', sentence: '50 % of the error budget is left' },
    score: null,
    ...changes,
  };
}

export function sampleState(changes: Partial<StateStatus> = {}): StateStatus {
  return {
    kind: 'durable',
    directory: '/var/lib/sluice',
    because: '',
    flushedAt: '2026-11-01T08:01:29.500Z',
    rowsPending: 0,
    fileBytes: 98_304,
    decisionsLost: 0,
    ...changes,
  };
}

/** A source that is kept up with. */
export function sampleSource(changes: Partial<SourceStatus> = {}): SourceStatus {
  return {
    name: 'consul 127.0.0.1:8500 sluice',
    kind: 'consul',
    state: 'watching',
    revision: '17',
    hash: 'ab12'.repeat(16),
    pieces: 12,
    staleMs: 2500,
    staleStart: null,
    changedAt: '2026-11-01T08:01:00.000Z',
    confirmedAt: '2026-11-01T08:01:27.500Z',
    failures: 0,
    errors: 0,
    lastError: '',
    shrink: null,
    shrinksRefused: 0,
    drifts: 0,
    ...changes,
  };
}

/** A process with room. */
export function sampleSaturation(changes: Partial<SaturationStatus> = {}): SaturationStatus {
  const thread = { grade: 'normal', delayMs: 2, heapBytes: 2 ** 25, heapLimitBytes: 2 ** 27, refusedRatio: 0 } as const;
  return {
    grade: 'normal',
    because: '',
    acts: true,
    process: 'normal',
    memory: { used: 2 ** 27, max: 2 ** 29, from: 'cgroup /sys/fs/cgroup' },
    descriptors: { used: 100, max: 1000 },
    cpus: 2,
    threads: [
      { ...thread, name: 'main', connections: 0, requests: 0 },
      { ...thread, name: 'worker-0', connections: 40, requests: 3 },
    ],
    changes: 0,
    shed: { critical: 0, default: 0, degraded: 0, 'best-effort': 0 },
    profiles: { directory: '/var/lib/sluice/profiles', because: '', written: 0, failed: 0, skipped: 0, last: '' },
    ...changes,
  };
}

export function sampleStatus(changes: Partial<Status> = {}): Status {
  return {
    version: '0.1.0',
    pid: 4711,
    restart: { state: 'none', failures: 0, lastFailure: null },
    startedAt: '2026-11-01T08:00:00.000Z',
    uptimeMs: 90_000,
    ready: true,
    notReadyBecause: '',
    proxyUrl: 'http://127.0.0.1:8080',
    listeners: ['http://127.0.0.1:8080'],
    tls: { listeners: [], upstreamsFailed: [], reloads: { done: 0, failed: 0 } },
    config: {
      file: 'gateway.yaml',
      revision: 3,
      hash: '3f9a1c00'.repeat(8),
      loadedAt: '2026-11-01T08:01:00.000Z',
      reloads: { accepted: 2, refused: 1 },
      last: { at: '2026-11-01T08:01:00.000Z', result: 'accepted', problems: [] },
    },
    revisions: {
      number: 12,
      sourceHash: '3f9a1c00'.repeat(8),
      staleMs: 0,
      pin: null,
      difference: '',
      kept: 3,
      keptBytes: 2048,
      rollbacks: { api: 0, sluice: 0 },
      notReverted: null,
      staleStart: null,
    },
    signatures: null,
    sources: [],
    apply: { lastMs: null, count: 0, sumMs: 0, buckets: [{ leMs: 10, count: 0 }] },
    workers: [
      { id: 0, state: 'serving', revision: 3, restarts: 0 },
      { id: 1, state: 'serving', revision: 3, restarts: 1 },
    ],
    saturation: sampleSaturation(),
    faults: [],
    routes: [sampleRoute()],
    latencies: [],
    samples: [],
    slos: [],
    health: { checks: { passed: 0, failed: 0, late: 0 }, ejectionsWithheld: 0 },
    state: sampleState(),
    fleet: null,
    eventsLost: 0,
    defects: NO_DEFECTS,
    idempotency: null,
    alerts: null,
    tracing: null,
    mirrors: [],
    ...changes,
  };
}

export function sampleDecision(changes: Partial<Decision> = {}): Decision {
  return {
    id: 1,
    at: '2026-11-01T08:01:10.000Z',
    kind: 'rollback',
    trigger: 'evidence',
    route: 'checkout',
    service: 'checkout',
    canary: 'v2',
    stable: 'v1',
    sentence: 'v2 rolled back: 12 bad of 200 against 0 of 800',
    verdict: sampleVerdict(),
    alpha: 0.001,
    toleratedRatio: 1.5,
    weightBefore: 20,
    weightAfter: 0,
    revision: 3,
    detectedInMs: 640,
    switchedInMs: 0.02,
    sampleRequestIds: [],
    certificate: {
      format: 1,
      policy: {
        alpha: 0.001,
        toleratedRatio: 1.5,
        badMin: 3,
        absoluteFloor: 0.00025,
        latencyTolerance: 0.1,
        latencyFloorMs: 5,
        promotion: { beta: 0.05, ratioMax: 3, errorRatioMax: 0.005 },
      },
      shadow: null,
      generation: 'a',
      limits: null,
      evidence: null,
    },
    ...changes,
  };
}

/** A mirror whose answers have one real difference, and one that the version has with itself. */
export function sampleMirror(): MirrorStatus {
  return {
    route: 'shop',
    candidate: 'shop/v2',
    since: '2026-11-01T08:00:00.000Z',
    compared: 412,
    skipped: 3,
    failed: 1,
    uncompared: { ...noneUncompared(), memory: 1, mirror_too_long: 2, mirror_no_answer: 1 },
    differences: [
      {
        ...{ kind: 'type', path: '$.price', from: 'number', to: 'string' },
        ...{ compared: 412, candidate: 37, second: 0, isReal: true },
      },
      {
        ...{ kind: 'value', path: '$.id', from: '', to: '' },
        ...{ compared: 412, candidate: 412, second: 411, isReal: false },
      },
    ],
    real: 1,
    differed: { status: 0, header: 0, type: 28, value: 0, body: 0 },
    sentence:
      '37 of 412 answers of shop/v2 differ where the version differs from itself in 0: $.price number -> string',
  };
}
