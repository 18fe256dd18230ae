import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkRollouts } from '#src/sources/checks/rollout.ts';
import { assertProblem, configOf, problemsOf, SOUND, SOUND_ROLLOUT, warningsOf } from '../../../support/config.ts';

test('a rollout with an SLO and two versions of the route is sound, a canary of weight 0 too', () => {
  configOf(SOUND_ROLLOUT);
  configOf(SOUND_ROLLOUT.replace('weight: 5', 'weight: 0'));
});

test('a version name that two services of the route have is ambiguous', () => {
  const text = SOUND_ROLLOUT.replace('routes:', '  b: {versions: {v2: {endpoints: ["h:1"]}}}\nroutes:')
    .replace('backendRefs:', 'backendRefs:\n      - {name: b, version: v2}')
    .replace('canary: v2', 'canary: «v2');
  assertProblem(text, 'SLU1062', '');
});

test('all that is wrong with a rollout is said at once', () => {
  const text = `${SOUND.replace('95', '0')}    rollout: {stable: v1, canary: v1}\n`;
  assert.deepEqual(
    problemsOf(text).map(({ code }) => code),
    ['SLU1059', 'SLU1063', 'SLU1061'],
  );
});

test('a version that is left out of a reference is known by its service', () => {
  const text = SOUND_ROLLOUT.replace('routes:', '  b: {versions: {v3: {endpoints: ["h:1"]}}}\nroutes:')
    .replace('{name: shop, version: v2, weight: 5}', '{name: b}')
    .replace('canary: v2', 'canary: v3');
  configOf(text);
});

test('a rollout is not judged while a version of the route is in doubt', () => {
  const report = { add: () => assert.fail(), addAt: () => assert.fail(), count: 0, nameOf: String, problems: () => [] };
  const rollout = { stable: 'v1', canary: 'v2' };
  const route = { name: 'r', backendRefs: [{ name: 'a' }], slo: { availability: 0.9 }, rollout };
  const draft = {
    services: null,
    routes: [null, route],
    listen: null,
    listeners: undefined,
    admin: null,
    trustedProxies: undefined,
    limits: null,
    discovery: undefined,
    fleet: undefined,
    color: undefined,
    overload: undefined,
    soundRoutes: [],
    soundServices: new Set<string>(),
    whole: null,
  };
  checkRollouts(draft, report);
});

test('steps rise, and no stay is longer than the longest wait', () => {
  const withFields = (fields: string) => SOUND_ROLLOUT.replace('canary: v2', `canary: v2, ${fields}`);
  assertProblem(withFields('steps: [5, «5]'), 'SLU1085', '');
  assertProblem(withFields('steps: [5, «1, 100]'), 'SLU1085', '');
  assertProblem(withFields('stepMax: 1s, steps: [«{percent: 5, dwell: 2s}, 100]'), 'SLU1073', '');
  assertProblem(withFields('stepMax: 5m, steps: «default'), 'SLU1073', '');
  configOf(withFields('stepMax: 1s, dwell: 1s, steps: [5, {percent: 100, dwell: 1h}]'));
});

test('settings of steps without steps are warned of', () => {
  for (const field of ['dwell: 1m', 'autoStart: true', 'evidence: false']) {
    const codes = warningsOf(SOUND_ROLLOUT.replace('canary: v2', `canary: v2, ${field}`)).map(({ code }) => code);
    assert.deepEqual(codes, ['SLU1916'], field);
  }
});

test('saying who is rescued where nobody is, is warned of', () => {
  const codes = (fields: string) =>
    warningsOf(SOUND_ROLLOUT.replace('canary: v2', `canary: v2, ${fields}`)).map(({ code }) => code);
  assert.deepEqual(codes('rescue: false, rescuePinned: true'), ['SLU1917']);
  assert.deepEqual(codes('rescue: false, rescuePinned: false'), []);
  assert.deepEqual(codes('rescuePinned: true'), []);
});
