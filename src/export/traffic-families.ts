/**
 * Metric families of traffic: requests, latencies, reasons, endpoints.
 *
 * Labels come from the configuration alone. A cell that never saw an exchange has its request counters (at 0, so that a
 * rate can be taken from the first failure on) but no histogram and no reasons: 10,000 idle routes stay small.
 */

import { PRIORITIES } from '../model/overload.ts';
import { REASON, REASONS } from '../model/reason.ts';
import type { EndpointStatus } from '../model/status.ts';
import { SESSION_ENDS, STREAM_BOUNDS_MS } from '../model/tallies.ts';
import { FALLBACK_KINDS } from '../model/threads/answers/fallback.ts';
import { cumulate } from './exposition/buckets.ts';
import { withExemplars } from './exposition/exemplars.ts';
import type { Bucket, Family, Labels, Reading, Sample } from './family.ts';
import type { VersionRow } from './rows.ts';
import type { CellReading } from './source.ts';

const DURATION = 'http_server_request_duration_seconds';
const STREAM_DURATION = 'sluice_stream_duration_seconds';
const STATUS_CLASSES = [1, 2, 3, 4, 5] as const;
const NONE: Labels = {};

export const TRAFFIC_FAMILIES: readonly Family[] = [
  {
    name: DURATION,
    help: 'Time from route match to the last byte of the response, of a stream to the first, by version',
    type: 'histogram',
    labels: ['http_route', 'route', 'service', 'service_version'],
    *collect({ versions, exemplars }) {
      for (const row of versions) {
        if (isUsed(row.version.cell)) yield durationSample(row, exemplars);
      }
    },
  },
  {
    name: STREAM_DURATION,
    help: 'Time from route match to the end of an event stream or a call of gRPC, by version',
    type: 'histogram',
    labels: ['route', 'service', 'version'],
    *collect({ versions }) {
      for (const { version, labels } of versions) {
        yield* streamSamples(version.cell, labels);
      }
    },
  },
  {
    name: 'sluice_requests_total',
    help: 'Exchanges of a version on a route, by effect on its SLI',
    type: 'counter',
    labels: ['outcome', 'route', 'service', 'version'],
    *collect({ versions }) {
      for (const { version, labels } of versions) {
        yield* outcomeSamples(version.cell, labels);
      }
    },
  },
  {
    name: 'sluice_route_requests_total',
    help: 'Exchanges of a route as its users saw them, by effect on its SLI',
    type: 'counter',
    labels: ['outcome', 'route'],
    *collect({ traffic }) {
      for (const route of traffic) yield* outcomeSamples(route.cell, { route: route.route });
    },
  },
  {
    name: 'sluice_upstream_requests_total',
    help: 'Exchanges of a version on a route, by class of the status code',
    type: 'counter',
    labels: ['code_class', 'route', 'service', 'version'],
    *collect({ versions }) {
      for (const { version, labels } of versions) {
        for (const digit of STATUS_CLASSES) {
          yield { labels: { code_class: `${digit}xx` }, shared: labels, value: version.cell.statusClasses[digit] ?? 0 };
        }
      }
    },
  },
  {
    name: 'sluice_responses_by_reason_total',
    help: 'Exchanges of a route that the gateway answered itself or gave up on, by reason (docs/reasons.md)',
    type: 'counter',
    labels: ['reason', 'route'],
    *collect({ traffic }) {
      for (const { route, cell } of traffic) {
        if (isUsed(cell)) yield* reasonSamples(cell.reasons, { route });
      }
    },
  },
  {
    name: 'sluice_mirror_requests_total',
    help: 'Copies of a route’s requests for its mirror: answered (sent), not made (skipped), not answered (failed)',
    type: 'counter',
    labels: ['outcome', 'route'],
    *collect({ traffic }) {
      for (const { route, cell } of traffic) yield* mirrorSamples(cell.mirrored, { route });
    },
  },
  {
    name: 'sluice_retries_total',
    help: 'Attempts after the first of an exchange: after a failure (made), beside a slow one (hedged), not made for want of budget (skipped)',
    type: 'counter',
    labels: ['outcome', 'route', 'service', 'version'],
    *collect({ versions }) {
      for (const { version, labels } of versions) yield* retrySamples(version.cell.retries, labels);
    },
  },
  {
    name: 'sluice_rescues_total',
    help: 'Exchanges that failed on a canary and went on with stable, by effect on the route’s SLI; skipped: not made',
    type: 'counter',
    labels: ['outcome', 'route', 'service', 'version'],
    *collect({ versions }) {
      for (const { version, labels } of versions) {
        yield* rescueSamples(version.cell.rescued, labels);
      }
    },
  },
  {
    name: 'sluice_fallbacks_total',
    help: 'Exchanges of a route that failed and fell back, by kind of the fallback',
    type: 'counter',
    labels: ['fallback', 'route'],
    *collect({ traffic }) {
      for (const { route, cell } of traffic) yield* fallbackSamples(cell.fallbacks, { route });
    },
  },
  {
    name: 'sluice_mended_requests_total',
    help: 'Good exchanges of a version that failed first, which its evidence in a rollout counts as bad',
    type: 'counter',
    labels: ['route', 'service', 'version'],
    *collect({ versions }) {
      for (const { version, labels } of versions) {
        const { mended } = version.cell;
        if (mended > 0) yield { labels: NONE, shared: labels, value: mended };
      }
    },
  },
  {
    name: 'sluice_refused_requests_total',
    help: 'Requests refused before they had a route, by reason (docs/reasons.md)',
    type: 'counter',
    labels: ['reason'],
    *collect({ refused }) {
      yield* reasonSamples(refused, {});
    },
  },
  {
    name: 'sluice_inflight',
    help: 'Exchanges under way on a route',
    type: 'gauge',
    labels: ['route'],
    *collect({ traffic }) {
      for (const { route, cell } of traffic) yield { labels: { route }, value: cell.inFlight };
    },
  },
  limitFamily('limit', 'Requests of a version that may be under way, over all workers', (at) => at.limit),
  limitFamily('inflight', 'Requests of a version that are under way under its limit', (at) => at.inFlight),
  limitFamily('queued', 'Requests that wait for a place at a version', (at) => at.queued),
  {
    name: 'sluice_shed_total',
    help: 'Exchanges that the limit of a version refused, by priority',
    type: 'counter',
    labels: ['priority', 'route', 'service', 'version'],
    *collect({ versions }) {
      for (const { version, labels } of versions) {
        if (version.cell.admission.limit === 0) continue;
        for (const [rank, priority] of PRIORITIES.entries()) {
          yield { labels: { priority }, shared: labels, value: version.cell.shed[rank] ?? 0 };
        }
      }
    },
  },
  {
    name: 'sluice_circuit_breaker_workers',
    help: 'Workers whose breaker of a version is open, or half-open',
    type: 'gauge',
    labels: ['service', 'state', 'version'],
    *collect({ services }) {
      for (const { version, labels: shared } of services) {
        const { hasBreaker, cell } = version;
        if (!hasBreaker) continue;
        yield { labels: { state: 'open' }, shared, value: cell.breaker.open };
        yield { labels: { state: 'half-open' }, shared, value: cell.breaker.halfOpen };
      }
    },
  },
  {
    name: 'sluice_upgrade_sessions',
    help: 'Upgraded connections (WebSocket and the like) of a version that are open',
    type: 'gauge',
    labels: ['route', 'service', 'version'],
    *collect({ versions }) {
      for (const { version, labels } of versions) {
        if (hasSessions(version.cell)) yield { labels: NONE, shared: labels, value: version.cell.sessions };
      }
    },
  },
  {
    name: 'sluice_upgrade_sessions_ended_total',
    help: 'Upgraded connections of a version that ended, by who ended them or why',
    type: 'counter',
    labels: ['reason', 'route', 'service', 'version'],
    *collect({ versions }) {
      for (const { version, labels } of versions) {
        if (hasSessions(version.cell)) yield* sessionEndSamples(version.cell, labels);
      }
    },
  },
  endpointFamily('requests_total', 'counter', 'Exchanges sent to an endpoint', (endpoint) => endpoint.requests),
  endpointFamily('failures_total', 'counter', 'Bad exchanges of an endpoint', (endpoint) => endpoint.bad),
  endpointFamily(
    'connect_failures_total',
    'counter',
    'Connections to an endpoint that could not be made',
    (endpoint) => endpoint.connectFailures,
  ),
  endpointFamily('connections', 'gauge', 'Open connections to an endpoint', (endpoint) => endpoint.connections),
  endpointFamily(
    'up',
    'gauge',
    '1 while an endpoint gets traffic, 0 while it is ejected or fails its check',
    (endpoint) => (endpoint.capacityRatio > 0 ? 1 : 0),
  ),
  endpointFamily(
    'capacity_ratio',
    'gauge',
    'Part of its share that an endpoint gets: below 1 in slow start, 0 while it is out',
    (endpoint) => endpoint.capacityRatio,
  ),
  endpointFamily(
    'ejections_total',
    'counter',
    'Ejections of an endpoint that did worse than its siblings',
    (endpoint) => endpoint.ejections,
  ),
  endpointFamily(
    'panic_requests_total',
    'counter',
    'Exchanges sent to an endpoint that was out, because every endpoint of its version was',
    (endpoint) => endpoint.panics,
  ),
  endpointFamily('inflight', 'gauge', 'Exchanges under way at an endpoint', (endpoint) => endpoint.inFlight),
];

