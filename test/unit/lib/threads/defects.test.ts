import assert from 'node:assert/strict';
import { test } from 'node:test';

test('the first defect of a thread is told, and no other', async (t) => {
  // A module of its own: other tests of this process have defects told, too.
  const own = `${import.meta.resolve('#src/lib/threads/defects.ts')}?own`;
  const { tellDefect } = (await import(own)) as { readonly tellDefect: (error: unknown) => void };
  const told = t.mock.method(process, 'emitWarning', () => undefined);
  const first = new Error('nobody expected this');
  for (const error of [first, 'nor this', new Error('nor that')]) tellDefect(error);
  assert.deepEqual(
    told.mock.calls.map(({ arguments: [what] }) => what),
    [first],
  );
});
