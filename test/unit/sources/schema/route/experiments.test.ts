import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertProblem, configOf, SOUND } from '../../../../support/config.ts';

const KEYED = `${SOUND}    sticky: {header: x-user-id}\n`;
const GROUPS = 'groups: [{name: a}, {name: b}]';
const withExperiment = (text: string): string => `${KEYED}    experiments: [{${text}}]\n`;

test('an experiment has an id, a share and two to sixteen groups', () => {
  configOf(withExperiment(`id: e, percent: 0.5, header: X-E, ${GROUPS}`));
  assertProblem(`${KEYED}    experiments: [«{${GROUPS}}]\n`, 'SLU1021', '');
  assertProblem(`${KEYED}    experiments: [«{id: e}]\n`, 'SLU1021', '');
  assertProblem(withExperiment(`id: «"a b", ${GROUPS}`), 'SLU1040', '');
  assertProblem(withExperiment(`id: e, percent: «101, ${GROUPS}`), 'SLU1024', '');
  assertProblem(withExperiment(`id: e, header: «"a b", ${GROUPS}`), 'SLU1036', /a-b/);
  assertProblem(withExperiment('id: e, groups: «[{name: a}]'), 'SLU1025', '');
  assertProblem(withExperiment('id: e, groups: [{name: a, weight: «-1}, {name: b}]'), 'SLU1041', '');
  const many = Array.from({ length: 17 }, (_, n) => `{name: g${n}}`).join(', ');
  assertProblem(withExperiment(`id: e, groups: «[${many}]`), 'SLU1096', '');
});

test('a route has at most eight', () => {
  const list = (count: number): string => Array.from({ length: count }, (_, n) => `{id: e${n}, ${GROUPS}}`).join(', ');
  assert.equal(configOf(`${KEYED}    experiments: [${list(8)}]\n`).routes[0]?.filters.experiments?.length, 8);
  assertProblem(`${KEYED}    experiments: «[${list(9)}]\n`, 'SLU1096', '');
});
