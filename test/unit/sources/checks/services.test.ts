import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkServices } from '#src/sources/checks/services.ts';
import { assertProblem, configOf, SOUND } from '../../../support/config.ts';

test('two spellings of one endpoint are the same endpoint', () => {
  assertProblem(SOUND.replace('"127.0.0.1:7001"', '"[::1]:80", «"[0:0::1]:80"'), 'SLU1057', '');
});

test('a version may list its own name as a color, and a color may be used again in another service', () => {
  const colors = SOUND.replace('7001"]', '7001"], colors: [v1, blue]');
  configOf(colors.replace('routes:', '  other: {versions: {v3: {endpoints: [], colors: [blue]}}}\nroutes:'));
});

test('a color that an earlier or later version has is refused at the second claim', () => {
  const both = SOUND.replace('7001"]', '7001"], colors: [a]').replace('7002"]', '7002"], colors: [b, «a]');
  assertProblem(both, 'SLU1058', '');
  assertProblem(SOUND.replace('7001"]', '7001"], colors: [«v2]'), 'SLU1058', '');
});

test('services that are not known are not checked', () => {
  const report = { add: () => assert.fail(), addAt: () => assert.fail(), count: 0, problems: () => [] };
  const draft = { routes: [], listen: null, admin: null, limits: null, whole: null };
  checkServices({ ...draft, services: null }, report);
  checkServices({ ...draft, services: new Map([['a', null]]) }, report);
});
