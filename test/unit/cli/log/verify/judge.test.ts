/** What a policy makes of a scene, in plain numbers. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Judge, policyOf, Scene, shortfallOf, stateOf, thresholdOf } from '#src/cli/log/verify/judge.ts';
import type { Four, LookRow } from '#src/cli/log/verify/rows.ts';
import { SPEC } from '../../../../support/simulate/detection.ts';

function row(nowMs: number, requests: Four, changes: Partial<LookRow> = {}): LookRow {
  return {
    kind: 'look',
    nowMs,
    requests,
    users: requests,
    isConsistent: true,
    attempts: null,
    trials: null,
    routes: null,
    ...changes,
  };
}

function setup(endpoints: readonly number[] = [1]) {
  const scene = new Scene(endpoints, 0);
  const judge = new Judge(policyOf(SPEC), 0);
  const look = (one: LookRow): void => {
    scene.look(one);
    judge.look(one, scene);
  };
  return { scene, judge, look };
}

test('each state has its reason', () => {
  const { scene, judge, look } = setup();
  assert.equal(stateOf(judge, scene), 'no-traffic');
  look(row(100, [2, 0, 50, 0]));
  assert.deepEqual(
    [stateOf(judge, scene), shortfallOf(judge, scene)],
    ['insufficient', { of: 'canary requests', needed: 3, seen: 2 }],
  );
  look(row(200, [5, 0, 50, 1]));
  assert.equal(stateOf(judge, scene), 'inconclusive');
  for (let n = 3; n < 10; n++) look(row(100 * n, [20, 10, 400, 1]));
  assert.equal(stateOf(judge, scene), 'fail');
  judge.policy = { ...judge.policy, badMin: 1000 };
  assert.equal(shortfallOf(judge, scene)?.of, 'bad canary requests');
  look(row(1000, [0, 0, 25, 25]));
  assert.deepEqual([scene.fault, stateOf(judge, scene)], ['stable-down', 'sli-broken']);
});

test('one sick endpoint is spared instead of its version, three times', () => {
  const { scene, judge, look } = setup([7, 8, 9]);
  for (let n = 1; n <= 500; n++) {
    look(
      row(100 * n, [30, 10, 400, 0], {
        attempts: [
          [10, 0],
          [10, 10],
          [10, 0],
        ],
      }),
    );
  }
  assert.deepEqual(judge.spared, [8, 8, 8]);
  assert.deepEqual(scene.sickEndpoint(), { name: 8, canGo: true });
  judge.step(60_000);
  assert.deepEqual(judge.spared, []);
});

test('a scene remembers counters that do not add up, gaps, and the bad exchanges of the step', () => {
  const { scene } = setup();
  for (let n = 0; n < 50; n++) scene.look(row(n, [0, 0, 1, 0], { isConsistent: false }));
  assert.equal(scene.fault, 'counters');
  scene.look(row(60, [0, 0, 1, 0]));
  for (let n = 0; n < 3; n++) scene.gap(100 + n);
  assert.equal(scene.fault, 'clock');
  scene.note(50, ['a', 'b', 'c']);
  scene.note(40, ['d', 'e', 'f']);
  assert.deepEqual([scene.firstBadAtMs, scene.samples], [40, ['b', 'c', 'd', 'e', 'f']]);
  scene.step(200);
  assert.deepEqual([scene.firstBadAtMs, scene.samples, scene.stepRequests], [null, [], 0]);
  scene.freeze({ stableMs: [1], canaryMs: [2] }, 200);
  assert.equal(scene.limits?.canaryMs[0], 2);
  assert.deepEqual([thresholdOf(0.5), thresholdOf(0.42)], [0, -1]);
});