function isUsed(cell: CellReading): boolean {
  return cell.finished + cell.ignored > 0;
}

function* outcomeSamples(cell: CellReading, shared: Labels): Generator<Sample> {
  yield { labels: { outcome: 'good' }, shared, value: cell.finished - cell.bad };
  yield { labels: { outcome: 'bad' }, shared, value: cell.bad };
  yield { labels: { outcome: 'ignored' }, shared, value: cell.ignored };
}

/** From the first upgrade on: most versions never see one. */
function hasSessions({ sessions, sessionEnds }: CellReading): boolean {
  return sessions > 0 || sumOf(sessionEnds) > 0;
}

function* sessionEndSamples(cell: CellReading, shared: Labels): Generator<Sample> {
  for (const [index, reason] of SESSION_ENDS.entries()) {
    yield { labels: { reason }, shared, value: cell.sessionEnds[index] ?? 0 };
  }
}

/** Nothing for a route that never made a copy, nor wanted to. */
function* mirrorSamples({ sent, skipped, failed }: CellReading['mirrored'], shared: Labels): Generator<Sample> {
  if (sent + skipped + failed === 0) return;
  yield { labels: { outcome: 'sent' }, shared, value: sent };
  yield { labels: { outcome: 'skipped' }, shared, value: skipped };
  yield { labels: { outcome: 'failed' }, shared, value: failed };
}

