import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { visible, visibleLines } from '#src/lib/text/visible.ts';

suite('what is visible', () => {
  test('stays as it is', () => {
    for (const text of ['', 'shop  v2 20 %', 'Grüße, 世界 🚀 …']) assert.equal(visible(text), text);
  });

  test('of controls, formats and ends of lines a mark each is left', () => {
    for (const one of '\0\u0007\b\t\n\r\u001b\u007f\u0085\u009b\u202e\u2028\u2029') {
      assert.equal(visible(`a${one}b${one}`), 'a\ufffdb\ufffd');
    }
    assert.equal(visibleLines('a\u001b[2J\nb\rc\n'), 'a\ufffd[2J\nb\ufffdc\n');
    assert.equal(visible('\u001b]0;owned\u0007\u001b[2J'), '\ufffd]0;owned\ufffd\ufffd[2J');
  });
});
