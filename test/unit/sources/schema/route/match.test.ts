import assert from 'node:assert/strict';
import { test } from 'node:test';
import { match } from '#src/sources/schema/route/match.ts';
import { assertProblem, configOf, SOUND } from '../../../../support/config.ts';

function inMatch(text: string): string {
  return `${SOUND}    matches: [{${text}}]\n`;
}

test('a match may be empty', () => {
  assert.equal(match.safeParse({}).success, true);
});

test('the type decides what a value may be', () => {
  for (const [text, code, hint] of [
    ['path: {type: RegularExpression, value: «"/a(b"}', 'SLU1042', ''],
    ['path: {type: RegularExpression, value: «"/(?=a).*"}', 'SLU1042', /look-around/],
    ['path: {type: Exact, value: «"/a(b)|/c[d]"}', 'SLU1035', /^did you mean/],
    ['path: {value: «5}', 'SLU1022', 'put it in quotes'],
    ['path: {type: «Regex, value: "("}', 'SLU1023', ''],
    ['headers: [{name: a, type: RegularExpression, value: «"[b"}]', 'SLU1042', ''],
    ['headers: [{name: a, type: RegularExpression, value: «""}]', 'SLU1042', ''],
    ['headers: [{name: a, value: «"\\u00e9"}]', 'SLU1037', ''],
    ['headers: [«{name: a}]', 'SLU1021', ''],
    ['headers: [{name: a, type: «PathPrefix, value: b}]', 'SLU1023', ''],
    ['queryParams: [{name: a, type: RegularExpression, value: «"*"}]', 'SLU1042', ''],
    ['queryParams: [{name: «"", value: b}]', 'SLU1043', '1 to 256 characters'],
    ['queryParams: [{name: a, value: «"b\\nc"}]', 'SLU1043', /control characters/],
    ['queryParams: [{name: a, value: «1}]', 'SLU1022', 'put it in quotes'],
    ['«queryParam: [{name: a, value: b}]', 'SLU1020', 'did you mean queryParams?'],
  ] as const) {
    assertProblem(inMatch(text), code, hint);
  }
});

test('a pattern for a path need not be a path, and keeps its trailing slash', () => {
  const { routes } = configOf(inMatch('path: {type: RegularExpression, value: "(/a|/b)/"}'));
  assert.deepEqual(routes[0]?.matches[0]?.path, { type: 'RegularExpression', value: '(/a|/b)/' });
});