/** From the first failure on that fell back. */
function* fallbackSamples(counts: CellReading['fallbacks'], shared: Labels): Generator<Sample> {
  if (FALLBACK_KINDS.every((kind) => counts[kind] === 0)) return;
  for (const kind of FALLBACK_KINDS) yield { labels: { fallback: kind }, shared, value: counts[kind] };
}

/** From the first one on that was made, or was wanted. */
function* retrySamples({ made, hedged, skipped }: CellReading['retries'], shared: Labels): Generator<Sample> {
  if (made + hedged + skipped === 0) return;
  yield { labels: { outcome: 'made' }, shared, value: made };
  yield { labels: { outcome: 'hedged' }, shared, value: hedged };
  yield { labels: { outcome: 'skipped' }, shared, value: skipped };
}

/** From the first failure on that might have been rescued. */
function* rescueSamples({ good, bad, ignored, skipped }: CellReading['rescued'], shared: Labels): Generator<Sample> {
  if (good + bad + ignored + skipped === 0) return;
  yield { labels: { outcome: 'good' }, shared, value: good };
  yield { labels: { outcome: 'bad' }, shared, value: bad };
  yield { labels: { outcome: 'ignored' }, shared, value: ignored };
  yield { labels: { outcome: 'skipped' }, shared, value: skipped };
}

/** Reason 0, "the upstream answered", is left out. */
function* reasonSamples(reasons: ArrayLike<number>, shared: Labels): Generator<Sample> {
  for (const [index, { name }] of REASONS.entries()) {
    if (index !== REASON.none) yield { labels: { reason: name }, shared, value: reasons[index] ?? 0 };
  }
}

function durationSample({ route: on, version: of }: VersionRow, exemplars: Reading['exemplars']): Sample {
  const { route, httpRoute, slowMs } = on;
  const { service, version, cell: first, again = () => first } = of;
  const cell = again();
  const buckets = withExemplars(cumulate(cell, slowMs), exemplars(route, version));
  return {
    labels: { http_route: httpRoute, route, service, service_version: version },
    value: { buckets, sum: cell.secondsSum, counts: cell.histogram },
  };
}

/** From the first stream on. */
function* streamSamples({ streams, streamSeconds }: CellReading, shared: Labels): Generator<Sample> {
  if (sumOf(streams) === 0) return;
  const buckets: Bucket[] = [];
  let count = 0;
  for (let n = 0; n <= STREAM_BOUNDS_MS.length; n++) {
    count += streams[n] ?? 0;
    buckets.push({ le: (STREAM_BOUNDS_MS[n] ?? Number.POSITIVE_INFINITY) / 1000, count });
  }
  yield { labels: NONE, shared, value: { buckets, sum: streamSeconds } };
}

function sumOf(counts: ArrayLike<number>): number {
  let sum = 0;
  for (let n = 0; n < counts.length; n++) sum += counts[n] as number;
  return sum;
}

/** A gauge of every version that is limited, once. */
function limitFamily(suffix: string, help: string, valueOf: (at: CellReading['admission']) => number): Family {
  return {
    name: `sluice_concurrency_${suffix}`,
    help,
    type: 'gauge',
    labels: ['service', 'version'],
    *collect({ services }) {
      for (const { version, labels } of services) {
        const { admission } = version.cell;
        if (admission.limit > 0) yield { labels: NONE, shared: labels, value: valueOf(admission) };
      }
    },
  };
}

function endpointFamily(
  suffix: string,
  type: 'counter' | 'gauge',
  help: string,
  valueOf: (endpoint: EndpointStatus) => number,
): Family {
  return {
    name: `sluice_endpoint_${suffix}`,
    help,
    type,
    labels: ['endpoint', 'service', 'version'],
    *collect({ endpoints }) {
      for (const { endpoint, labels } of endpoints) yield { labels: NONE, shared: labels, value: valueOf(endpoint) };
    },
  };
}
