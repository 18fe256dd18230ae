/**
 * Metric families of traffic: requests, latencies, reasons, endpoints. Hot path of a page.
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
import { LabelSet, labelSets, NO_LABELS } from './exposition/labels.ts';
import type { Bucket, Family, FamilyHead, HistogramValue, Reading, RowFamily, SampleSink } from './family.ts';
import type { EndpointRow, RouteRow, ServiceRow, VersionRow } from './rows.ts';
import type { CellReading } from './source.ts';

const DURATION = 'http_server_request_duration_seconds';
const STREAM_DURATION = 'sluice_stream_duration_seconds';
const CODE_CLASSES = labelSets('code_class', ['1xx', '2xx', '3xx', '4xx', '5xx']);
const [GOOD, BAD, IGNORED] = labelSets('outcome', ['good', 'bad', 'ignored']);
const [SENT, SKIPPED, FAILED] = labelSets('outcome', ['sent', 'skipped', 'failed']);
const [MADE, HEDGED] = labelSets('outcome', ['made', 'hedged']);
const [OPEN, HALF_OPEN, CLOSED] = labelSets('state', ['open', 'half-open', 'closed']);
const FALLBACKS = labelSets('fallback', FALLBACK_KINDS);
const BY_REASON = REASONS.map(({ name }) => new LabelSet({ reason: name }));
const BY_PRIORITY = labelSets('priority', PRIORITIES);
const BY_SESSION_END = labelSets('reason', SESSION_ENDS);

export const TRAFFIC_FAMILIES: readonly Family[] = [
  perVersion(
    {
      name: DURATION,
      help: 'Time from route match to the last byte of the response, of a stream to the first, by version',
      type: 'histogram',
      labels: ['http_route', 'route', 'service', 'service_version'],
    },
    (row, to, { exemplars }) => {
      if (isUsed(row.version.cell)) to.add(NO_LABELS, row.durationLabels, durationOf(row, exemplars));
    },
  ),
  perVersion(
    {
      name: STREAM_DURATION,
      help: 'Time from route match to the end of an event stream or a call of gRPC, by version',
      type: 'histogram',
      labels: ['route', 'service', 'version'],
    },
    ({ version: { cell }, labels }, to) => {
      // From the first stream on.
      if (sumOf(cell.streams) > 0) to.add(NO_LABELS, labels, streamsOf(cell));
    },
  ),
  perVersion(
    {
      name: 'sluice_requests_total',
      help: 'Exchanges of a version on a route, by effect on its SLI',
      type: 'counter',
      labels: ['outcome', 'route', 'service', 'version'],
    },
    ({ version, labels }, to) => addOutcomes(version.cell, labels, to),
  ),
  perRoute(
    {
      name: 'sluice_route_requests_total',
      help: 'Exchanges of a route as its users saw them, by effect on its SLI',
      type: 'counter',
      labels: ['outcome', 'route'],
    },
    ({ route, labels }, to) => addOutcomes(route.cell, labels, to),
  ),
  perVersion(
    {
      name: 'sluice_upstream_requests_total',
      help: 'Exchanges of a version on a route, by class of the status code',
      type: 'counter',
      labels: ['code_class', 'route', 'service', 'version'],
    },
    ({ version, labels }, to) => {
      const counts = version.cell.statusClasses;
      for (let n = 0; n < CODE_CLASSES.length; n++) to.add(CODE_CLASSES[n] as LabelSet, labels, counts[n + 1] ?? 0);
    },
  ),
  perRoute(
    {
      name: 'sluice_responses_by_reason_total',
      help: 'Exchanges of a route that the gateway answered itself or gave up on, by reason (docs/reasons.md)',
      type: 'counter',
      labels: ['reason', 'route'],
    },
    ({ route: { cell }, labels }, to) => {
      if (!isUsed(cell)) return;
      // Reason 0, "the upstream answered", is left out.
      const { reasons } = cell;
      for (let n = REASON.none + 1; n < BY_REASON.length; n++)
        to.add(BY_REASON[n] as LabelSet, labels, reasons[n] ?? 0);
    },
  ),
  perRoute(
    {
      name: 'sluice_mirror_requests_total',
      help: 'Copies of a route’s requests for its mirror: answered (sent), not made (skipped), not answered (failed)',
      type: 'counter',
      labels: ['outcome', 'route'],
    },
    ({ route, labels }, to) => {
      // Nothing for a route that never made a copy, nor wanted to.
      const { sent, skipped, failed } = route.cell.mirrored;
      if (sent + skipped + failed === 0) return;
      to.add(SENT, labels, sent);
      to.add(SKIPPED, labels, skipped);
      to.add(FAILED, labels, failed);
    },
  ),
  perVersion(
    {
      name: 'sluice_retries_total',
      help: 'Attempts after the first of an exchange: after a failure (made), beside a slow one (hedged), not made for want of budget (skipped)',
      type: 'counter',
      labels: ['outcome', 'route', 'service', 'version'],
    },
    ({ version, labels }, to) => {
      // From the first one on that was made, or was wanted.
      const { made, hedged, skipped } = version.cell.retries;
      if (made + hedged + skipped === 0) return;
      to.add(MADE, labels, made);
      to.add(HEDGED, labels, hedged);
      to.add(SKIPPED, labels, skipped);
    },
  ),
  perVersion(
    {
      name: 'sluice_rescues_total',
      help: 'Exchanges that failed on a canary and went on with stable, by effect on the route’s SLI; skipped: not made',
      type: 'counter',
      labels: ['outcome', 'route', 'service', 'version'],
    },
    ({ version, labels }, to) => {
      // From the first failure on that might have been rescued.
      const { good, bad, ignored, skipped } = version.cell.rescued;
      if (good + bad + ignored + skipped === 0) return;
      to.add(GOOD, labels, good);
      to.add(BAD, labels, bad);
      to.add(IGNORED, labels, ignored);
      to.add(SKIPPED, labels, skipped);
    },
  ),
  perRoute(
    {
      name: 'sluice_fallbacks_total',
      help: 'Exchanges of a route that failed and fell back, by kind of the fallback',
      type: 'counter',
      labels: ['fallback', 'route'],
    },
    ({ route, labels }, to) => {
      // From the first failure on that fell back.
      const { stale, service, static: fixed } = route.cell.fallbacks;
      if (stale + service + fixed === 0) return;
      to.add(FALLBACKS[0], labels, stale);
      to.add(FALLBACKS[1], labels, service);
      to.add(FALLBACKS[2], labels, fixed);
    },
  ),
  perVersion(
    {
      name: 'sluice_mended_requests_total',
      help: 'Good exchanges of a version that failed first, which its evidence in a rollout counts as bad',
      type: 'counter',
      labels: ['route', 'service', 'version'],
    },
    ({ version, labels }, to) => {
      const { mended } = version.cell;
      if (mended > 0) to.add(NO_LABELS, labels, mended);
    },
  ),
  {
    name: 'sluice_refused_requests_total',
    help: 'Requests refused before they had a route, by reason (docs/reasons.md)',
    type: 'counter',
    labels: ['reason'],
    *collect({ refused }) {
      for (const [index, { name }] of REASONS.entries()) {
        if (index !== REASON.none) yield { labels: { reason: name }, value: refused[index] ?? 0 };
      }
    },
  },
  perRoute(
    { name: 'sluice_inflight', help: 'Exchanges under way on a route', type: 'gauge', labels: ['route'] },
    ({ route, labels }, to) => to.add(NO_LABELS, labels, route.cell.inFlight),
  ),
  limitFamily('limit', 'Requests of a version that may be under way, over all workers', (at) => at.limit),
  limitFamily('inflight', 'Requests of a version that are under way under its limit', (at) => at.inFlight),
  limitFamily('queued', 'Requests that wait for a place at a version', (at) => at.queued),
  perVersion(
    {
      name: 'sluice_shed_total',
      help: 'Exchanges that the limit of a version refused, by priority',
      type: 'counter',
      labels: ['priority', 'route', 'service', 'version'],
    },
    ({ version: { cell }, labels }, to) => {
      if (cell.admission.limit === 0) return;
      const { shed } = cell;
      for (let rank = 0; rank < BY_PRIORITY.length; rank++)
        to.add(BY_PRIORITY[rank] as LabelSet, labels, shed[rank] ?? 0);
    },
  ),
  perService(
    {
      name: 'sluice_circuit_breaker_workers',
      help: 'Workers whose breaker of a version is open, or half-open',
      type: 'gauge',
      labels: ['service', 'state', 'version'],
    },
    ({ version: { hasBreaker, cell }, labels }, to) => {
      if (!hasBreaker) return;
      const { open, halfOpen } = cell.breaker;
      to.add(OPEN, labels, open);
      to.add(HALF_OPEN, labels, halfOpen);
    },
  ),
  perVersion(
    {
      name: 'sluice_upgrade_sessions',
      help: 'Upgraded connections (WebSocket and the like) of a version that are open',
      type: 'gauge',
      labels: ['route', 'service', 'version'],
    },
    ({ version: { cell }, labels }, to) => {
      if (hasSessions(cell)) to.add(NO_LABELS, labels, cell.sessions);
    },
  ),
  perVersion(
    {
      name: 'sluice_upgrade_sessions_ended_total',
      help: 'Upgraded connections of a version that ended, by who ended them or why',
      type: 'counter',
      labels: ['reason', 'route', 'service', 'version'],
    },
    ({ version: { cell }, labels }, to) => {
      if (!hasSessions(cell)) return;
      const { sessionEnds } = cell;
      for (let n = 0; n < BY_SESSION_END.length; n++)
        to.add(BY_SESSION_END[n] as LabelSet, labels, sessionEnds[n] ?? 0);
    },
  ),
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
    '1 while an endpoint gets traffic, 0 while it is ejected, half-open, or fails its check',
    (endpoint) => (endpoint.capacityRatio > 0 ? 1 : 0),
  ),
  endpointFamily(
    'capacity_ratio',
    'gauge',
    'Part of its share that an endpoint gets: below 1 in slow start, 0 while it is out',
    (endpoint) => endpoint.capacityRatio,
  ),
  {
    name: 'sluice_endpoint_circuit_breaker_state',
    help: '1 for the state of the circuit breaker of an endpoint that was ejected since the start, 0 for the others',
    type: 'gauge',
    labels: ['endpoint', 'service', 'state', 'version'],
    rows: ({ endpoints }) => endpoints,
    write: ({ endpoint, labels }, to) => {
      // Most never are, and there are many of them.
      if (endpoint.ejections === 0) return;
      const { state } = endpoint;
      to.add(CLOSED, labels, state !== 'ejected' && state !== 'half-open' ? 1 : 0);
      to.add(OPEN, labels, state === 'ejected' ? 1 : 0);
      to.add(HALF_OPEN, labels, state === 'half-open' ? 1 : 0);
    },
  } satisfies RowFamily<EndpointRow>,
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

function addOutcomes(cell: CellReading, labels: LabelSet, to: SampleSink): void {
  const { finished, bad, ignored } = cell;
  to.add(GOOD, labels, finished - bad);
  to.add(BAD, labels, bad);
  to.add(IGNORED, labels, ignored);
}

/** From the first upgrade on: most versions never see one. */
function hasSessions({ sessions, sessionEnds }: CellReading): boolean {
  return sessions > 0 || sumOf(sessionEnds) > 0;
}

