/** Which requests a tap is shown, how many, and that a request costs nothing more for being looked at in vain. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { REASON } from '#src/model/reason.ts';
import type { AccessBatch } from '#src/model/threads/requests/access.ts';
import type { Tap, TapBatch, TapFilter } from '#src/model/threads/requests/tap.ts';
import type { LinkedSplit } from '#src/proxy/decide/table.ts';
import type { Exchange } from '#src/proxy/exchange.ts';
import { retryingOf } from '#src/proxy/forward/retry/retry.ts';
import type { ClientConnection } from '#src/proxy/http1/connection.ts';
import { AccessLog } from '#src/proxy/record/access-log.ts';
import { Pace, ROWS_MAX, Taps } from '#src/proxy/record/tap.ts';
import { bytesPerCall, COUNTED } from '../../../support/proxy/allocation.ts';
import { bench, exchangeOn, peerOf, routeOf } from '../../../support/proxy/parts.ts';

const ON = bench();
const ROUTE = routeOf(ON.table);
const [STABLE, CANARY] = ROUTE.splits as readonly [LinkedSplit, LinkedSplit];
const CLIENT = {
  lane: ON.lane,
  lines: { peer: { ...peerOf(), address: '198.51.100.9' } },
  out: { bytesSent: 0 },
  body: { received: 0 },
} as unknown as ClientConnection;

const ANY: TapFilter = { route: null, version: null, color: null, status: null, outcome: null };

function tapOf(filter: Partial<TapFilter> = {}, perSecond = 100, id = 1): Tap {
  return { id, filter: { ...ANY, ...filter }, perSecond };
}

/** An exchange that is over. */
function ended(changes: Partial<Exchange> = {}, endedAtMs = 5): Exchange {
  const x = exchangeOn(ON, 2);
  x.requestText = 'GET /cart?token=s3cret HTTP/1.1\r\nHost: shop.example\r\nAuthorization: Bearer s3cret\r\n\r\n';
  Object.assign(x, { client: CLIENT, method: 'GET', target: '/cart?token=s3cret', route: ROUTE, split: STABLE });
  return Object.assign(x, { status: 200, reason: REASON.none, endedAtMs, ...changes });
}

function rescued(): Exchange {
  const x = ended();
  retryingOf(x).rescuedFrom = CANARY;
  return x;
}

/** Whether a tap is shown an exchange. */
function isShown(filter: Partial<TapFilter>, x: Exchange): boolean {
  const taps = new Taps();
  taps.configure([tapOf(filter)]);
  taps.end(x);
  return taps.take() !== null;
}

describe('the filter of a tap', () => {
  it('lets everything through that it says nothing about', () => {
    assert.ok(isShown({}, ended()));
    assert.ok(isShown({}, ended({ route: null, split: null, reason: REASON.noRoute, status: 404 })));
  });

  it('knows routes, versions, and versions that failed before another one answered', () => {
    assert.deepEqual([isShown({ route: ROUTE.name }, ended()), isShown({ route: 'other' }, ended())], [true, false]);
    assert.equal(isShown({ route: ROUTE.name }, ended({ route: null, split: null })), false);
    const byVersion = (x: Exchange) => ['stable', 'canary'].map((version) => isShown({ version }, x));
    assert.deepEqual(byVersion(ended()), [true, false]);
    assert.deepEqual(byVersion(rescued()), [true, true]);
    assert.deepEqual(byVersion(ended({ route: null, split: null })), [false, false]);
  });

  it('knows colors by what they pinned', () => {
    const blue = { color: 'blue' };
    assert.equal(isShown(blue, ended({ split: CANARY })), false);
    assert.equal(isShown(blue, ended({ split: CANARY, isPinned: true })), true);
    assert.equal(isShown({ color: 'green' }, ended({ split: CANARY, isPinned: true })), false);
    assert.equal(isShown(blue, ended({ split: STABLE, isPinned: true })), false);
    assert.equal(isShown(blue, Object.assign(rescued(), { isPinned: true })), true);
  });

  it('knows statuses, both ends included, and requests without one', () => {
    const byStatus = (status: number) => isShown({ status: [500, 599] }, ended({ status }));
    assert.deepEqual([499, 500, 599, 600, 0].map(byStatus), [false, true, true, false, false]);
    assert.ok(isShown({ status: [0, 0] }, ended({ status: 0, reason: REASON.upstreamReset })));
  });

  it('knows failures as the access log does, and reasons', () => {
    const outcomes = (x: Exchange) =>
      (['ok', 'failed', REASON.upstreamReset] as const).map((outcome) => isShown({ outcome }, x));
    assert.deepEqual(outcomes(ended()), [true, false, false]);
    assert.deepEqual(outcomes(ended({ status: 404 })), [true, false, false]);
    assert.deepEqual(outcomes(ended({ status: 503 })), [false, true, false]);
    assert.deepEqual(outcomes(ended({ status: 502, reason: REASON.upstreamReset })), [false, true, true]);
    assert.deepEqual(outcomes(ended({ status: 0, reason: REASON.clientClosed })), [true, false, false]);
    assert.deepEqual(outcomes(rescued()), [false, true, false]);
  });
});

