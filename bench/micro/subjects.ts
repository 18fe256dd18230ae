/**
 * The hot functions under measurement, each with the input it sees in production: a 600-byte browser request, a route
 * with two versions, a sticky user key.
 */

import { nowMs } from '../../src/lib/clock.ts';
import { bucketIndex } from '../../src/lib/histogram.ts';
import { Random } from '../../src/lib/random.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import { DIALS_MAX, reserveTallies, viewTallies } from '../../src/model/tallies.ts';
import { reserveDownstream } from '../../src/model/threads/load/downstream.ts';
import { Downstream } from '../../src/proxy/decide/color/downstream.ts';
import { decide, type Peer } from '../../src/proxy/decide/decide.ts';
import { linkTable } from '../../src/proxy/decide/table.ts';
import { Exchange } from '../../src/proxy/exchange.ts';
import { Endpoint } from '../../src/proxy/forward/endpoint.ts';
import { PeerLines } from '../../src/proxy/header/forwarded.ts';
import { FreshLines } from '../../src/proxy/header/fresh.ts';
import { RequestDraft } from '../../src/proxy/header/request.ts';
import type { ClientConnection } from '../../src/proxy/http1/connection.ts';
import { Recorder } from '../../src/proxy/record/recorder.ts';
import { readMemory, reserve, whole } from '../../src/proxy/wire/memory/memory.ts';
import { createEndpointDials } from '../../src/snapshot/endpoint-dials.ts';
import {
  DEFAULT_ACCESS_LOG,
  DEFAULT_COLOR,
  DEFAULT_HTTP,
  DEFAULT_RETRY,
  DEFAULT_UPGRADE,
  NO_FILTERS,
} from '../../src/sources/defaults.ts';
import { LIMITS, TIMEOUTS } from '../../test/support/proxy/limits.ts';
import type { Subject } from './measure.ts';

const HEAD_TEXT = Buffer.from(
  'GET /checkout/cart/4711?ref=home HTTP/1.1\r\nHost: shop.example.com\r\nConnection: keep-alive\r\n' +
    'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36\r\n' +
    'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8\r\nAccept-Encoding: gzip, deflate, br\r\n' +
    'Accept-Language: en-US,en;q=0.5\r\nReferer: https://shop.example.com/catalog/items/4711?ref=home\r\n' +
    'Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; consent=yes\r\nx-user-id: user-12345\r\nx-trace: abcdef\r\n\r\n',
);
/** Where clients' bytes are read to. */
const HEAD = readMemory;
HEAD_TEXT.copy(HEAD);

const SNAPSHOT: Snapshot = {
  revision: 1,
  hash: '',
  color: { ...DEFAULT_COLOR, acceptFrom: 'anyone' },
  overload: { priorityHeader: null },
  http: DEFAULT_HTTP,
  accessLog: DEFAULT_ACCESS_LOG,
  trustedProxies: [],
  limits: LIMITS,
  timeouts: TIMEOUTS,
  drain: { delayMs: 0, timeoutMs: 0 },
  routes: [
    {
      name: 'checkout',
      cell: 1,
      hostnames: ['shop.example.com'],
      matches: [{ path: { type: 'PathPrefix', value: '/checkout' }, method: null, headers: [], query: [] }],
      splits: [95, 5].map((_, i) => ({
        service: 'checkout',
        version: `v${i + 1}`,
        colors: [],
        cell: 2 + i,
        dial: i,
        unit: i,
        serviceSlowMs: Number.POSITIVE_INFINITY,
        seed: 7919 * (i + 1),
        targets: {
          name: `checkout/v${i + 1}`,
          limit: 'off',
          breaker: null,
          balancer: 'peakEwma',
          endpoints: [i],
          weights: [1],
        },
      })),
      rescue: { canary: 1, stable: 0, isForPinned: false },
      sticky: { header: 'x-user-id', cookie: null, clientIp: false },
      slowMs: 300,
      serviceSlowMs: Number.POSITIVE_INFINITY,
      ignorePaths: [],
      requestTimeoutMs: 60_000,
      retry: DEFAULT_RETRY,
      filters: NO_FILTERS,
      mirror: null,
      upgrade: DEFAULT_UPGRADE,
      priority: 'default',
      rateLimits: [],
    },
  ],
  endpoints: [1, 2].map((id) => ({ id, host: '127.0.0.1', port: 9000 + id })),
};

const draft = new RequestDraft();
const sent = { bytes: whole, at: reserve(4096), room: 4096 };
const dials = new Int32Array(new SharedArrayBuffer(DIALS_MAX * 4));
dials.set([95, 5]);
const random = new Random(1);
const endpoints = [0, 1].map((i) => new Endpoint(i, '127.0.0.1', 9000 + i));
const table = linkTable(SNAPSHOT, (i) => endpoints[i] as Endpoint, { capacities: createEndpointDials(), random });
const head = table.requestHead;
const peer: Peer = {
  address: '127.0.0.1',
  sourcePort: 40_000,
  port: 8080,
  local: '',
  isTrusted: false,
  trusts: () => false,
  key: 1,
  secure: null,
};
const lines = new PeerLines(peer);
// The hot functions read nothing of a connection but its lane's dials, and whether it sheds.
const downstream = new Downstream(reserveDownstream());
const fresh = new FreshLines(random);
const client = {
  lane: { dials, fresh, shedder: { isOn: false }, tracer: null, downstream },
} as unknown as ClientConnection;
const recorder = new Recorder(viewTallies(reserveTallies()));

function parsed(): Exchange {
  head.parse(HEAD, 0, HEAD_TEXT.length);
  const x = new Exchange(client, table, nowMs());
  x.method = head.method;
  x.target = head.target;
  return x;
}

const decided = parsed();
decide(decided, head, peer, random);
decided.status = 200;

function times(count: number, run: (i: number) => number): number {
  let kept = 0;
  for (let i = 0; i < count; i++) kept += run(i);
  return kept;
}

export const SUBJECTS: readonly Subject[] = [
  {
    name: `parse a ${HEAD_TEXT.length}-byte request head`,
    run: (n) => times(n, () => head.parse(HEAD, 0, HEAD_TEXT.length)),
  },
  {
    name: 'decide (route, user key, color, split)',
    run: (n) => {
      head.parse(HEAD, 0, HEAD_TEXT.length);
      return times(n, () => decide(new Exchange(client, table, 0), head, peer, random));
    },
  },
  {
    name: 'build the upstream head',
    run: (n) => {
      head.parse(HEAD, 0, HEAD_TEXT.length);
      const ids = fresh.next();
      return times(n, () => {
        draft.begin(decided, head, lines, ids);
        return draft.put(sent);
      });
    },
  },
  {
    name: 'record (begin and end)',
    run: (n) =>
      times(n, (i) => {
        recorder.begin(decided);
        decided.endedAtMs = decided.startedAtMs + (i & 255);
        recorder.end(decided);
        return i & 1;
      }),
  },
  { name: 'histogram bucket of a latency', run: (n) => times(n, (i) => bucketIndex((i & 4095) / 7)) },
];
