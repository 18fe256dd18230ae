import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LINE_CHARS_MAX, linesOf } from '#src/cli/slo/traffic/lines.ts';
import { fileWith } from '../../../../support/simulate/load/recorded.ts';

test('lines end in LF or CRLF, the last one may not', (t) => {
  assert.deepEqual([...linesOf(fileWith(t, 'a\r\nb\n\nc'))], ['a', 'b', '', 'c']);
  assert.deepEqual([...linesOf(fileWith(t, 'a\n'))], ['a']);
  assert.deepEqual([...linesOf(fileWith(t, ''))], []);
});

test('a byte order mark is no part of the first line', (t) => {
  assert.deepEqual([...linesOf(fileWith(t, '\ufeffa\n\ufeffb'))], ['a', '\ufeffb']);
  assert.deepEqual([...linesOf(fileWith(t, '\ufeff'))], []);
});

test('lines, and characters of several bytes, may lie across pieces of the file', (t) => {
  const lines = Array.from({ length: 60_000 }, (_, n) => `${n} größer ${'é'.repeat(n % 30)}`);
  assert.deepEqual([...linesOf(fileWith(t, lines.join('\n')))], lines);
});

test('a line that is too long is cut, whatever its length', (t) => {
  const [first, second] = linesOf(fileWith(t, `${'x'.repeat(5_000_000)}\nnext`));
  assert.deepEqual([first?.length, second], [LINE_CHARS_MAX + 1, 'next']);
});
