/**
 * Parts of a data plane without sockets: tables, heads and exchanges for tests of single functions.
 */

import assert from 'node:assert/strict';
import { Deadlines } from '#src/lib/deadlines.ts';
import { Random } from '#src/lib/random.ts';
import { reserveRates, versionCells } from '#src/model/overload.ts';
import { DIALS_MAX, reserveTallies, type Tallies, viewTallies } from '#src/model/tallies.ts';
import { reserveDownstream } from '#src/model/threads/load/downstream.ts';
import { reservePressure } from '#src/model/threads/load/saturation.ts';
import { createStandings } from '#src/model/threads/load/standing.ts';
import { Admissions } from '#src/proxy/decide/admission/admissions.ts';
import { Shedder } from '#src/proxy/decide/admission/shedder.ts';
import { Breakers } from '#src/proxy/decide/breaker/breakers.ts';
import { Downstream } from '#src/proxy/decide/color/downstream.ts';
import { Signatures } from '#src/proxy/decide/color/signatures.ts';
import { Tokens } from '#src/proxy/decide/color/tokens.ts';
import type { Peer } from '#src/proxy/decide/decide.ts';
import { Rates } from '#src/proxy/decide/rate/rates.ts';
import { type LinkedRoute, linkTable, type RouteTable } from '#src/proxy/decide/table.ts';
import { Exchange } from '#src/proxy/exchange.ts';
import { Endpoint } from '#src/proxy/forward/endpoint.ts';
import { Comparisons } from '#src/proxy/forward/mirror/comparison.ts';
import { Mirrors } from '#src/proxy/forward/mirror/mirror.ts';
import { StaleCache } from '#src/proxy/forward/retry/fallback/stale.ts';
import { IdempotencyLink } from '#src/proxy/forward/retry/idempotency/link.ts';
import { RetryBudget } from '#src/proxy/forward/retry/retry.ts';
import { DateLine } from '#src/proxy/header/date.ts';
import type { PeerLines } from '#src/proxy/header/forwarded.ts';
import { FreshLines } from '#src/proxy/header/fresh.ts';
import { responsePolicy } from '#src/proxy/header/hop-by-hop.ts';
import { RequestDraft } from '#src/proxy/header/request.ts';
import type { ClientConnection } from '#src/proxy/http1/connection.ts';
import type { Room } from '#src/proxy/http1/fields/moving.ts';
import { NameTable } from '#src/proxy/http1/fields/names.ts';
import { RelayPool } from '#src/proxy/http1/relay.ts';
import type { RequestHead } from '#src/proxy/http1/request-head.ts';
import { ResponseHead } from '#src/proxy/http1/response-head.ts';
import type { Lane } from '#src/proxy/lane.ts';
import { AccessLog } from '#src/proxy/record/access-log.ts';
import { Recorder } from '#src/proxy/record/recorder.ts';
import { Streams } from '#src/proxy/record/streams.ts';
import { Upgrades } from '#src/proxy/upgrade/upgrades.ts';
import { Resolver } from '#src/proxy/wire/resolver.ts';
import { Credentials } from '#src/proxy/wire/tls/credentials.ts';
import { createEndpointDials, type EndpointDials } from '#src/snapshot/endpoint-dials.ts';
import { createLatencyDials, type LatencyDials } from '#src/snapshot/latency-dials.ts';
import { type PlaneSketch, type RouteSketch, sketchSnapshot } from '../plane.ts';
import { LIMITS } from './limits.ts';

/** 2026-01-01. */
export const WALL_MS = 1_767_225_600_000;

/** A lane with its own tallies, its clock standing at 0. */
export interface Bench {
  readonly lane: Lane;
  readonly table: RouteTable;
  readonly tallies: Tallies;
  readonly latencyDials: LatencyDials;
  readonly dials: Int32Array;
  /** The endpoint dials: everybody at full capacity. */
  readonly capacities: EndpointDials;
  readonly endpoints: readonly Endpoint[];
}

/** Two versions on one route: cells 1 and 2, dials 1 and 2, units 0 and 1. */
export const TWO_VERSIONS: RouteSketch = {
  versions: [
    { name: 'stable', ports: [7001], weight: 95 },
    { name: 'canary', ports: [7002], weight: 5, colors: ['blue'] },
  ],
};

