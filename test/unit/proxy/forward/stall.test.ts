/** Whose fault it is that the time of an exchange is over. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { REASON, type Reason } from '#src/model/reason.ts';
import type { Exchange } from '#src/proxy/exchange.ts';
import { expireExchange } from '#src/proxy/forward/stall.ts';
import type { UpstreamConnection } from '#src/proxy/http1/upstream.ts';
import { bench, exchangeOn } from '../../../support/proxy/parts.ts';

interface Case {
  readonly change?: Partial<Exchange>;
  /** There is a connection to the upstream. */
  readonly isConnected?: boolean;
  /** It waits in the endpoint's queue. */
  readonly isQueued?: boolean;
  /** The client does not take its answer. */
  readonly isBackedUp?: boolean;
  readonly isReading?: boolean;
  readonly reason: Reason;
}

/** The reason that ends it, and whether the client's connection is cut. */
function expired({ change, isConnected, isQueued, isBackedUp, isReading }: Case): [Reason, boolean] {
  let isCut = false;
  const client = {
    lane: bench().lane,
    out: { isBackedUp: isBackedUp === true },
    reject: () => undefined,
    cutOff: () => {
      isCut = true;
    },
  };
  const x = Object.assign(exchangeOn(bench()), { client, ...change }) as unknown as Exchange;
  if (isConnected === true) x.upstream = { destroy: () => undefined } as unknown as UpstreamConnection;
  if (isQueued !== undefined) {
    const pool = { cancel: () => isQueued };
    x.endpoint = { id: 0, inFlight: 1, probe: null, pool } as unknown as Exchange['endpoint'];
    x.attemptAtMs = isQueued ? 0 : -1;
  }
  expireExchange(x, isReading === true);
  return [x.reason, isCut];
}

describe('before the answer, a time that is over', () => {
  const cases: readonly (readonly [string, Case])[] = [
    ['in a queue is overload', { isQueued: true, reason: REASON.shed }],
    [
      'without a connection and with none of the whole time left is the wait for the response',
      { isQueued: false, change: { deadlineAtMs: 0 }, reason: REASON.responseTimeout },
    ],
    [
      'with the whole request sent is the upstream’s',
      { isConnected: true, change: { requestDone: true }, isReading: true, reason: REASON.responseTimeout },
    ],
    [
      'while the upstream does not take the body is the upstream’s',
      { isConnected: true, reason: REASON.responseTimeout },
    ],
    [
      'while the client waits for a 100 is its own: it owes its body whether one comes or not',
      { isConnected: true, change: { awaitsContinue: true }, isReading: true, reason: REASON.bodyTimeout },
    ],
    [
      'of the client’s own in a queue is overload, as any there',
      { isQueued: true, change: { allowedMs: 1, startedAtMs: -10 }, reason: REASON.shed },
    ],
    [
      'of the client’s own that was longer than the route’s is not',
      {
        isConnected: true,
        change: { requestDone: true, deadlineAtMs: -10, allowedMs: 1, startedAtMs: -10 },
        reason: REASON.responseTimeout,
      },
    ],
    [
      'while the client owes its body is the client’s',
      { isConnected: true, isReading: true, reason: REASON.bodyTimeout },
    ],
  ];
  for (const [name, one] of cases) it(name, () => assert.deepEqual(expired(one), [one.reason, false]));
});

describe('within the answer, a time that is over', () => {
  const responseStarted = true;
  const cases: readonly (readonly [string, Case])[] = [
    [
      'with bytes waiting for the client is the client’s',
      { isConnected: true, isBackedUp: true, change: { responseStarted }, reason: REASON.clientClosed },
    ],
    [
      'while the client owes its body is the client’s',
      { isConnected: true, isReading: true, change: { responseStarted }, reason: REASON.bodyTimeout },
    ],
    [
      'is the upstream’s otherwise',
      { isConnected: true, change: { responseStarted }, reason: REASON.upstreamTruncated },
    ],
    [
      'with the request done too',
      {
        isConnected: true,
        isReading: true,
        change: { responseStarted, requestDone: true },
        reason: REASON.upstreamTruncated,
      },
    ],
  ];
  for (const [name, one] of cases) it(name, () => assert.deepEqual(expired(one), [one.reason, true]));
});
