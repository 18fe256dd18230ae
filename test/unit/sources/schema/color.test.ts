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

test('signatures and tokens are checked', () => {
  const jwt = (fields: string) => `color: {jwt: {claim: stage, issuer: i, audience: [a], ${fields}}}`;
  const set = 'jwks: {url: "https://id.example.com/"}';
  for (const [document, code, hint] of [
    ['color: {signature: {keys: «[]}}', 'SLU1025', ''],
    ['color: {signature: {keys: [«{}]}}', 'SLU1121', ''],
    ['color: {signature: {keys: [«{file: a, variable: B}]}}', 'SLU1121', ''],
    ['color: {signature: {keys: [{variable: «"a b"}]}}', 'SLU1093', 'the name alone, without ${}'],
    ['color: {signature: {header: «host, keys: [{file: a}]}}', 'SLU1067', 'use x-release-stage'],
    ['color: {signature: {bucket: «10ms, keys: [{file: a}]}}', 'SLU1030', ''],
    [jwt('jwks: «{}'), 'SLU1121', ''],
    [jwt('jwks: «{url: "https://a/", file: b}'), 'SLU1121', ''],
    [jwt('jwks: {file: a, ca: «b}'), 'SLU1121', ''],
    [jwt('jwks: {url: "http://127.0.0.1/", ca: «b}'), 'SLU1121', ''],
    [jwt('jwks: {url: «"http://id.example.com/"}'), 'SLU1091', 'http is for this machine alone'],
    [jwt('jwks: {keys: [«{kty: oct, k: AAAA}]}'), 'SLU1120', 'leave private members out'],
    [jwt(`${set}, algorithms: [«HS256]`), 'SLU1023', ''],
    [jwt(`${set}, algorithms: [«none]`), 'SLU1023', ''],
    [jwt(`${set}, leeway: «1h`), 'SLU1030', ''],
    ['color: {jwt: {claim: «"", issuer: i, audience: [a], jwks: {file: a}}}', 'SLU1093', ''],
  ] as const) {
    assertProblem(`${document}\n${SOUND}`, code, hint);
  }
});
