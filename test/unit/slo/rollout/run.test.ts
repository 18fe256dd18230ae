import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Rollout } from '#src/model/rollout.ts';
import type { PairCounts } from '#src/model/slo.ts';
import { Judgement } from '#src/slo/judgement.ts';
import { NO_BUDGET } from '#src/slo/rollout/gates.ts';
import { IDLE } from '#src/slo/rollout/machine.ts';
import { RolloutRun } from '#src/slo/rollout/run.ts';
import { PLAN, STEPPED } from '../../../support/simulate/machine.ts';
import { FakeWorker } from '../../../support/simulate/worker.ts';

const counts = (canary: [number, number], stable: [number, number]): PairCounts => ({
  canary: { finished: canary[0], bad: canary[1] },
  stable: { finished: stable[0], bad: stable[1] },
});
const BAKING: Rollout = { ...IDLE, ladder: PLAN.steps, state: { kind: 'baking', step: 4, sinceMs: 0 } };

test('a rollout caused what stable’s failures do not explain, since its start', () => {
  const run = new RolloutRun();
  run.become(IDLE, true, counts([1000, 900], [1000, 900]));
  assert.equal(run.badCaused(counts([1100, 910], [2000, 950])), 5, '10 bad, of which 5 % of 100 were to be expected');
  assert.equal(run.badCaused(counts([1100, 1000], [2000, 1900])), 0, 'an outage of both versions is nobody’s');
  assert.equal(run.badCaused(counts([1010, 907], [1000, 900])), 7, 'without stable traffic every one counts');
});

test('another judgement counts from its own beginning', () => {
  const run = new RolloutRun();
  run.become(IDLE, true, counts([1000, 900], [1000, 900]));
  run.become(IDLE, true, counts([0, 0], [0, 0]));
  assert.equal(run.badCaused(counts([100, 8], [900, 27])), 5, '8 bad, of which 3 % of 100 were to be expected');
});

test('a judgement that begins anew loses nothing that was caused', () => {
  const run = new RolloutRun();
  run.become(IDLE, true, null);
  run.rebase(counts([10, 4], [10, 0]));
  assert.equal(run.rollout.spentBefore, 4);
  assert.equal(run.badCaused(counts([1, 1], [1, 0])), 1);
});

test('neither does a command that is undone after it', () => {
  const run = new RolloutRun();
  const undo = { ...BAKING, spentBefore: 1, command: 'pause' as const };
  run.become({ ...BAKING, spentBefore: 1, undo }, true, null);
  run.rebase(counts([10, 4], [10, 0]));
  assert.deepEqual([run.rollout.spentBefore, run.rollout.undo?.spentBefore], [5, 5]);
});

test('only a turn judges the burn rate, and only on the last step', () => {
  const worker = new FakeWorker(1);
  const judgement = new Judgement(STEPPED, [worker.region], { nowMs: 0, weight: 1, setLatency: () => undefined });
  const run = new RolloutRun(BAKING);
  const turnAt = (nowMs: number, isConvicted: boolean | null) =>
    run.input(STEPPED, judgement, { nowMs, isConvicted, budget: NO_BUDGET });
  assert.equal(turnAt(0, false).burning, null);
  for (let user = 0; user < 20; user++) {
    worker.finish({ cell: STEPPED.canary.cell, unit: STEPPED.canary.unit, user, isBad: true, nowMs: 10 });
  }
  judgement.look(STEPPED, [worker.region], 100);
  assert.equal(turnAt(100, null).burning, null, 'who only looks takes nothing away');
  const { burning, requests, isConvicted } = turnAt(100, true);
  assert.match(burning ?? '', /20 of 20 requests failed/);
  assert.deepEqual([requests, isConvicted], [20, true]);
});

test('nobody watched is nobody proven sound', () => {
  const { promotion, requests, badCaused } = new RolloutRun().input(STEPPED, null, {
    nowMs: 0,
    isConvicted: null,
    budget: NO_BUDGET,
  });
  assert.deepEqual([promotion.isPromotable, requests, badCaused], [false, 0, 0]);
});

test('time that nobody saw is passed over', () => {
  const run = new RolloutRun(BAKING);
  run.passOver(5000);
  assert.deepEqual(run.rollout.state, { kind: 'baking', step: 4, sinceMs: 5000 });
});
