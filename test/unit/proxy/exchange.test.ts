/** The exchange: one shape for all, its clock, and which methods may be sent twice. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { decide } from '#src/proxy/decide/decide.ts';
import { bench, exchangeOn, get, peerOf, readHead } from '../../support/proxy/parts.ts';

describe('an exchange', () => {
  it('has all its fields from the start, so that all exchanges share one hidden class', () => {
    const on = bench();
    const x = exchangeOn(on);
    const before = Object.keys(x);
    decide(x, readHead(on.table, get('/')), peerOf(), new Random(1));
    x.startClock(5);
    assert.deepEqual(Object.keys(x), before);
  });

  it('owes its answer only from the end of its request', () => {
    const on = bench({ routes: [{ versions: [{ name: 'v1', ports: [7001], weight: 1 }], requestTimeoutMs: 500 }] });
    const x = exchangeOn(on);
    decide(x, readHead(on.table, get('/')), peerOf(), new Random(1));
    assert.equal(x.deadlineAtMs, Number.POSITIVE_INFINITY);
    x.startClock(100);
    assert.equal(x.deadlineAtMs, 600);
  });

  it('without a route has no clock', () => {
    const x = exchangeOn(bench());
    x.startClock(100);
    assert.equal(x.deadlineAtMs, Number.POSITIVE_INFINITY);
  });

  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS']) {
    it(`with ${method} may be sent twice`, () =>
      assert.equal(Object.assign(exchangeOn(bench()), { method }).isIdempotent, true));
  }
  for (const method of ['POST', 'PATCH', 'get', 'PURGE', '']) {
    it(`with ${method || 'no method'} may not`, () =>
      assert.equal(Object.assign(exchangeOn(bench()), { method }).isIdempotent, false));
  }

  it('with HEAD, and only then, has no response body', () => {
    const x = exchangeOn(bench());
    x.method = 'HEAD';
    assert.equal(x.isHead, true);
    x.method = 'head';
    assert.equal(x.isHead, false);
  });
});
