import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Rollout } from '#src/model/rollout.ts';
import type { DecisionKind } from '#src/model/slo.ts';
import { IDLE } from '#src/slo/rollout/machine.ts';
import { movedSentence, nextSentence, stateSentence, supersededSentence } from '#src/slo/rollout/sentence.ts';
import { PLAN, STEPPED } from '../../../support/simulate/machine.ts';

const at = (step: number): Rollout => ({
  ...IDLE,
  ladder: PLAN.steps,
  state: { kind: 'progressing', step, sinceMs: 0, waitingSinceMs: 0 },
});
const DONE: Rollout = { ...at(0), state: { kind: 'succeeded', step: 4, sinceMs: 0 } };
const BAKING: Rollout = { ...at(0), state: { kind: 'baking', step: 4, sinceMs: 0 } };
const BACK: Rollout = { ...at(0), state: { kind: 'rolled-back', sinceMs: 0, by: 'person' } };
const PAUSED: Rollout = {
  ...at(0),
  state: { kind: 'paused', step: 1, sinceMs: 0, pausedAtMs: 0, by: 'person', because: 'lunch' },
};

const say = (kind: DecisionKind, from: Rollout, rollout: Rollout, [because, by = ''] = ['why']) =>
  movedSentence(STEPPED, from, { kind, rollout, trigger: 'gates', because: because ?? '' }, by);

test('every kind of decision has its own sentence', () => {
  const sentences = [
    say('start', IDLE, at(0), ['why', 'api']),
    say('step', at(0), at(1)),
    say('bake', at(3), BAKING),
    say('promote', at(0), at(1), ['forced', 'api']),
    say('promote', BAKING, DONE, ['', 'api']),
    say('succeed', BAKING, DONE),
    say('pause', at(1), PAUSED, ['lunch']),
    say('resume', PAUSED, at(1), ['']),
    say('undo', at(0), IDLE, ['']),
    say('undo', PAUSED, at(1), ['']),
    say('rollback', at(1), BACK, ['wrong build', 'api']),
  ];
  assert.deepEqual(sentences, [
    'checkout: v2 starts at 1 % (step 1 of 5) by api: why',
    'checkout: v2 goes from 1 % to 5 % (step 2 of 5): why',
    'checkout: v2 goes from 50 % to 100 % (step 5 of 5) and bakes, v1 kept warm: why',
    'checkout: v2 is promoted to 5 % (step 2 of 5) by api: forced',
    'checkout: v2 is promoted for good at 100 % (step 5 of 5) by api',
    'checkout: v2 has succeeded at 100 % (step 5 of 5): why',
    'checkout: v2 is paused at 5 % (step 2 of 5): lunch',
    'checkout: v2 goes on at 5 % (step 2 of 5)',
    'checkout: v2 is back at the weights of the configuration',
    'checkout: v2 is back at 5 % (step 2 of 5)',
    'checkout: v2 rolled back from 5 % (step 2 of 5) by api: wrong build',
  ]);
  assert.match(supersededSentence(STEPPED, at(2)), /was progressing at 25 % \(step 3 of 5\) has ended$/);
});

test('every state has its own sentence', () => {
  assert.deepEqual(
    [IDLE, at(0), PAUSED, BAKING, DONE, BACK].map((rollout) => stateSentence(STEPPED, rollout, 90_000)),
    [
      'checkout: v2 waits to be started',
      'checkout: v2 is at 1 % (step 1 of 5) for 1.5 min',
      'checkout: v2 is paused at 5 % (step 2 of 5) by person: lunch',
      'checkout: v2 bakes at 100 % (step 5 of 5) for 1.5 min',
      'checkout: v2 has succeeded and keeps 100 % (step 5 of 5)',
      'checkout: v2 has been rolled back for 1.5 min',
    ],
  );
});

test('what comes next is told with what is missing', () => {
  const open = { name: 'dwell', isPassed: false, needed: 2, seen: 1, sentence: '1 s of 2 s' } as const;
  const byBudget: Rollout = { ...PAUSED, state: { ...PAUSED.state, by: 'budget' } as Rollout['state'] };
  assert.deepEqual(
    [
      nextSentence(IDLE, []),
      nextSentence(at(0), [open]),
      nextSentence(at(0), [{ ...open, isPassed: true }]),
      nextSentence(BAKING, [open]),
      nextSentence(PAUSED, []),
      nextSentence(byBudget, []),
      nextSentence(DONE, []),
      nextSentence(BACK, []),
    ],
    [
      'a person starts it',
      '5 %, after: 1 s of 2 s',
      '5 %, at once',
      'it succeeds, after: 1 s of 2 s',
      'a person resumes, promotes or aborts it',
      'it resumes when the budget allows it',
      'the configuration makes it the stable version',
      'a person starts it again, or the configuration changes',
    ],
  );
});
