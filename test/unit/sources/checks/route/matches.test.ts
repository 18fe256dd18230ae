import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkMatches } from '#src/sources/checks/route/matches.ts';
import { assertProblem, configOf, problemsOf, SOUND } from '../../../../support/config.ts';

const REF = 'backendRefs: [{name: shop, version: v1}]';

/** A sound document with a second and a third route. */
function routes(second: string, third: string): string {
  return SOUND.replace(/ {2}- name: shop[^]*/, `  - {name: a, ${second}, ${REF}}\n  - {name: b, ${third}, ${REF}}\n`);
}

test('matches differ by host, path, type, method, headers or query parameters', () => {
  for (const [second, third] of [
    ['hostnames: [a.b]', 'hostnames: [c.b]'],
    ['hostnames: [a.b]', 'matches: [{path: {value: /}}]'],
    ['matches: [{path: {value: /a}}]', 'matches: [{path: {value: /b}}]'],
    ['matches: [{path: {value: /a}}]', 'matches: [{path: {type: Exact, value: /a}}]'],
    ['matches: [{path: {type: Exact, value: /a}}]', 'matches: [{path: {type: Exact, value: /a/}}]'],
    ['matches: [{method: GET}]', 'matches: [{method: PUT}]'],
    ['matches: [{headers: [{name: x, value: a}]}]', 'matches: [{headers: [{name: x, value: b}]}]'],
    [
      'matches: [{headers: [{name: x, value: a}]}]',
      'matches: [{headers: [{name: x, type: RegularExpression, value: a}]}]',
    ],
    ['matches: [{headers: [{name: x, value: a}]}]', 'matches: [{queryParams: [{name: x, value: a}]}]'],
    ['matches: [{queryParams: [{name: x, value: a}]}]', 'matches: [{queryParams: [{name: X, value: a}]}]'],
    ['matches: [{path: {type: Exact, value: /a}}]', 'matches: [{path: {type: RegularExpression, value: /a}}]'],
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
    [
      'matches: [{queryParams: [{name: x, value: a}, {name: y, value: b}]}]',
      'matches: [{queryParams: [{name: y, value: b}, {name: x, type: Exact, value: a}]}]',
    ],
    [
      'matches: [{path: {type: RegularExpression, value: /a+}}]',
      'matches: [{path: {type: RegularExpression, value: /a+}}]',
    ],
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

test('a match asks for a header once in any case, and for a query parameter once in its own', () => {
  const match = (text: string): string => `${SOUND}    matches: [{${text}}]\n`;
  assertProblem(match('headers: [{name: a, value: b}, {name: «A, value: c}]'), 'SLU1066', '');
  assertProblem(match('queryParams: [{name: a, value: b}, {name: «a, value: c}]'), 'SLU1071', '');
  configOf(match('queryParams: [{name: a, value: b}, {name: A, value: b}]'));
});

test('routes that are malformed are not compared', () => {
  const report = { add: () => assert.fail(), addAt: () => assert.fail(), count: 0, nameOf: String, problems: () => [] };
  const draft = {
    services: null,
    routes: [null, null],
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
  checkMatches(draft, report);
});
