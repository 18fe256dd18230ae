/** Who looks at live requests: what workers are told, and what of theirs gets to whom. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TapAnswer, TappedRequest } from '#src/admin/process/tap.ts';
import { Taps } from '#src/compose/watches/taps.ts';
import { REASON } from '#src/model/reason.ts';
import type { ToWorker } from '#src/model/threads/messages.ts';
import type { AccessRecord } from '#src/model/threads/requests/access.ts';
import { TAPS_MAX, type TapCounts, type TapFilter, type TapRow } from '#src/model/threads/requests/tap.ts';

const ANY: TapFilter = { route: null, version: null, color: null, status: null, outcome: null };
const RECORD: AccessRecord = [
  ...([1000.25, 12.3, null, 'r1', null, '192.0.2.1', 'GET', 'shop', '/cart', 200] as const),
  ...([REASON.none, 'shop', 'v1', null, '10.0.0.1:80', 1, 0, null, null, 1, null, 'HTTP/1.1', null, null] as const),
];

function tapsOf() {
  const events: string[] = [];
  const routes = [{ name: 'shop', backendRefs: [{ version: 'v1' }, { version: 'v2' }] }];
  const store = { current: { config: { routes } } } as unknown as ConstructorParameters<typeof Taps>[0]['store'];
  const taps = new Taps({ store, log: { info: (event) => void events.push(event) } });
  const told: number[][] = [];
  const born = (id: number) =>
    taps.born(
      id,
      (message: ToWorker) => void (told[id] ??= []).push(message.kind === 'tap' ? message.taps.length : -1),
    );
  return { taps, events, told, born };
}

function readerOf() {
  const requests: TappedRequest[] = [];
  const counts: TapCounts[] = [];
  const take = (some: readonly TappedRequest[], counted: TapCounts): void => {
    requests.push(...some);
    counts.push(counted);
  };
  return { requests, counts, take };
}

function closeOf(answer: TapAnswer): () => void {
  assert.equal(answer.kind, 'open');
  return (answer as { readonly close: () => void }).close;
}

describe('taps', () => {
  it('are told to every worker that lives, and to one that comes later; the last one to go ends them', () => {
    const { taps, events, told, born } = tapsOf();
    born(0);
    const first = closeOf(taps.open({ filter: ANY, perSecond: 5 }, readerOf()));
    born(1);
    const second = closeOf(taps.open({ filter: { ...ANY, route: 'shop', version: 'v2' }, perSecond: 5 }, readerOf()));
    first();
    first();
    second();
    born(0);
    assert.deepEqual(told, [
      [1, 2, 1, 0],
      [1, 2, 1, 0],
    ]);
    assert.deepEqual(events, ['tap_opened', 'tap_opened', 'tap_closed', 'tap_closed']);
  });

  it('are a bounded number', () => {
    const { taps } = tapsOf();
    const closes = Array.from({ length: TAPS_MAX }, () =>
      closeOf(taps.open({ filter: ANY, perSecond: 1 }, readerOf())),
    );
    assert.equal(taps.open({ filter: ANY, perSecond: 1 }, readerOf()).kind, 'busy');
    closes[0]?.();
    closeOf(taps.open({ filter: ANY, perSecond: 1 }, readerOf()));
  });

  it('of a route or a version that is not there are refused, with what was meant', () => {
    const { taps } = tapsOf();
    const detail = (filter: Partial<TapFilter>) => {
      const answer = taps.open({ filter: { ...ANY, ...filter }, perSecond: 1 }, readerOf());
      return answer.kind === 'unknown' ? answer.detail : answer.kind;
    };
    assert.equal(detail({ route: 'shpo' }), 'no route shpo (did you mean shop?)');
    assert.equal(detail({ version: 'canary' }), 'no version canary');
    assert.equal(detail({ route: 'shop', version: 'v3' }), 'no version v3 (did you mean v1?)');
  });

  it('get their own requests, at their rate whatever the workers have found together', () => {
    const { taps } = tapsOf();
    const [one, two] = [readerOf(), readerOf()];
    taps.open({ filter: ANY, perSecond: 2 }, one);
    taps.open({ filter: ANY, perSecond: 100 }, two);
    const rows = (id: number, n: number): TapRow[] => Array.from({ length: n }, () => [id, true, RECORD]);
    const counts = (matched: number): TapCounts => ({ matched, overRate: 0, dropped: 0 });
    taps.take({
      rows: [...rows(1, 3), ...rows(2, 4), ...rows(7, 1)],
      counts: new Map([
        [1, counts(3)],
        [2, counts(4)],
      ]),
    });
    assert.deepEqual(one.counts, [{ matched: 3, overRate: 1, dropped: 0 }]);
    assert.deepEqual([one.requests.length, two.requests.length], [2, 4]);
    const [{ time, ...request } = {}] = one.requests;
    assert.equal(typeof time, 'string');
    assert.deepEqual(request, {
      ...{ requestId: 'r1', traceId: null, client: '192.0.2.1', method: 'GET', host: 'shop', path: '/cart' },
      ...{ status: 200, reason: 'none', route: 'shop', version: 'v1', rescuedFrom: null, endpoint: '10.0.0.1:80' },
      ...{ attempts: 1, requestBytes: 0, responseBytes: null, durationMs: 12.3, ttfbMs: null, userAgent: null },
      ...{ fallback: null, protocol: 'HTTP/1.1', idempotency: null, experiments: null, pinned: true },
    });
  });
});
