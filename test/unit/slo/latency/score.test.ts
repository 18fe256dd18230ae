/** The score of latency takes trials, whoever read them. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { PairCounts } from '#src/model/slo.ts';
import { LATENCY_RESTART_MS, LatencyScore } from '#src/slo/latency/score.ts';

const LIMITS = { stableMs: [1, 2, 3, 4, 5, 6], canaryMs: [2, 3, 4, 5, 6, 7] };
const UNSEEN = () => ({ canaryMs: 8, stableMs: null });

function trials(canary: number, slow: number): PairCounts[] {
  return Array.from({ length: 6 }, () => ({
    canary: { finished: canary, bad: slow },
    stable: { finished: 100, bad: 5 },
  }));
}

it('says nothing before thresholds are frozen, and convicts a canary that exceeds them', () => {
  const score = new LatencyScore(0);
  assert.deepEqual(score.part(UNSEEN), { logE: 0, isJudged: false, at: null });
  score.freeze(LIMITS, 0);
  assert.equal(score.limits, LIMITS);
  for (let n = 1; n <= 20; n++) assert.equal(score.judge(trials(10, 9), 100 * n), true);
  assert.equal(score.judge(trials(0, 0), 2100), false, 'nothing came');
  assert.ok(score.reaches(10), `${score.logE}`);
  const { at } = score.part(UNSEEN);
  assert.deepEqual(at?.slow, { canary: { finished: 200, bad: 180 }, stable: { finished: 2100, bad: 105 } });
  assert.deepEqual([at?.canaryMs, at?.stableMs], [8, null]);
  score.freeze(null, 2200);
  assert.equal(score.part(UNSEEN).isJudged, false);
});

it('forgets what new thresholds make void, and starts fresh copies at a step and over time', () => {
  const late = (restarts: boolean): number => {
    const score = new LatencyScore(0);
    score.freeze(LIMITS, 0);
    for (let n = 1; n <= 90; n++) score.judge(trials(10, 0), 100 * n);
    if (restarts) score.step(9050);
    const from = restarts ? 9100 : 9000;
    for (let n = 1; n <= 8; n++) score.judge(trials(10, 6), from + 100 * n);
    return score.logE;
  };
  assert.ok(late(true) > late(false) + 2, `${late(true)}, ${late(false)}`);
  const score = new LatencyScore(0);
  score.freeze(LIMITS, 0);
  score.judge(trials(10, 0), LATENCY_RESTART_MS - 100);
  score.judge(trials(10, 9), LATENCY_RESTART_MS);
  score.freeze(LIMITS, LATENCY_RESTART_MS);
  assert.deepEqual(score.part(UNSEEN).at?.slow.canary, { finished: 0, bad: 0 });
});
