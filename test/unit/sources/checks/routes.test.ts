import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkRoutes } from '#src/sources/checks/routes.ts';
import { assertProblem, configOf, problemsOf, SOUND } from '../../../support/config.ts';

const REF = 'backendRefs: [{name: shop, version: v1}]';

/** A sound document with a second and a third route. */
function routes(second: string, third: string): string {
  return SOUND.replace(/ {2}- name: shop[^]*/, `  - {name: a, ${second}, ${REF}}\n  - {name: b, ${third}, ${REF}}\n`);
}

test('matches differ by host, path, type, method or headers', () => {
  for (const [second, third] of [
    ['hostnames: [a.b]', 'hostnames: [c.b]'],
    ['hostnames: [a.b]', 'matches: [{path: {value: /}}]'],
    ['matches: [{path: {value: /a}}]', 'matches: [{path: {value: /b}}]'],
    ['matches: [{path: {value: /a}}]', 'matches: [{path: {type: Exact, value: /a}}]'],
    ['matches: [{path: {type: Exact, value: /a}}]', 'matches: [{path: {type: Exact, value: /a/}}]'],
    ['matches: [{method: GET}]', 'matches: [{method: PUT}]'],
    ['matches: [{headers: [{name: x, value: a}]}]', 'matches: [{headers: [{name: x, value: b}]}]'],
  ] as const) {
    configOf(routes(second, third));
  }
});

test('matches are the same when only their spelling differs', () => {
  for (const [second, third] of [
    ['hostnames: [a.b, c.d]', 'hostnames: [e.f, C.D]'],
    ['matches: [{path: {value: /a}}]', 'matches: [{path: {type: PathPrefix, value: /a/}}]'],
    [
      'matches: [{headers: [{name: x, value: a}, {name: y, value: b}]}]',
      'matches: [{headers: [{name: Y, value: b}, {name: X, value: a}]}]',
    ],
    ['matches: [{path: {value: /}}]', 'sticky: {clientIp: true}'],
  ] as const) {
    const problems = problemsOf(routes(second, third));
    assert.deepEqual(
      problems.map(({ code }) => code),
      ['SLU1051'],
      third,
    );
    assert.match(problems[0]?.got ?? '', /^the same as routes\[0\]/);
  }
});

test('two matches of one route can be the same as well', () => {
  assertProblem(`${SOUND}    matches: [{path: {value: /a}}, «{path: {value: /a}}]\n`, 'SLU1051', '');
});

test('a route to one version of weight 0 sends nothing anywhere', () => {
  const one = SOUND.replace(/ {6}- \{name: shop, version: v2.*\n/, '').replace('95', '0');
  assertProblem(one.replace('backendRefs', '«backendRefs'), 'SLU1052', '');
});

test('a service without versions has none to choose', () => {
  const text = `services: {a: {versions: {}}}\nroutes: [{name: r, backendRefs: [«{name: a}]}]\n`;
  assertProblem(text, 'SLU1055', '');
});

test('names that every object inherits are unknown services', () => {
  for (const name of ['constructor', 'toString']) {
    assertProblem(SOUND.replace('{name: shop, version: v1', `{name: «${name}, version: v1`), 'SLU1053', '');
    assertProblem(SOUND.replace('version: v1', `version: «${name}`), 'SLU1054', '');
  }
});

test('references are not judged while the services are unknown', () => {
  const report = { add: () => assert.fail(), addAt: () => assert.fail(), count: 0, problems: () => [] };
  const route = { name: 'r', backendRefs: [{ name: 'nowhere' }, { name: 'a', version: 'v' }] };
  const draft = { services: null, routes: [null, route], listen: null, admin: null, limits: null, whole: null };
  checkRoutes(draft, report);
});
