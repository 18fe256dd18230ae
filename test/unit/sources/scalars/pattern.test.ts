import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PATTERN_CHARS_MAX } from '#src/lib/pattern.ts';
import { checkPattern, checkQueryName, checkQueryValue } from '#src/sources/scalars/pattern.ts';

test('a regular expression has to compile, and the reason is said', () => {
  for (const pattern of ['/v[0-9]+/users', '(?i)yes', '^$', 'a|b', '\\p{Greek}']) {
    assert.equal(checkPattern(pattern), null, pattern);
  }
  assert.match(String(checkPattern('(')?.expected), /RE2 syntax \(missing closing \)/);
  assert.match(String(checkPattern('[z-a]')?.expected), /character class range/);
  for (const pattern of ['', '*a', 'a{1001}', `(${'a'.repeat(100)}){1000}`, 'a'.repeat(PATTERN_CHARS_MAX + 1)]) {
    assert.equal(checkPattern(pattern)?.kind, 'pattern', pattern.slice(0, 20));
  }
  assert.equal(checkPattern(7)?.kind, 'type');
  assert.equal(checkPattern(undefined)?.kind, 'missing');
});

test('what other engines have and RE2 has not is named', () => {
  for (const pattern of ['(?=a)b', '(?!a)b', '(?<=a)b', '(?<!a)b', '(a)\\1']) {
    assert.match(String(checkPattern(pattern)?.hint), /neither look-around nor back-references/, pattern);
  }
  assert.equal(checkPattern('(')?.hint, '');
});

test('a reason is one short line, whatever the pattern holds', () => {
  const expected = String(checkPattern(`(\r\n\u2028\u001b${'a'.repeat(1000)}`)?.expected);
  assert.doesNotMatch(expected, /[\p{Cc}\u2028]/u);
  assert.ok(expected.length <= 121, String(expected.length));
});

test('a query parameter is decoded text; its value may be empty', () => {
  for (const text of ['debug', 'x y', 'é', 'a[0]', '%41', '&=']) {
    assert.equal(checkQueryName(text), null, text);
    assert.equal(checkQueryValue(text), null, text);
  }
  assert.equal(checkQueryValue(''), null);
  for (const text of ['', 'a\n', '\0', '\ud800', 'a'.repeat(257)]) {
    assert.equal(checkQueryName(text)?.kind, 'queryParam', JSON.stringify(text));
  }
  assert.equal(checkQueryName('')?.hint, '1 to 256 characters');
  assert.equal(checkQueryValue('a'.repeat(1025))?.hint, '0 to 1024 characters');
  assert.equal(checkQueryValue('\t')?.hint, 'leave control characters out');
  assert.equal(checkQueryValue(true)?.hint, 'put it in quotes');
  assert.equal(checkQueryName([])?.kind, 'type');
});