/** Links a table as a worker would; endpoints have no pools, so nothing can be sent. */
export function bench(sketch: PlaneSketch = { routes: [TWO_VERSIONS] }): Bench {
  const snapshot = sketchSnapshot(sketch);
  const endpoints = snapshot.endpoints
    .filter((spec) => spec !== null)
    .map(({ id, host, port }) => new Endpoint(id, host, port));
  const capacities = createEndpointDials();
  const random = new Random(1);
  const dials = new Int32Array(new SharedArrayBuffer(DIALS_MAX * 4));
  sketch.routes.forEach((route, n) =>
    route.versions.forEach(({ weight }, m) => dials.fill(weight, 100 * n + m + 1, 100 * n + m + 2)),
  );
  const tallies = viewTallies(reserveTallies());
  const admissions = new Admissions(tallies.cells, createStandings());
  const cells = versionCells(snapshot.routes);
  const links = { admissions: admissions.link(cells, 0), breakers: new Breakers(tallies.cells).link(cells) };
  const table = linkTable(
    snapshot,
    (index) => endpoints[index] as Endpoint,
    { capacities, random },
    { versions: links },
  );
  const latencyDials = createLatencyDials();
  const lane: Lane = {
    table,
    dials,
    recorder: new Recorder(tallies, null, latencyDials),
    accessLog: new AccessLog(1, () => undefined),
    tracer: null,
    faults: new Map(),
    random,
    fresh: new FreshLines(random),
    date: new DateLine(() => 'Sun, 06 Nov 1994 08:49:37 GMT'),
    retryBudget: new RetryBudget(0),
    mirrors: new Mirrors(new Comparisons(() => undefined)),
    stale: new StaleCache(),
    idempotency: new IdempotencyLink(),
    admissions,
    shedder: new Shedder(reservePressure()),
    rates: new Rates(reserveRates()),
    signatures: new Signatures(),
    downstream: new Downstream(reserveDownstream()),
    tokens: new Tokens({
      count: () => undefined,
      wantKeys: () => undefined,
      nowMs: () => 0,
      wallMs: () => WALL_MS,
    }),
    deadlines: new Deadlines(),
    draft: new RequestDraft(),
    readBuffer: Buffer.alloc(65_536),
    relays: new RelayPool(),
    resolver: new Resolver(),
    credentials: new Credentials(),
    streams: null as unknown as Streams,
    upgrades: null as unknown as Upgrades,
    isDraining: false,
  };
  lane.streams = new Streams(lane);
  lane.upgrades = new Upgrades(lane);
  lane.stale.configure(snapshot.limits.staleBytesMax);
  return { lane, table, tallies, dials, latencyDials, capacities, endpoints };
}

/** The address of most clients here; `isTrusted` as asked. */
export function peerOf(isTrusted = false): Peer {
  return {
    address: '203.0.113.7',
    sourcePort: 40_000,
    port: 8080,
    local: '',
    isTrusted,
    trusts: (address) => address.startsWith('10.'),
    key: 4711,
    secure: null,
  };
}

/** An exchange that began at 0, of a client that is only its lane. */
export function exchangeOn(on: Bench, startedAtMs = 0): Exchange {
  return new Exchange({ lane: on.lane } as unknown as ClientConnection, on.table, startedAtMs);
}

/** The table's parser after a complete, accepted head, in these bytes. @throws Error when it is neither. */
export function readHead(table: RouteTable, text: string, bytes: Buffer = Buffer.from(text, 'latin1')): RequestHead {
  bytes.write(text, 'latin1');
  const head = table.requestHead;
  const end = head.parse(bytes, 0, text.length);
  if (end !== text.length) throw new Error(`${end} of ${text.length}: ${head.detail}`);
  return head;
}

/** The route of `GET /`. @throws Error when there is none. */
export function routeOf(table: RouteTable): LinkedRoute {
  const head = readHead(table, get('/'));
  const rule = table.router.match(head, head.path, head.method);
  if (rule === null) throw new Error('no route for GET /');
  return rule.route;
}

/** A complete GET head for `target` with these header lines (each with its CRLF). */
export function get(target: string, lines = '', host = 'a'): string {
  return `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${lines}\r\n`;
}

/** A parser after an accepted response head. @throws Error when it was not accepted. */
export function readResponse(text: string, isHead = false): ResponseHead {
  const head = new ResponseHead(new NameTable([]), LIMITS, responsePolicy);
  const bytes = Buffer.from(text, 'latin1');
  const end = head.parse(bytes, 0, bytes.length, isHead);
  if (end <= 0) throw new Error(`${end}: ${head.detail}`);
  return head;
}

/** All of these bytes, for a head. */
export function roomIn(bytes: Buffer): Room {
  return { bytes, at: 0, room: bytes.length };
}

/** The head that goes upstream. Asserts that its bytes, where they can be put down at once, are those of its text. */
export function requestText(x: Exchange, head: RequestHead, lines: PeerLines, freshId: string): string {
  const draft = new RequestDraft();
  draft.begin(x, head, lines, freshId);
  const text = draft.text();
  const out = Buffer.alloc(65_536);
  const length = draft.put(roomIn(out));
  if (length > 0) assert.equal(out.toString('latin1', 0, length), text);
  else assert.ok(!text.startsWith(head.fields.firstLine) || text.length > out.length, 'it could have been put down');
  return text;
}
