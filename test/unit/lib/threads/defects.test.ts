import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tellDefect } from '#src/lib/threads/defects.ts';

test('the first defect of a thread is told, and no other', (t) => {
  const told = t.mock.method(process, 'emitWarning', () => undefined);
  const first = new Error('nobody expected this');
  for (const error of [first, 'nor this', new Error('nor that')]) tellDefect(error);
  assert.deepEqual(
    told.mock.calls.map(({ arguments: [what] }) => what),
    [first],
  );
});
