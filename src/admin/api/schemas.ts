/**
 * JSON Schemas (2020-12) of what the admin API takes and gives, as far as it promises them: further members may come.
 */

/** A schema; plain JSON. */
export type Schema = Readonly<Record<string, unknown>>;

export const TEXT: Schema = { type: 'string' };
export const COUNT: Schema = { type: 'integer', minimum: 0 };
export const NUMBER: Schema = { type: 'number' };
const FLAG: Schema = { type: 'boolean' };
const TIME: Schema = { type: 'string', description: 'ISO 8601; empty where there is none' };
export const ANY: Schema = {};
const RATIO_OR_NULL: Schema = { type: ['number', 'null'], description: 'null: nothing was counted' };
const NUMBER_OR_NULL: Schema = { type: ['number', 'null'] };

/** An object with these members; those in `optional` may be missing. */
export function object(properties: Readonly<Record<string, Schema>>, optional: readonly string[] = []): Schema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', properties, ...(required.length === 0 ? {} : { required }) };
}

/** An array of these. */
export function list(items: Schema): Schema {
  return { type: 'array', items };
}

/** A schema by its name in the document. */
export function ref(name: keyof typeof SCHEMAS): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

/** One of these, or null. */
export function orNull(schema: Schema): Schema {
  return { anyOf: [schema, { type: 'null' }] };
}

