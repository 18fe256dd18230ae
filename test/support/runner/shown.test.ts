import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { assertShown, shapeOf } from './shown.ts';

suite('output that a page shows', () => {
  test('is the same whatever differs from run to run', () => {
    assert.equal(
      shapeOf('decided  2026-11-01T08:01:10.000Z, #3f9a1c00, v2  8 of  140'),
      'decided INSTANT, #ID, v2 0 of 0',
    );
    assert.equal(shapeOf('p99 955 ms, 1.2 s, up 1 min 30 s'), 'p99 0 TIME, 0 TIME, up 0 TIME');
    assertShown('t+13s  10 ms\n…\n  last\n', 't+9s   1.5 s\na\nb\n  last\n');
    assertShown('one …\n…\n', 'one two three\nfour\nfive\n');
    assertShown('one\n…\ntwo\n', 'one\ntwo\n  \n');
  });

  test('is another where a word, a line or an end is', () => {
    for (const [shown, printed] of [
      ['detected in 9 ms', 'found in 9 ms'],
      ['v1 9', 'v2 9'],
      ['one\ntwo\n', 'one\n'],
      ['one\n', 'one\ntwo\n'],
      ['one\n…\nthree\n', 'one\ntwo\n'],
      ['one …\n', 'two three\n'],
    ] as const) {
      assert.throws(() => assertShown(shown, printed), { name: 'AssertionError' }, shown);
    }
  });
});
