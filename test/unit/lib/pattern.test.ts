import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compilePattern, literalStart, PATTERN_CHARS_MAX, type Pattern } from '#src/lib/pattern.ts';

function pattern(source: string): Pattern {
  const compiled = compilePattern(source);
  if ('fault' in compiled) assert.fail(compiled.fault);
  return compiled;
}

function faultOf(source: string): string {
  const compiled = compilePattern(source);
  assert.ok('fault' in compiled, `compiled: ${source}`);
  return compiled.fault;
}

describe('compilePattern', () => {
  test('matches whole texts only', () => {
    const users = pattern('/users/[0-9]+');
    assert.equal(users.matches('/users/42'), true);
    assert.equal(users.matches('/users/42/'), false);
    assert.equal(users.matches('x/users/42'), false);
    assert.equal(pattern('a|b').matches('ab'), false);
  });

  test('says what is wrong with a pattern instead of throwing', () => {
    assert.match(faultOf('(unclosed'), /RE2 syntax \(missing/);
    assert.match(faultOf('(?=ahead)'), /RE2 syntax/);
    assert.match(faultOf('(a)\\1'), /RE2 syntax/);
  });

  test('refuses patterns that are too long or too large once compiled', () => {
    assert.match(faultOf('a'.repeat(PATTERN_CHARS_MAX + 1)), /at most 1024 characters/);
    assert.match(faultOf('((a{100}){10}){10}'), /simpler|RE2 syntax/);
  });

  test('takes the steps of one automaton, not of every way to match: (a+)+b on a long run of a ends', () => {
    assert.equal(pattern('(a+)+b').matches('a'.repeat(20_000)), false);
  });

  test('tells what each of its matches begins with', () => {
    const starts: readonly (readonly [string, string])[] = [
      ['/users/[0-9]+', '/users/'],
      ['/ab*c', '/a'],
      ['/ab?c', '/a'],
      ['/ab{2}', '/a'],
      ['/ab+c', '/ab'],
      ['/a.b', '/a'],
      ['/a|/b', ''],
      ['(?i)/a', ''],
      ['^/a', '/a'],
      ['^', ''],
      ['/a(b|c)', ''],
      ['/a(b)?', '/a'],
      ['/a\\.b', '/a'],
      ['/a$', '/a'],
    ];
    for (const [pattern, start] of starts) assert.equal(literalStart(pattern), start, pattern);
  });
});
