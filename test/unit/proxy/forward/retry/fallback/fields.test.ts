/** Fields read by name from a head's text. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  directivesOf,
  linesWithout,
  searchFor,
  secondsIn,
  valuesOf,
} from '#src/proxy/forward/retry/fallback/fields.ts';

const HEAD = 'HTTP/1.1 200 a: b\r\nA: 1\r\nab: 2\r\na:\t 3 \r\nB: a: 4\r\nA:\r\n\r\n';

test('values are those of a whole name in any case, never of a value or of the first line', () => {
  assert.deepEqual(valuesOf(HEAD, 'a'), ['1', '3', '']);
  assert.deepEqual(valuesOf(HEAD, 'ab'), ['2']);
  assert.deepEqual(valuesOf(HEAD, 'c'), []);
  assert.deepEqual(valuesOf('', 'a'), []);
});

test('directives have names in lower case and arguments with or without quotes; the first of two counts', () => {
  const said = directivesOf(['Max-Age=1 , private="a, no-store", x', 'max-age=2,,']);
  assert.deepEqual(
    [...said],
    [
      ['max-age', '1'],
      ['private', 'a, no-store'],
      ['x', ''],
    ],
  );
  assert.deepEqual([...directivesOf([])], []);
});

test('seconds are digits, bounded', () => {
  const texts = ['0', '60', '99999999999999999999', '-1', '1.5', '', ' 1', '1e3', undefined];
  assert.deepEqual(
    texts.map((text) => secondsIn(text, -1)),
    [0, 60, 2 ** 31, -1, -1, -1, -1, -1, -1],
  );
});

test('lines are left out by their names', () => {
  assert.equal(linesWithout('Age: 1\r\nB: age: 2\r\nAGE:3\r\n', new Set(['age'])), 'B: age: 2\r\n');
  assert.equal(linesWithout('', new Set(['age'])), '');
});

test('a search finds the fields of some names in their order, whatever characters a token may have', () => {
  const found = (names: readonly string[]): string[] =>
    [...HEAD.matchAll(searchFor(names))].map(([, name, value]) => `${name}=${value}`);
  assert.deepEqual(found(['a', 'b']), ['A= 1', 'a=\t 3 ', 'B= a: 4', 'A=']);
  assert.deepEqual(found(['AB']), ['ab= 2']);
  assert.deepEqual(found(['.*', 'a+', '^', '$', '|a', 'c']), []);
  const odd = "!#$%&'*+-.^_`|~a";
  const [match] = [...`GET / HTTP/1.1\r\n${odd}:1\r\n\r\n`.matchAll(searchFor([odd]))];
  assert.equal(match?.[1], odd);
});