function named(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

const traffic = {
  inFlight: COUNT,
  requests: COUNT,
  bad: COUNT,
  ignored: COUNT,
  slow: COUNT,
  errorRatio: RATIO_OR_NULL,
  p50Ms: NUMBER_OR_NULL,
  p90Ms: NUMBER_OR_NULL,
  p99Ms: NUMBER_OR_NULL,
};

/** Every schema that has a name. */
export const SCHEMAS = {
  Problem: {
    ...object({ type: TEXT, title: TEXT, status: COUNT, detail: TEXT }),
    description: 'Why there is no answer (RFC 9457); detail says what would be right',
  },
  Endpoint: object({
    address: TEXT,
    state: { enum: ['up', 'slow-start', 'ejected', 'half-open', 'unhealthy'] },
    capacityRatio: NUMBER,
    because: TEXT,
    inFlight: COUNT,
    connections: COUNT,
    requests: COUNT,
    bad: COUNT,
    connectFailures: COUNT,
  }),
  Version: object({
    ...traffic,
    service: TEXT,
    version: TEXT,
    colors: list(TEXT),
    weight: NUMBER,
    weightConfigured: NUMBER,
    weightFrom: { enum: ['route', 'weights'] },
    weightBecause: TEXT,
    shareRatio: RATIO_OR_NULL,
    drift: { enum: ['steady', 'mild', 'offline'] },
    endpoints: list(named('Endpoint')),
  }),
  Rollout: object(
    {
      stable: TEXT,
      canary: TEXT,
      routes: { ...list(TEXT), description: 'all routes that it moves and judges; missing where there is one' },
      state: { enum: ['idle', 'progressing', 'paused', 'baking', 'succeeded', 'rolled-back'] },
      step: orNull(object({ number: COUNT, count: COUNT, percent: NUMBER, forMs: NUMBER })),
      gates: list(object({ name: TEXT, isPassed: FLAG, needed: NUMBER_OR_NULL, seen: NUMBER_OR_NULL, sentence: TEXT })),
      next: TEXT,
      verdict: orNull(named('Verdict')),
      sentence: TEXT,
    },
    ['routes'],
  ),
  Verdict: object(
    {
      state: { enum: ['pass', 'fail', 'inconclusive', 'no-traffic', 'insufficient', 'sli-broken'] },
      logE: { type: 'number', description: 'evidence against the canary, in nats' },
      logEToFail: NUMBER,
      errors: {
        ...object({ logE: NUMBER, spared: list({ type: ['string', 'integer'] }) }),
        description: 'failures by themselves; spared: endpoints whose failures were left out in this step, by address',
      },
      requests: ANY,
      users: ANY,
      routes: {
        ...list(object({ route: TEXT, logE: NUMBER, requests: ANY, users: ANY })),
        description: 'failures on each route by itself; missing where the rollout has one',
      },
    },
    ['routes'],
  ),
  Route: object({ ...traffic, name: TEXT, versions: list(named('Version')), rollout: orNull(named('Rollout')) }),
  RouteListing: object({
    name: TEXT,
    matches: list(TEXT),
    filters: list(TEXT),
    rateLimits: list(TEXT),
    experiments: list(TEXT),
    priority: { enum: ['critical', 'default', 'degraded', 'best-effort'] },
    requestTimeoutMs: NUMBER,
  }),
  Slo: object({
    scope: { enum: ['route', 'service', 'gateway'] },
    name: TEXT,
    indicator: { enum: ['availability', 'latency', 'composite', 'business'] },
    targetRatio: NUMBER,
    thresholdMs: NUMBER_OR_NULL,
    remainingRatio: RATIO_OR_NULL,
    exhaustedInMs: NUMBER_OR_NULL,
    burnRates: { type: 'object', additionalProperties: NUMBER_OR_NULL },
    alerts: list(
      object({ severity: { enum: ['page', 'ticket'] }, long: TEXT, short: TEXT, factor: NUMBER, isFiring: FLAG }),
    ),
  }),
  Status: object({
    version: TEXT,
    pid: COUNT,
    startedAt: TIME,
    uptimeMs: NUMBER,
    ready: FLAG,
    notReadyBecause: TEXT,
    proxyUrl: TEXT,
    listeners: list(TEXT),
    config: object({ file: TEXT, revision: COUNT, hash: TEXT, loadedAt: TIME, reloads: ANY, last: ANY }),
    revisions: object({
      ...{ number: COUNT, sourceHash: { type: ['string', 'null'] } },
      ...{ pin: ANY, staleStart: ANY, difference: TEXT },
    }),
    sources: list(ANY),
    workers: list(object({ id: COUNT, state: TEXT, revision: COUNT, restarts: COUNT })),
    saturation: object({ grade: TEXT, because: TEXT, memory: ANY, threads: list(ANY) }),
    faults: list(ANY),
    mirrors: list(named('Mirror')),
    routes: list(named('Route')),
    latencies: list(object({ route: TEXT, counts: list({ ...list(COUNT), description: 'bucket, count' }) })),
    samples: list(object({ route: TEXT, bad: list(named('Sample')), slow: list(named('Sample')) })),
    slos: list(named('Slo')),
    health: ANY,
    state: ANY,
    fleet: ANY,
    eventsLost: COUNT,
    defects: object({
      counts: { type: 'object', additionalProperties: COUNT },
      kinds: list(
        object({
          ...{ code: TEXT, part: TEXT, about: TEXT, kind: TEXT },
          ...{ count: COUNT, firstAt: TIME, lastAt: TIME },
        }),
      ),
    }),
  }),
  Mirror: object({
    route: TEXT,
    candidate: { type: 'string', description: 'service/version' },
    since: TIME,
    compared: COUNT,
    skipped: COUNT,
    failed: COUNT,
    differences: list(
      object({
        kind: { enum: ['status', 'header', 'type', 'value', 'body'] },
        ...{ path: TEXT, from: TEXT, to: TEXT },
        ...{ compared: COUNT, candidate: COUNT, second: COUNT, isReal: FLAG },
      }),
    ),
    real: COUNT,
    differed: { type: 'object', additionalProperties: COUNT },
    sentence: TEXT,
  }),
  Sample: object({
    requestId: TEXT,
    version: { type: ['string', 'null'] },
    at: TIME,
    latencyMs: NUMBER,
    status: NUMBER_OR_NULL,
    reason: TEXT,
  }),
  Decision: object({ id: COUNT, at: TIME, kind: TEXT, trigger: TEXT, route: TEXT, sentence: TEXT, revision: COUNT }),
  Board: object({
    number: COUNT,
    atMs: NUMBER,
    gateway: ANY,
    routes: list(
      object({
        route: named('Route'),
        slos: list(named('Slo')),
        ladder: list(NUMBER),
        remainingRatio: RATIO_OR_NULL,
        heat: list(RATIO_OR_NULL),
      }),
    ),
    routesTotal: COUNT,
    services: list(named('Slo')),
    isReadOnly: FLAG,
    viewers: object({ now: COUNT, max: COUNT, refused: COUNT }),
    events: list(object({ id: TEXT, atMs: NUMBER, kind: TEXT, route: TEXT, sentence: TEXT })),
  }),
  History: object({
    route: TEXT,
    times: list(NUMBER),
    versions: list(
      object({ version: TEXT, finished: list(NUMBER_OR_NULL), bad: list(NUMBER_OR_NULL), p99Ms: list(NUMBER_OR_NULL) }),
    ),
  }),
  Seconds: object({
    atMs: NUMBER,
    routes: list(
      object({
        route: TEXT,
        versions: list(object({ version: TEXT, finished: COUNT, bad: COUNT, p99Ms: NUMBER_OR_NULL })),
      }),
    ),
  }),
  Reload: object({
    outcome: { enum: ['accepted', 'unchanged', 'refused'] },
    number: COUNT,
    hash: TEXT,
    problems: list(ANY),
    unanswered: list(object({ source: TEXT, because: TEXT })),
  }),
  Revision: object({
    number: COUNT,
    revision: COUNT,
    hash: TEXT,
    at: TIME,
    origin: list(TEXT),
    routes: COUNT,
    verifiedWith: { type: ['array', 'null'], items: TEXT },
    isKept: FLAG,
  }),
  Alerts: object({
    active: list(
      object({
        fingerprint: TEXT,
        kind: TEXT,
        severity: { enum: ['page', 'ticket', 'info'] },
        route: TEXT,
        service: TEXT,
        sentence: TEXT,
        since: TIME,
      }),
    ),
    activeCount: COUNT,
    dropped: COUNT,
    channels: list(
      object({
        name: TEXT,
        type: TEXT,
        state: { enum: ['idle', 'waiting', 'retrying', 'unusable'] },
        queued: COUNT,
        oldestAt: TIME,
        nextTryMs: COUNT,
        counts: object({ sent: COUNT, failed: COUNT, dropped: COUNT, dead: COUNT, merged: COUNT }),
        sentAt: TIME,
        lastError: TEXT,
        deadLetters: list(object({ id: COUNT, title: TEXT, because: TEXT, at: TIME, diedAt: TIME })),
      }),
    ),
  }),
  Diff: object({ before: TEXT, after: TEXT, changes: list(ANY), more: COUNT }),
  Weights: object({
    route: TEXT,
    document: TEXT,
    revision: { type: ['string', 'null'] },
    weights: { type: ['object', 'null'], additionalProperties: NUMBER },
    reason: TEXT,
    problem: TEXT,
    versions: list(ANY),
  }),
  Health: object({
    ready: FLAG,
    notReadyBecause: TEXT,
    config: object({ revision: COUNT, hash: TEXT, isSame: FLAG, sentence: TEXT }),
  }),
  Report: object({
    sluice: TEXT,
    runtime: ANY,
    machine: ANY,
    process: ANY,
    status: named('Status'),
    config: ANY,
    revisions: list(named('Revision')),
    decisions: list(named('Decision')),
    metrics: TEXT,
  }),
  Reason: object({ reason: { type: 'string', maxLength: 500 }, fix: FLAG }, ['reason', 'fix']),
} as const satisfies Readonly<Record<string, Schema>>;
