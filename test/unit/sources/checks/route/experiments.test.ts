import { test } from 'node:test';
import { assertProblem, configOf, SOUND } from '../../../../support/config.ts';

const KEYED = `${SOUND}    sticky: {header: x-user-id}\n`;
const GROUPS = 'groups: [{name: a}, {name: b}]';
const withExperiments = (...experiments: string[]): string =>
  `${KEYED}    experiments: [${experiments.map((text) => `{${text}}`).join(', ')}]\n`;

test('ids are unique in a route, groups in an experiment', () => {
  configOf(withExperiments(`id: e, ${GROUPS}`, `id: f, ${GROUPS}`));
  assertProblem(withExperiments(`id: e, ${GROUPS}`, `id: «e, header: x-other, ${GROUPS}`), 'SLU1229', '');
  assertProblem(withExperiments('id: e, groups: [{name: a}, {name: «a}]'), 'SLU1229', '');
});

test('a header tells one group, and is no other’s', () => {
  assertProblem(withExperiments(`id: e, ${GROUPS}`, `id: f, header: «X-Experiment-E, ${GROUPS}`), 'SLU1230', '');
  assertProblem(withExperiments(`id: e, ${GROUPS}`, `id: «E, ${GROUPS}`), 'SLU1230', '');
  const owned = ['Connection', 'TE', 'Host', 'Via', 'X-Request-Id', 'X-Forwarded-Group', 'X-Client-Group', 'Cookie'];
  for (const name of [...owned, 'x-release-stage', 'X-User-Id']) {
    assertProblem(withExperiments(`id: e, header: «${name}, ${GROUPS}`), 'SLU1230', '');
  }
});

test('nor one that the document gives another meaning', () => {
  const own = (text: string): string => withExperiments(`id: e, header: «X-Own, ${GROUPS}`).concat(text);
  assertProblem(own('color: {header: x-own}\n'), 'SLU1230', '');
  assertProblem(own('overload: {priorityHeader: x-own}\n'), 'SLU1230', '');
  assertProblem(own('    idempotency: {header: x-own}\n'), 'SLU1230', '');
  assertProblem(own('    idempotency: {credentials: {headers: [x-own]}}\n'), 'SLU1230', '');
  const filter = '{type: RequestHeaderModifier, requestHeaderModifier: {remove: [x-own]}}';
  assertProblem(own(`    filters: [${filter}]\n`), 'SLU1230', '');
  assertProblem(withExperiments(`id: e, header: «X-Own, ${GROUPS}, key: {header: x-own}`), 'SLU1230', '');
});

test('some group has a weight', () => {
  assertProblem(withExperiments('id: e, «groups: [{name: a, weight: 0}, {name: b, weight: 0}]'), 'SLU1231', '');
  configOf(withExperiments('id: e, groups: [{name: a, weight: 0}, {name: b, weight: 1}]'));
});

test('users are told apart, by the route or by the experiment', () => {
  assertProblem(`${SOUND}    experiments: [«{id: e, ${GROUPS}}]\n`, 'SLU1232', /nobody/);
  configOf(`${SOUND}    experiments: [{id: e, ${GROUPS}, key: {clientIp: true}}]\n`);
  assertProblem(`${SOUND}    experiments: [{id: e, ${GROUPS}, key: «{}}]\n`, 'SLU1065', /remove key/);
  const both = 'key: {header: a, clientIdentity: «true}';
  assertProblem(`${SOUND}    experiments: [{id: e, ${GROUPS}, ${both}}]\n`, 'SLU1162', '');
});
