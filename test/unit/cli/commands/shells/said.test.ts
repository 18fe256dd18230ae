import assert from 'node:assert/strict';
import { test } from 'node:test';
import { valueKindOf } from '#src/cli/commands/shells/said.ts';

test('what a shell can help with is told by the name of the value', () => {
  const kindOf = (value: string, choices: string[] = []) =>
    valueKindOf({ name: '--x', short: '', about: '', value, choices });
  assert.deepEqual(
    [kindOf(''), kindOf('FORMAT', ['a', 'b']), kindOf('FILE'), kindOf('DIR'), kindOf('N')],
    ['none', 'choices', 'file', 'folder', 'other'],
  );
});
