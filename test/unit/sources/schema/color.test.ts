import assert from 'node:assert/strict';
import { test } from 'node:test';
import { color } from '#src/sources/schema/color.ts';
import { assertProblem, SOUND } from '../../../support/config.ts';

test('every part may be left out', () => {
  assert.equal(color.safeParse({}).success, true);
});

test('names are checked', () => {
  for (const [document, code, hint] of [
    ['color: {query: «"a b"}', 'SLU1036', 'did you mean a-b?'],
    ['color: {cookie: «"a;b"}', 'SLU1036', ''],
    ['color: {baggage: «"a,b"}', 'SLU1036', ''],
    ['color: {«cookies: a}', 'SLU1020', 'did you mean cookie?'],
  ] as const) {
    assertProblem(`${document}\n${SOUND}`, code, hint);
  }
});
