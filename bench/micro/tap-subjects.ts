/**
 * What people who look at live requests cost each request: nobody, one who waits for others, one who is shown ten a second.
 */

import { REASON } from '../../src/model/reason.ts';
import type { TapFilter } from '../../src/model/threads/requests/tap.ts';
import { Exchange } from '../../src/proxy/exchange.ts';
import { AccessLog } from '../../src/proxy/record/access-log.ts';
import { Taps } from '../../src/proxy/record/tap.ts';
import { bench, peerOf, routeOf } from '../../test/support/proxy/parts.ts';
import type { Subject } from './measure.ts';

const on = bench();
const route = routeOf(on.table);
const client = {
  lane: on.lane,
  lines: { peer: peerOf(), protocol: '1.1' },
  out: { bytesSent: 0 },
  body: { received: 0 },
} as unknown as Exchange['client'];
const ANY: TapFilter = { route: null, version: null, color: null, status: null, outcome: null };
/** The clock goes on so much from one request to the next: 20,000 a second. */
const GAP_MS = 0.05;
/** In one call: a single one is less than the clock of a thread can tell. */
const REQUESTS = 100;

/** Ends of requests, as far as the access log and taps have a part in them; the log is off. */
function subject(name: string, filters: readonly Partial<TapFilter>[]): Subject {
  const log: AccessLog = new AccessLog(1, () => log.taken());
  const taps = new Taps();
  taps.configure(filters.map((filter, id) => ({ id, filter: { ...ANY, ...filter }, perSecond: 10 })));
  log.show(filters.length === 0 ? null : taps);
  const x = new Exchange(client, on.table, 0);
  x.route = route;
  x.split = route.splits[0] ?? null;
  x.status = 200;
  x.reason = REASON.none;
  return {
    name,
    run: (n) => {
      for (let i = 0; i < n * REQUESTS; i++) {
        x.endedAtMs += GAP_MS;
        log.end(x);
        if ((i & 1023) === 0) log.flush();
      }
      return x.endedAtMs;
    },
  };
}

export const TAP_SUBJECTS: readonly Subject[] = [
  subject('end 100 requests, nobody looks', []),
  subject('end 100 requests, a tap waits for another', [{ route: 'other' }]),
  subject('end 100 requests, a tap is shown 10 a second', [{ outcome: 'ok' }]),
];
