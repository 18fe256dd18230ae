/** When a failed attempt may be tried again, and how many such attempts the budget gives. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { REASON, REASONS, type Reason } from '#src/model/reason.ts';
import type { Exchange } from '#src/proxy/exchange.ts';
import { mayRetry, RetryBudget } from '#src/proxy/forward/retry.ts';
import { bytesPerCall } from '../../../support/proxy/allocation.ts';
import { bench, exchangeOn } from '../../../support/proxy/parts.ts';

/** Retries the budget gives at one instant. */
function drained(budget: RetryBudget, nowMs: number): number {
  let given = 0;
  while (given < 1000 && budget.withdraw(nowMs)) given++;
  return given;
}

describe('the retry budget', () => {
  it('begins with 3 retries', () => assert.equal(drained(new RetryBudget(0), 0), 3));

  it('earns 3 a second', () => {
    const budget = new RetryBudget(0);
    drained(budget, 0);
    assert.equal(drained(budget, 333), 0);
    assert.equal(drained(budget, 1000), 3);
    assert.equal(drained(budget, 11_000), 30);
  });

  it('earns one for ten requests', () => {
    const budget = new RetryBudget(0);
    drained(budget, 0);
    for (let i = 0; i < 1000; i++) budget.deposit();
    const given = drained(budget, 0);
    assert.ok(given === 99 || given === 100, String(given));
  });

  it('holds 100 at most, however many requests or hours went by', () => {
    const budget = new RetryBudget(0);
    for (let i = 0; i < 100_000; i++) budget.deposit();
    assert.ok(drained(budget, 0) <= 100);
    assert.equal(drained(budget, 24 * 3_600_000), 100);
  });

  it('adds at most a tenth to the load when everything fails', () => {
    const budget = new RetryBudget(0);
    let retries = 0;
    for (let request = 0; request < 100_000; request++) {
      budget.deposit();
      // 10,000 requests a second.
      if (budget.withdraw(request / 10)) retries++;
    }
    assert.ok(retries <= 10_000 + 3 + 30 + 1, String(retries));
    assert.ok(retries >= 9900, String(retries));
  });

  it('allocates nothing for a request', () => {
    const budget = new RetryBudget(0);
    assert.ok(bytesPerCall(() => budget.deposit(), 5000, 16) <= 16);
  });
});

describe('another attempt', () => {
  function failed(change: Partial<Exchange>): Exchange {
    return Object.assign(exchangeOn(bench()), { method: 'GET', attempts: 1, ...change });
  }

  const retried: readonly (readonly [string, Reason, Partial<Exchange>])[] = [
    ['a refused connection', REASON.connectRefused, {}],
    ['a refused connection, even for POST: nothing was sent', REASON.connectRefused, { method: 'POST' }],
    ['a connection that did not open in time', REASON.connectTimeout, { method: 'POST' }],
    ['a failed TLS handshake', REASON.tlsFailed, { method: 'POST' }],
    ['a reset before the answer', REASON.upstreamReset, {}],
    ['a reset before the answer to DELETE', REASON.upstreamReset, { method: 'DELETE' }],
  ];
  for (const [name, reason, change] of retried) {
    it(`is made after ${name}`, () => assert.equal(mayRetry(failed(change), reason), true));
  }

  const final: readonly (readonly [string, Reason, Partial<Exchange>])[] = [
    ['a reset of a POST: it may have been done', REASON.upstreamReset, { method: 'POST' }],
    ['a reset of a PATCH', REASON.upstreamReset, { method: 'PATCH' }],
    ['a reset of an unknown method', REASON.upstreamReset, { method: 'get' }],
    ['the second failure', REASON.connectRefused, { attempts: 2 }],
    ['body bytes went out', REASON.connectRefused, { bodyTouched: true }],
    ['the response began', REASON.upstreamReset, { responseStarted: true }],
    ['a timeout: the upstream is busy with it', REASON.responseTimeout, {}],
  ];
  for (const [name, reason, change] of final) {
    it(`is not made after ${name}`, () => assert.equal(mayRetry(failed(change), reason), false));
  }

  it('is never made for a reason whose row says never', () => {
    REASONS.forEach((row, reason) => {
      if (row.retry === 'never') assert.equal(mayRetry(failed({}), reason as Reason), false, row.name);
    });
  });
});
