/** Verdicts: what fails a canary, and the named ways of not knowing. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Evidence } from '#src/model/slo.ts';
import { logEToFail, shortfallOf, verdictOf } from '#src/slo/verdict/verdict.ts';

const POLICY = { alpha: 0.001, badMin: 3 } as const;

function totals(canary: readonly [number, number], stable: readonly [number, number]): Evidence {
  const pair = () => ({
    canary: { finished: canary[0], bad: canary[1] },
    stable: { finished: stable[0], bad: stable[1] },
  });
  return { requests: pair(), users: pair() };
}

function stateOf(logE: number, evidence: Evidence): string {
  return verdictOf({ logERequests: logE, logEUsers: logE }, evidence, POLICY).state;
}

describe('a verdict', () => {
  it('fails at ln(1/alpha), not below', () => {
    const evidence = totals([100, 20], [1900, 2]);
    assert.equal(logEToFail(0.001), Math.log(1000));
    assert.equal(stateOf(Math.log(1000), evidence), 'fail');
    assert.equal(stateOf(Math.log(1000) - 1e-9, evidence), 'inconclusive');
  });

  it('fails only when both units say so', () => {
    const evidence = totals([100, 20], [1900, 2]);
    for (const [logERequests, logEUsers] of [
      [20, 6.9],
      [6.9, 20],
    ] as const) {
      const verdict = verdictOf({ logERequests, logEUsers }, evidence, POLICY);
      assert.equal(verdict.state, 'inconclusive');
      assert.equal(verdict.logE, 6.9);
      assert.deepEqual([verdict.logERequests, verdict.logEUsers], [logERequests, logEUsers]);
    }
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
    const verdict = verdictOf({ logERequests: 9, logEUsers: 8 }, evidence, POLICY);
    evidence.requests.canary.bad = 0;
    evidence.users.stable.finished = 0;
    assert.deepEqual(verdict.requests.canary, { finished: 100, bad: 20 });
    assert.deepEqual(verdict.users.stable, { finished: 1900, bad: 2 });
  });
});

describe('a shortfall', () => {
  const verdictWith = (logE: number, evidence: Evidence) =>
    verdictOf({ logERequests: logE, logEUsers: logE }, evidence, POLICY);

  it('says how many canary requests are needed and were seen', () => {
    const verdict = verdictWith(0, totals([1, 0], [20, 0]));
    assert.deepEqual(shortfallOf(verdict, 3), { of: 'canary requests', needed: 3, seen: 1 });
  });

  it('says how many bad ones are needed when the evidence is there', () => {
    const verdict = verdictWith(13, totals([50, 2], [5000, 0]));
    assert.deepEqual(shortfallOf(verdict, 3), { of: 'bad canary requests', needed: 3, seen: 2 });
  });

  it('is nothing when only evidence is missing', () => {
    assert.equal(shortfallOf(verdictWith(2, totals([50, 2], [5000, 0])), 3), null);
  });
});