describe('taps', () => {
  it('are shown the same request, each by its own filter, and nothing that the access log would not say', () => {
    const taps = new Taps();
    taps.configure([tapOf({}, 100, 1), tapOf({ status: [500, 599] }, 100, 2), tapOf({ route: ROUTE.name }, 100, 3)]);
    taps.end(ended({ split: CANARY, isPinned: true }));
    const { rows, counts } = taps.take() as TapBatch;
    assert.deepEqual(
      rows.map(([id, isPinned]) => [id, isPinned]),
      [
        [1, true],
        [3, true],
      ],
    );
    assert.equal(rows[0]?.[2], rows[1]?.[2]);
    assert.equal(rows[0]?.[2][8], '/cart');
    assert.ok(!JSON.stringify(rows).includes('s3cret'));
    assert.deepEqual(
      [...counts.values()].map(({ matched }) => matched),
      [1, 0, 1],
    );
    assert.equal(taps.take(), null);
  });

  it('keep to their rates, and count what they leave out', () => {
    const taps = new Taps();
    taps.configure([tapOf({}, 5)]);
    for (let n = 0; n < 20; n++) taps.end(ended({}, 1000 + n));
    const { rows, counts } = taps.take() as TapBatch;
    assert.equal(rows.length, 5);
    assert.deepEqual(counts.get(1), { matched: 20, overRate: 15, dropped: 0 });
  });

  it('hold a bounded number of requests until they are taken', () => {
    const taps = new Taps();
    taps.configure([tapOf({}, 100)]);
    for (let n = 0; n < ROWS_MAX + 10; n++) taps.end(ended({}, 10 * n));
    const { rows, counts } = taps.take() as TapBatch;
    assert.equal(rows.length, ROWS_MAX);
    assert.deepEqual(counts.get(1), { matched: ROWS_MAX + 10, overRate: 0, dropped: 10 });
  });

  it('that go on looking keep what is theirs when another one comes or goes', () => {
    const taps = new Taps();
    taps.configure([tapOf({}, 1, 1)]);
    taps.end(ended());
    taps.configure([tapOf({}, 1, 1), tapOf({}, 1, 2)]);
    taps.end(ended());
    const { counts } = taps.take() as TapBatch;
    assert.deepEqual(counts.get(1), { matched: 2, overRate: 1, dropped: 0 });
    assert.deepEqual(counts.get(2), { matched: 1, overRate: 0, dropped: 0 });
  });

  it('that ask for no route are shown heads that were refused', () => {
    const taps = new Taps();
    const batches: AccessBatch[] = [];
    const log = new AccessLog(1, (batch) => batches.push(batch));
    taps.configure([tapOf({}, 9, 1), tapOf({ status: [400, 400] }, 9, 2), tapOf({ route: ROUTE.name }, 9, 3)]);
    log.show(taps);
    log.refused(REASON.badRequest, '192.0.2.1', 7);
    log.refusedConnection(REASON.proxyHeader, '192.0.2.1', 7);
    log.flush();
    assert.deepEqual(
      batches[0]?.tapped?.rows.map(([id, , record]) => [id, record[10]]),
      [
        [1, REASON.badRequest],
        [2, REASON.badRequest],
        [1, REASON.proxyHeader],
      ],
    );
    assert.deepEqual(batches[0]?.records, []);
  });

  it('cost a request that none asks for no memory', COUNTED, () => {
    const taps = new Taps();
    const log = new AccessLog(1, () => undefined);
    taps.configure([tapOf({ route: 'other' }), tapOf({ version: 'v9' }), tapOf({ color: 'blue', outcome: 'failed' })]);
    log.show(taps);
    const x = ended();
    assert.equal(
      bytesPerCall(() => log.end(x)),
      0,
    );
  });

  it('are gone when nobody looks: nothing is sent', () => {
    const batches: AccessBatch[] = [];
    const log = new AccessLog(1, (batch) => batches.push(batch));
    const taps = new Taps();
    taps.configure([tapOf()]);
    log.show(taps);
    log.end(ended());
    log.show(null);
    log.end(ended());
    log.flush();
    assert.deepEqual(batches, []);
  });
});

describe('a pace', () => {
  it('lets all through that come slowly, a second of its rate at once, and the rest spread over time', () => {
    const slow = new Pace(2);
    for (let n = 0; n < 100; n++) assert.ok(slow.admits(500 * n), `${n}`);
    const pace = new Pace(10);
    const admitted = Array.from({ length: 5000 }, (_, ms) => ms).filter((ms) => pace.admits(ms));
    assert.ok(admitted.length >= 59 && admitted.length <= 60, `${admitted.length}`);
    assert.ok((admitted[9] as number) < 20, 'the first ten come at once');
    for (let n = 10; n + 1 < admitted.length; n++) {
      const gapMs = (admitted[n + 1] as number) - (admitted[n] as number);
      assert.ok(gapMs >= 99 && gapMs <= 101, `${gapMs}`);
    }
  });

  it('forgets an idle hour, and is not undone by a clock that goes back a little', () => {
    const pace = new Pace(1);
    assert.deepEqual(
      [0, 1, 3_600_000, 3_600_001, 3_599_999].map((ms) => pace.admits(ms)),
      [true, false, true, false, false],
    );
  });
});