function durationOf({ route: on, version: of }: VersionRow, exemplars: Reading['exemplars']): HistogramValue {
  const { cell } = of;
  const buckets = withExemplars(cumulate(cell, on.slowMs), exemplars(on.route, of.version));
  return { buckets, sum: cell.secondsSum, counts: cell.histogram };
}

function streamsOf({ streams, streamSeconds }: CellReading): HistogramValue {
  const buckets: Bucket[] = [];
  let count = 0;
  for (let n = 0; n <= STREAM_BOUNDS_MS.length; n++) {
    count += streams[n] ?? 0;
    buckets.push({ le: (STREAM_BOUNDS_MS[n] ?? Number.POSITIVE_INFINITY) / 1000, count });
  }
  return { buckets, sum: streamSeconds };
}

function sumOf(counts: ArrayLike<number>): number {
  let sum = 0;
  for (let n = 0; n < counts.length; n++) sum += counts[n] as number;
  return sum;
}

function perVersion(head: FamilyHead, write: RowFamily<VersionRow>['write']): RowFamily<VersionRow> {
  return { ...head, rows: ({ versions }: Reading) => versions, write };
}

function perRoute(head: FamilyHead, write: RowFamily<RouteRow>['write']): RowFamily<RouteRow> {
  return { ...head, rows: ({ traffic }: Reading) => traffic, write };
}

function perService(head: FamilyHead, write: RowFamily<ServiceRow>['write']): RowFamily<ServiceRow> {
  return { ...head, rows: ({ services }: Reading) => services, write };
}

/** A gauge of every version that is limited, once. */
function limitFamily(suffix: string, help: string, valueOf: (at: CellReading['admission']) => number): Family {
  const head = { name: `sluice_concurrency_${suffix}`, help, type: 'gauge', labels: ['service', 'version'] } as const;
  return perService(head, ({ version, labels }, to) => {
    const { admission } = version.cell;
    if (admission.limit > 0) to.add(NO_LABELS, labels, valueOf(admission));
  });
}

function endpointFamily(
  suffix: string,
  type: 'counter' | 'gauge',
  help: string,
  valueOf: (endpoint: EndpointStatus) => number,
): RowFamily<EndpointRow> {
  return {
    name: `sluice_endpoint_${suffix}`,
    help,
    type,
    labels: ['endpoint', 'service', 'version'],
    rows: ({ endpoints }) => endpoints,
    write: ({ endpoint, labels }, to) => to.add(NO_LABELS, labels, valueOf(endpoint)),
  };
}
