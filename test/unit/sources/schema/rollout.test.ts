import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertProblem, configOf, SOUND_ROLLOUT } from '../../../support/config.ts';

const withFields = (fields: string) => SOUND_ROLLOUT.replace('canary: v2', `canary: v2, ${fields}`);

test('steps are shares, mappings with a stay, or default', () => {
  for (const steps of ['default', '[0.1, 100]', '[{percent: 5, dwell: 0s}, 6.5]'])
    configOf(withFields(`steps: ${steps}`));
  const plan = configOf(withFields('steps: default')).routes[0]?.rollout?.plan;
  assert.equal(plan?.steps.length, 5);
});

test('anything else is a problem of its own', () => {
  assertProblem(withFields('steps: «all'), 'SLU1023', '');
  assertProblem(withFields('steps: «[]'), 'SLU1025', '');
  assertProblem(withFields('steps: [«0.01]'), 'SLU1024', '');
  assertProblem(withFields('steps: [«101]'), 'SLU1024', '');
  assertProblem(withFields('steps: [«{dwell: 1s}]'), 'SLU1021', '');
  assertProblem(withFields('steps: [{percent: 1, «dwel: 1s}]'), 'SLU1020', 'did you mean dwell?');
  assertProblem(withFields('steps: «{percent: 1}'), 'SLU1022', '');
  assertProblem(withFields('steps: default, onStepMax: «stop'), 'SLU1023', '');
  assertProblem(withFields('steps: default, «bakes: 1h'), 'SLU1020', /bake/);
});
