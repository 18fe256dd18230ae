/** Policies beside the one in force decide once, on the evidence of all, move nothing, and go on when only their limits change. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { ShadowPolicy } from '#src/model/rollout.ts';
import type { Decision } from '#src/model/slo.ts';
import { Account } from '#src/slo/verdict/score/account.ts';
import { hasSameHypotheses, Shadows } from '#src/slo/verdict/score/shadows.ts';
import { SPEC } from '../../../../support/simulate/detection.ts';
import { QUICK, Recorded } from '../../../../support/simulate/watch/recorded.ts';

const UNSEEN = () => ({ canaryMs: null, stableMs: null });

function shadow(name: string, changes: Partial<ShadowPolicy> = {}): ShadowPolicy {
  const { alpha, toleratedRatio, badMin, absoluteFloor, promotion } = SPEC;
  return { name, alpha, toleratedRatio, badMin, absoluteFloor, promotion, ...changes };
}

class Bench {
  readonly account = new Account(SPEC, { nowMs: 0, weight: 5 });
  readonly shadows: Shadows;
  nowMs = 0;

  constructor(policies: readonly ShadowPolicy[]) {
    this.shadows = new Shadows(policies, 0);
  }

  tick(bad: number): string[] {
    this.nowMs += 100;
    const counts = { canary: { finished: 20, bad }, stable: { finished: 400, bad: 1 } };
    const look = { requests: counts, users: counts, isConsistent: true, attempts: null };
    this.account.take(look, this.nowMs);
    this.shadows.look(look, this.account, this.nowMs);
    return this.shadows.decide(this.account).map(({ name }) => name);
  }
}

it('each would roll back at its own time, once', () => {
  const bench = new Bench([
    shadow('bold', { alpha: 0.2 }),
    shadow('shy', { alpha: 1e-9 }),
    shadow('never', { badMin: 1e6 }),
  ]);
  const told = Array.from({ length: 40 }, () => bench.tick(2));
  const names = told.flat();
  assert.deepEqual(names, ['bold', 'shy']);
  const at = (name: string): number => told.findIndex((one) => one.includes(name));
  assert.ok(at('bold') < at('shy'));
  const views = bench.shadows.views(bench.account, UNSEEN);
  assert.deepEqual(
    views.map(({ policy, verdict, hasDecided }) => [policy.name, verdict.state, hasDecided]),
    [
      ['bold', 'fail', true],
      ['shy', 'fail', true],
      ['never', 'insufficient', false],
    ],
  );
});

it('one whose hypotheses stay goes on under another configuration; others begin anew', () => {
  const bench = new Bench([shadow('a', { badMin: 1e6 }), shadow('b', { badMin: 1e6 })]);
  for (let n = 0; n < 20; n++) bench.tick(3);
  bench.shadows.follow([shadow('b', { toleratedRatio: 2 }), shadow('a'), shadow('c')], bench.nowMs);
  assert.deepEqual(bench.tick(0), ['a']);
  bench.shadows.skip(bench.nowMs);
  bench.shadows.step(bench.nowMs);
  assert.equal(bench.shadows.views(bench.account, UNSEEN).length, 3);
});

it('alpha and the fewest failures are no hypotheses; ratios, floor and promotion are', () => {
  const one = shadow('a');
  assert.equal(hasSameHypotheses(one, { ...one, alpha: 0.5, badMin: 9 }), true);
  for (const change of [
    { toleratedRatio: 9 },
    { absoluteFloor: 0.1 },
    { promotion: { ...one.promotion, beta: 0.4 } },
  ]) {
    assert.equal(hasSameHypotheses(one, { ...one, ...change }), false);
  }
});

it('they move nothing: weights and decisions are those of a rollout without them, and what they would have done stands beside', (t) => {
  let told = 0;
  for (const [seed, canaryErrorRatio] of [
    [1, 0.03],
    [2, 0.05],
    [3, 0.2],
    [4, 0.02],
  ] as const) {
    const [watched, alone] = [QUICK, { ...QUICK, shadows: [] }].map((spec) => {
      const gateway = new Recorded(seed, spec, { perTick: 40, canaryErrorRatio });
      const weights: number[] = [];
      for (let n = 0; n < 400; n++) {
        gateway.tick();
        weights.push(gateway.canaryWeight);
      }
      return { weights, decisions: gateway.end().decisions };
    }) as [{ weights: number[]; decisions: Decision[] }, { weights: number[]; decisions: Decision[] }];
    const moves = watched.decisions.filter(({ kind }) => kind !== 'shadow');
    told += watched.decisions.length - moves.length;
    assert.deepEqual(watched.weights, alone.weights, `seed ${seed}`);
    const shown = ({ kind, at, sentence, weightAfter, verdict }: Decision) => [
      kind,
      at,
      sentence,
      weightAfter,
      verdict.logE,
    ];
    assert.deepEqual(moves.map(shown), alone.decisions.map(shown), `seed ${seed}`);
  }
  t.diagnostic(`${told} decisions of shadows`);
  assert.ok(told >= 4);
});
