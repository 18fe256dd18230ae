/** What was decided is carried out: dials before words, and what fails at its words is undone, unless it is a rollback. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Decision } from '#src/model/slo.ts';
import { Notary } from '#src/slo/replay/notary.ts';
import { Executor } from '#src/slo/rollout/loop/executor.ts';
import { unseen } from '#src/slo/rollout/loop/halt.ts';
import { type Moved, onStep, rolledBack } from '#src/slo/rollout/machine.ts';
import { RolloutRun } from '#src/slo/rollout/run.ts';
import { PLAN, STEPPED } from '../../../../support/simulate/machine.ts';

const LADDER = PLAN.steps;
const ON_FIRST = {
  state: onStep({ ladder: LADDER }, 0, { sinceMs: 0, nowMs: 0 }),
  ladder: LADDER,
  fixReason: '',
  leftAtStart: null,
  spentBefore: 0,
  undo: null,
};
const RAISED: Moved = {
  rollout: { ...ON_FIRST, state: onStep({ ladder: LADDER }, 1, { sinceMs: 100, nowMs: 100 }) },
  kind: 'step',
  trigger: 'gates',
  because: 'proven',
};

/** A canary at 1 %, and an executor over its dials. */
function rig() {
  const dials = [0, 99_000, 1000];
  const stores: number[][] = [];
  const clock = { nowMs: 10 };
  const deps = {
    weightOf: (dial: number) => dials[dial] as number,
    setDial: (dial: number, weight: number) => {
      stores.push([dial, weight]);
      dials[dial] = weight;
      clock.nowMs += 1;
    },
    nowMs: () => clock.nowMs,
    wallTime: () => '2026-01-01T00:00:00.000Z',
  };
  const watch = { ...unseen(STEPPED), run: new RolloutRun(ON_FIRST) };
  return { executor: new Executor(deps, new Notary(deps)), watch, dials, stores };
}

function broken(): never {
  throw new Error('no words');
}

describe('a move', () => {
  it('sets the dials, makes the decision, and has the watch settled before it says what to hold', () => {
    const { executor, watch, dials } = rig();
    const settled: Decision[] = [];
    const { decision, holds } = executor.move(watch, RAISED, '', (one) => void settled.push(one));
    assert.deepEqual(dials.slice(1), [95_000, 5000]);
    assert.deepEqual(settled, [decision]);
    assert.deepEqual([decision.kind, decision.weightBefore, decision.weightAfter], ['step', 1, 5]);
    assert.equal(decision.switchedInMs, 2);
    assert.deepEqual(holds[0]?.weights, [
      { version: 'v2', weight: 5000 },
      { version: 'v1', weight: 95_000 },
    ]);
  });

  it('that cannot be settled is taken back', () => {
    const { executor, watch, dials } = rig();
    assert.throws(() => executor.move(watch, RAISED, '', broken), /no words/);
    assert.deepEqual(dials.slice(1), [99_000, 1000]);
    assert.deepEqual(watch.run.rollout, ON_FIRST);
  });

  it('that takes the canary out stands, whatever becomes of its words', () => {
    const { executor, watch, dials } = rig();
    const out = rolledBack(ON_FIRST, 'evidence', '', { nowMs: 200 });
    assert.throws(() => executor.move(watch, out, '', broken), /no words/);
    assert.equal(dials[2], 0);
    assert.equal(watch.run.rollout.state.kind, 'rolled-back');
  });
});
