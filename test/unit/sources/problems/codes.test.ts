import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codeOf, PROBLEM_KINDS } from '#src/sources/problems/codes.ts';

test('codes are unique, well formed and in order', () => {
  const codes = PROBLEM_KINDS.map(({ code }) => code);
  assert.equal(new Set(codes).size, codes.length);
  assert.deepEqual(codes, codes.toSorted());
  for (const code of codes) assert.match(code, /^SLU1[0-9]{3}$/);
});

test('a meaning is one sentence', () => {
  for (const { code, meaning } of PROBLEM_KINDS) assert.match(meaning, /^[A-Z`].*[^.]\.$/, code);
});

test('a kind has the code that other programs rely on', () => {
  assert.equal(codeOf('syntax'), 'SLU1001');
  assert.equal(codeOf('ratio'), 'SLU1012');
  assert.equal(codeOf('emptyVersion'), 'SLU1901');
});
