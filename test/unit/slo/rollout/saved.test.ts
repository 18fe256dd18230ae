import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PAUSERS, type Rollout, type SavedRollout } from '#src/model/rollout.ts';
import { IDLE } from '#src/slo/rollout/machine.ts';
import { fromState, toState } from '#src/slo/rollout/saved.ts';
import { PLAN } from '../../../support/simulate/machine.ts';

const OF = { route: 'checkout', generation: 'a', decision: null };
const PAUSED: Rollout = {
  state: { kind: 'paused', step: 1, sinceMs: 100, pausedAtMs: 400, by: 'budget', because: 'spent' },
  ladder: PLAN.steps,
  fixReason: 'mends it',
  leftAtStart: 12.5,
  spentBefore: 3,
  undo: {
    command: 'promote',
    state: { kind: 'progressing', step: 0, sinceMs: 10, waitingSinceMs: 20 },
    ladder: PLAN.steps,
    fixReason: '',
    leftAtStart: null,
    spentBefore: 0,
  },
};

/** What a file gives back. */
const copy = (saved: SavedRollout): SavedRollout => JSON.parse(JSON.stringify(saved)) as SavedRollout;

test('a rollout goes on where it was, on another clock', () => {
  const saved = copy(toState(PAUSED, OF, { nowMs: 1000, badCaused: 4 }));
  const back = fromState(saved, 'a', 5000);
  assert.deepEqual(back?.state, { ...PAUSED.state, sinceMs: 4100, pausedAtMs: 4400 });
  assert.equal(back.spentBefore, 7, 'what this process caused is what earlier ones caused for the next');
  assert.deepEqual(back.undo?.state, { kind: 'progressing', step: 0, sinceMs: 4010, waitingSinceMs: 4020 });
  assert.equal(back.undo.command, 'promote');
});

test('every state comes back as it was', () => {
  const states: Rollout['state'][] = [
    { kind: 'idle' },
    { kind: 'progressing', step: 2, sinceMs: 5, waitingSinceMs: 7 },
    { kind: 'baking', step: 4, sinceMs: 5 },
    { kind: 'succeeded', step: 4, sinceMs: 5 },
    { kind: 'rolled-back', sinceMs: 5, by: 'burn' },
  ];
  for (const state of states) {
    const rollout = { ...IDLE, ladder: PLAN.steps, state };
    const saved = copy(toState(rollout, OF, { nowMs: 50, badCaused: 0 }));
    assert.deepEqual(fromState(saved, 'a', 50), rollout);
  }
});

test('another generation is another rollout', () => {
  assert.equal(fromState(toState(PAUSED, OF, { nowMs: 0, badCaused: 0 }), 'b', 0), null);
});

test('what was not written here is refused', () => {
  const sound = copy(toState(PAUSED, OF, { nowMs: 0, badCaused: 0 }));
  const { rollout } = sound;
  const broken: unknown[] = [
    null,
    { ...sound, format: 2 },
    { ...sound, rollout: { ...rollout, state: { ...rollout.state, kind: 'flying' } } },
    { ...sound, rollout: { ...rollout, state: { ...rollout.state, step: 5 } } },
    { ...sound, rollout: { ...rollout, state: { ...rollout.state, step: 0.5 } } },
    { ...sound, rollout: { ...rollout, state: { ...rollout.state, forMs: null } } },
    { ...sound, rollout: { ...rollout, state: { ...rollout.state, by: 'gates' } } },
    { ...sound, rollout: { ...rollout, ladder: [{ percent: 0, dwellMs: 1 }] } },
    { ...sound, rollout: { ...rollout, ladder: 'none' } },
    { ...sound, rollout: { ...rollout, spentBefore: null } },
    { ...sound, rollout: { ...rollout, leftAtStart: 'much' } },
    { ...sound, rollout: { ...rollout, fixReason: 1 } },
    { ...sound, rollout: { ...rollout, undo: { ...rollout.undo, command: 'jump' } } },
    { ...sound, rollout: undefined },
    { ...sound, rollout: { ...rollout, state: null } },
    { ...sound, rollout: { ...rollout, ladder: [null] } },
    { ...sound, rollout: { ...rollout, state: { ...rollout.state, because: 5 } } },
    { ...sound, rollout: { ...rollout, undo: undefined } },
  ];
  for (const saved of broken) {
    assert.throws(() => fromState(saved as SavedRollout, 'a', 0), { code: 'SLU_STATE_INVALID' }, JSON.stringify(saved));
  }
});

test('whoever made it stand still is who did afterwards', () => {
  for (const by of PAUSERS) {
    const state = { kind: 'paused', step: 1, sinceMs: 100, pausedAtMs: 400, by, because: '' } as const;
    const back = fromState(copy(toState({ ...PAUSED, state }, OF, { nowMs: 1000, badCaused: 0 })), 'a', 1000);
    assert.deepEqual(back?.state, state);
  }
});
