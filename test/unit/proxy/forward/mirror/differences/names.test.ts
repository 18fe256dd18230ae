/** Names that people are shown: words of programs are, what may be data is not. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ANY_NAME, ELEMENTS, nameOf, PATH_CHARS_MAX, pathTo } from '#src/proxy/forward/mirror/differences/names.ts';

test('words of programs are names', () => {
  for (const key of [
    'price',
    'iso8601',
    '$ref',
    '@type',
    'a.b',
    'größe',
    '_id',
    '__proto__',
    'x-cache',
    'addressLine1',
    'isOAuth2',
  ]) {
    assert.equal(nameOf(key), key);
  }
});

test('ids, addresses, sentences and control characters are not', () => {
  const keys = ['', '7', '12345', 'a12345', 'alice@example.com', '+4930', 'two words', 'a\r\nb', '\u001b[2J', '"'];
  for (const key of [...keys, 'a'.repeat(65), '4f6c1b2e-0d7a-4d6e', 'sk_live_51Hx93021', 'aB3dE', 'sk_live_4eC39Hq']) {
    assert.equal(nameOf(key), ANY_NAME, key);
  }
});

test('a key without a break is no word if it is longer than words are', () => {
  assert.equal(nameOf('a'.repeat(24)), 'a'.repeat(24));
  assert.equal(nameOf(`${'a'.repeat(24)}${'B'.repeat(24)}_${'c'.repeat(15)}`).length, 64);
  for (const key of ['a'.repeat(25), `x_${'q'.repeat(25)}`, 'A'.repeat(25)]) assert.equal(nameOf(key), ANY_NAME, key);
});

test('a path is bounded, and names with dots are told from two names', () => {
  assert.equal(pathTo(pathTo('$', 'items'), ELEMENTS), '$.items[]');
  assert.equal(pathTo('$', 'a.b'), '$["a.b"]');
  assert.equal(pathTo('$', ANY_NAME), '$.*');
  let path = '$';
  for (let n = 0; n < 40; n++) path = pathTo(path, 'quitelong');
  assert.equal(path.length, PATH_CHARS_MAX);
});
