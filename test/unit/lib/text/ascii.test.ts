import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asciiOf } from '#src/lib/text/ascii.ts';

test('JSON in printable ASCII says the same, and holds no control that a terminal obeys', () => {
  const value = { name: 'a\u009b31m\u007f\u001b[0m', emoji: '😀', plain: 'ok' };
  const text = asciiOf(JSON.stringify(value));
  assert.match(text, /^[\x20-\x7e]*$/);
  assert.deepEqual(JSON.parse(text), value);
});
