/** Verdicts: what fails a canary, and the named ways of not knowing. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Evidence, RoutePart } from '#src/model/slo.ts';
import {
  culpritOf,
  isLatencyEnough,
  isLatencyStronger,
  logEToFail,
  totalLogE,
  verdictOf,
} from '#src/slo/verdict/verdict.ts';
import { NO_LATENCY, NOT_PASSED, parts } from '../../../support/readings/verdict.ts';

const POLICY = { alpha: 0.001, badMin: 3 } as const;

function totals(canary: readonly [number, number], stable: readonly [number, number]): Evidence {
  const pair = () => ({
    canary: { finished: canary[0], bad: canary[1] },
    stable: { finished: stable[0], bad: stable[1] },
  });
  return { requests: pair(), users: pair() };
}

function stateOf(logE: number, evidence: Evidence): string {
  return verdictOf(parts(logE), evidence, POLICY).state;
}

describe('a verdict', () => {
  it('fails at ln(1/alpha), not below', () => {
    const evidence = totals([100, 20], [1900, 2]);
    // E = 0.7 E_errors + 0.3 E_latency, and latency says nothing: E_latency = 1.
    const level = Math.log((1000 - 0.3) / 0.7);
    assert.equal(logEToFail(0.001), Math.log(1000));
    assert.equal(stateOf(level + 1e-9, evidence), 'fail');
    assert.equal(stateOf(level - 1e-9, evidence), 'inconclusive');
  });

  it('fails only when both units say so', () => {
    const evidence = totals([100, 20], [1900, 2]);
    for (const [logERequests, logEUsers] of [
      [20, 6.9],
      [6.9, 20],
    ] as const) {
      const verdict = verdictOf(parts(logERequests, logEUsers), evidence, POLICY);
      assert.equal(verdict.state, 'inconclusive');
      assert.equal(verdict.errors.logE, 6.9);
      assert.deepEqual([verdict.errors.logERequests, verdict.errors.logEUsers], [logERequests, logEUsers]);
    }
  });

  it('fails a canary that is slow and never failed', () => {
    const slow = parts(-5, -5, { latency: { ...NO_LATENCY, logE: 9 } });
    assert.equal(verdictOf(slow, totals([100, 0], [1900, 2]), POLICY).state, 'fail');
    assert.equal(isLatencyEnough(9, logEToFail(0.001)), true);
    assert.equal(isLatencyEnough(7, logEToFail(0.001)), false);
    assert.ok(Math.abs(totalLogE(-50, 9) - 9 - Math.log(0.3)) < 1e-9);
  });

  it('passes a canary that is proven sound, unless something speaks against it', () => {
    const passed = { promotion: { ...NOT_PASSED, isPassed: true } };
    const evidence = totals([1000, 5], [19_000, 2]);
    assert.equal(verdictOf(parts(0, 0, passed), evidence, POLICY).state, 'pass');
    assert.equal(verdictOf(parts(12, 12, passed), evidence, POLICY).state, 'fail');
    assert.equal(verdictOf(parts(0, 0, passed), totals([2, 0], [9, 0]), POLICY).state, 'insufficient');
  });

  it('has none while the evidence cannot be believed', () => {
    const verdict = verdictOf(parts(12, 12, { fault: 'stable-down' }), totals([100, 0], [50, 50]), POLICY);
    assert.deepEqual([verdict.state, verdict.fault], ['sli-broken', 'stable-down']);
  });

  it('needs as many bad canary requests as the policy asks for', () => {
    assert.equal(stateOf(12, totals([100, 2], [1900, 0])), 'insufficient');
    assert.equal(stateOf(12, totals([100, 3], [1900, 0])), 'fail');
  });

  it('has no opinion without traffic on either arm', () => {
    assert.equal(stateOf(0, totals([0, 0], [0, 0])), 'no-traffic');
    assert.equal(stateOf(0, totals([0, 0], [500, 5])), 'no-traffic');
    assert.equal(stateOf(0, totals([500, 500], [0, 0])), 'no-traffic');
  });

  it('is insufficient while so few canary requests finished that all could be bad', () => {
    assert.equal(stateOf(0, totals([2, 2], [500, 0])), 'insufficient');
    assert.equal(stateOf(0, totals([3, 0], [500, 0])), 'inconclusive');
  });

  it('never passes a canary for want of proof', () => {
    assert.equal(stateOf(-50, totals([1_000_000, 0], [1_000_000, 50_000])), 'inconclusive');
  });

  it('keeps the totals it was given, not a view of them', () => {
    const evidence = totals([100, 20], [1900, 2]);
    const verdict = verdictOf(parts(9, 8), evidence, POLICY);
    evidence.requests.canary.bad = 0;
    evidence.users.stable.finished = 0;
    assert.deepEqual(verdict.requests.canary, { finished: 100, bad: 20 });
    assert.deepEqual(verdict.users.stable, { finished: 1900, bad: 2 });
  });
});

describe('a shortfall', () => {
  const shortfallOf = (logE: number, evidence: Evidence) => verdictOf(parts(logE), evidence, POLICY).shortfall;

  it('says how many canary requests are needed and were seen', () => {
    assert.deepEqual(shortfallOf(0, totals([1, 0], [20, 0])), { of: 'canary requests', needed: 3, seen: 1 });
  });

  it('says how many bad ones are needed when the evidence is there', () => {
    assert.deepEqual(shortfallOf(13, totals([50, 2], [5000, 0])), { of: 'bad canary requests', needed: 3, seen: 2 });
  });

  it('is nothing when only evidence is missing', () => {
    assert.equal(shortfallOf(2, totals([50, 2], [5000, 0])), null);
  });
});

describe('the verdict on several routes', () => {
  const counts = (finished: number, bad: number): Evidence => totals([finished, bad], [20 * finished, 0]);
  const part = (route: string, logE: number): RoutePart => {
    return { route, logE, logERequests: logE, logEUsers: logE + 1, logEAbsolute: null, ...counts(50, 10) };
  };

  it('weighs all together, slowness and each by itself within one alpha', () => {
    const routes = [part('checkout', -2), part('cart', -2), part('pay', 11)];
    const { logE, state } = verdictOf(parts(-3, -3, { routes }), totals([100, 10], [1900, 0]), POLICY);
    const expected = 0.6 * Math.exp(-3) + 0.3 + (0.1 / 3) * (2 * Math.exp(-2) + Math.exp(11));
    assert.ok(Math.abs(logE - Math.log(expected)) < 1e-9);
    assert.equal(state, 'fail', 'by one route alone');
    assert.equal(verdictOf(parts(-3, -3), totals([100, 10], [1900, 0]), POLICY).state, 'inconclusive');
  });

  it('blames the route on which nearly all of the evidence is, if there is one', () => {
    const routes = [part('checkout', 1), part('pay', 7)];
    assert.equal(culpritOf(parts(6, 6, { routes }))?.route, 'pay');
    assert.equal(culpritOf(parts(8.7, 8.7, { routes }))?.route, 'pay');
    assert.equal(culpritOf(parts(8.8, 8.8, { routes })), null);
    assert.equal(culpritOf(parts(-3, -3, { routes: [part('checkout', -1)] })), null, 'nothing speaks against it');
    assert.equal(culpritOf(parts(8)), null);
  });

  it('calls slowness the larger part only beside failures everywhere and on each route', () => {
    const latency = { ...NO_LATENCY, logE: 8 };
    assert.equal(isLatencyStronger(parts(7, 7, { latency })), true);
    assert.equal(isLatencyStronger(parts(7, 7, { latency, routes: [part('checkout', 0), part('pay', 10)] })), false);
    assert.equal(isLatencyStronger(parts(7, 7, { latency, routes: [part('checkout', 0), part('pay', 9)] })), true);
  });
});
