import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertProblem, problemsOf } from '../../../support/config.ts';

test('an entry names exactly one kind of source', () => {
  assertProblem('sources:\n  - «{}\n', 'SLU1092', '');
  assertProblem('sources: [«{directory: {path: a}, http: {url: "http://a"}}]', 'SLU1092', '');
  const problems = problemsOf('sources: [{consol: {address: "http://a"}}]');
  assert.ok(problems.some(({ code, hint }) => code === 'SLU1020' && hint === 'did you mean consul?'));
});

test('fields that belong together are asked for', () => {
  assertProblem('sources: [{etcd: «{endpoints: ["http://a"], username: u}}]', 'SLU1094', 'both or neither');
  assertProblem('sources: [{http: {url: "http://a", tls: «{cert: a.pem}}}]', 'SLU1094', 'a certificate needs its key');
  const own = '{zookeeper: {servers: ["a:1"], tls: «{key: a.key}}}';
  assertProblem(`sources: [${own}]`, 'SLU1094', 'a certificate needs its key');
});

test('there are at least one and at most sixteen', () => {
  assertProblem('sources: «[]', 'SLU1025', '');
  const many = Array.from({ length: 17 }, () => '{directory: {path: a}}').join(', ');
  assertProblem(`sources: «[${many}]`, 'SLU1096', '');
});

test('no problem shows a secret', () => {
  const problems = problemsOf(
    'sources: [{consul: {address: "http://u:geheim@a", token: "geheim geheim"}}, {etcd: {endpoints: ["http://a"], password: [geheim]}}]',
  );
  assert.ok(problems.length >= 3);
  assert.doesNotMatch(JSON.stringify(problems), /geheim/);
});
