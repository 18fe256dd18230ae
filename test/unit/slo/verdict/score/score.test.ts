/** One policy's view of a canary. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { JudgePolicy } from '#src/model/rollout.ts';
import type { Evidence } from '#src/model/slo.ts';
import { MinRule } from '#src/slo/verdict/min-rule.ts';
import { Account, emptyPair } from '#src/slo/verdict/score/account.ts';
import { Score } from '#src/slo/verdict/score/score.ts';
import { SEVERAL, SPEC } from '../../../../support/simulate/detection.ts';

const UNSEEN = () => ({ canaryMs: null, stableMs: null });

/** Ten ticks in which the canary fails `bad` of 20. */
function judged(policy: JudgePolicy, bad: number): { readonly account: Account; readonly score: Score } {
  const account = new Account(SPEC, { nowMs: 0, weight: 5 });
  const score = new Score(policy, 0);
  for (let n = 1; n <= 10; n++) {
    const counts = { canary: { finished: 20, bad }, stable: { finished: 400, bad: 1 } };
    const look = { requests: counts, users: counts, isConsistent: true, attempts: null };
    account.take(look, 100 * n);
    assert.equal(score.look(policy, look, account, 100 * n), true);
  }
  return { account, score };
}

it('convicts by its own alpha and counts, on the same account', () => {
  const { account, score } = judged(SPEC, 5);
  assert.equal(score.isConvicted(SPEC, account), true);
  assert.equal(score.isConvicted({ ...SPEC, badMin: 51 }, account), false);
  assert.equal(score.isConvicted({ ...SPEC, alpha: 1e-300 }, account), false);
  const verdict = score.verdict(SPEC, account, UNSEEN);
  assert.equal(verdict.state, 'fail');
  assert.equal(score.verdict({ ...SPEC, badMin: 51 }, account, UNSEEN).shortfall?.needed, 51);
});

it('tells how far the proof of health is, and begins it again at a step', () => {
  const policy = { ...SPEC, promotion: { beta: 0.05, ratioMax: 3, errorRatioMax: 0.1 } };
  const { account, score } = judged(policy, 0);
  assert.equal(score.isPromotable(policy, account), true);
  assert.deepEqual(score.promotion(policy, account), { isPromotable: true, sentence: 'proven not to be worse' });
  score.step(2000);
  assert.equal(score.isPromotable(policy, account), false);
});

/** Ticks of a rollout of two routes: the canary fails `bad` of 20 on the second one. */
function routed(ticks: number, bad: number, nowMs = (n: number) => 100 * n) {
  const spec = { ...SEVERAL, companions: SEVERAL.companions?.slice(1) ?? [] };
  const account = new Account(spec, { nowMs: 0, weight: 5 });
  const score = new Score(spec, 0, 2);
  const look = (n: number, failed: number): boolean => {
    const counts = (of: number): Evidence => {
      const pair = () => ({ canary: { finished: 20, bad: of }, stable: { finished: 400, bad: 0 } });
      return { requests: pair(), users: pair() };
    };
    const sum = () => ({ canary: { finished: 40, bad: failed }, stable: { finished: 800, bad: 0 } });
    const routes = [counts(0), counts(failed)];
    const seen = { requests: sum(), users: sum(), isConsistent: true, attempts: null, routes };
    account.take(seen, nowMs(n));
    return score.look(spec, seen, account, nowMs(n));
  };
  for (let n = 1; n <= ticks; n++) look(n, bad);
  return { spec, account, score, look };
}

it('judges every route of several by itself beside their sum', () => {
  const { spec, account, score } = routed(2, 2);
  const { routes = [], errors } = score.verdict(spec, account, UNSEEN);
  assert.deepEqual(
    routes.map(({ route, requests }) => [route, requests.canary]),
    [
      ['checkout', { finished: 40, bad: 0 }],
      ['pay', { finished: 40, bad: 4 }],
    ],
  );
  const alone = new MinRule(spec.toleratedRatio, 0, spec.absoluteFloor);
  for (const nowMs of [100, 200]) {
    const pair = { canary: { finished: 20, bad: 2 }, stable: { finished: 400, bad: 0 } };
    alone.observe({ requests: pair, users: pair }, nowMs);
  }
  assert.equal(routes[1]?.logE, alone.logE);
  assert.ok((routes[1]?.logE ?? 0) >= errors.logE && (routes[0]?.logE ?? 1) <= 0);
});

it('has no evidence of any route while nothing is seen, nor of what a gap cuts', () => {
  const { spec, account, score, look } = routed(1, 2);
  const before = score.verdict(spec, account, UNSEEN).routes?.[1]?.logE as number;
  const { routes: _, ...nothing } = {
    ...{ requests: emptyPair(), users: emptyPair() },
    ...{ isConsistent: true, attempts: null, routes: [] },
  };
  account.take(nothing, 200);
  score.look(spec, nothing, account, 200);
  assert.equal(score.verdict(spec, account, UNSEEN).routes?.[1]?.logE, before);
  score.skip(300);
  look(3, 2);
  assert.equal(score.verdict(spec, account, UNSEEN).routes?.[1]?.logE, before, 'a tick that begins at a gap is open');
});

it('starts fresh copies for every route at a step', () => {
  const [stepped, unstepped] = [true, false].map((hasStep) => {
    const { spec, account, score, look } = routed(0, 0);
    for (let n = 1; n <= 20; n++) {
      const pair = { canary: { finished: 20, bad: 0 }, stable: { finished: 400, bad: 4 } };
      const own = { requests: pair, users: pair };
      score.look(spec, { ...own, routes: [own, own] }, account, 100 * n);
    }
    if (hasStep) score.step(2050);
    for (let n = 22; n <= 24; n++) look(n, 5);
    return score.verdict(spec, account, UNSEEN).routes?.[1]?.logE as number;
  }) as [number, number];
  assert.ok(stepped > unstepped + 1, `${stepped} and ${unstepped}`);
});

it('spares one sick endpoint on every route', () => {
  const spec = { ...SEVERAL, canary: { ...SEVERAL.canary, endpoints: [1, 2, 3] } };
  const account = new Account(spec, { nowMs: 0, weight: 5 });
  const score = new Score(spec, 0, 3);
  const attempts = [
    { finished: 7, bad: 0 },
    { finished: 7, bad: 6 },
    { finished: 7, bad: 0 },
  ];
  for (let n = 1; n <= 3; n++) {
    const pair = (finished: number, bad: number) => {
      return { canary: { finished, bad }, stable: { finished: 20 * finished, bad: 0 } };
    };
    const own = { requests: pair(7, 2), users: pair(7, 2) };
    const look = { requests: pair(21, 6), users: pair(21, 6), isConsistent: true, attempts, routes: [own, own, own] };
    account.take(look, 100 * n);
    score.look(spec, look, account, 100 * n);
  }
  const verdict = score.verdict(spec, account, UNSEEN);
  assert.deepEqual([verdict.state, verdict.errors.spared], ['inconclusive', [2]]);
  assert.deepEqual(
    verdict.routes?.map(({ logE }) => logE),
    [0, 0, 0],
  );
});
