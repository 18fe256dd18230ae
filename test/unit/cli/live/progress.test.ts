import assert from 'node:assert/strict';
import { test } from 'node:test';
import { progressOn } from '#src/cli/live/progress.ts';

function shownOn(isTTY: boolean): string[] {
  const writes: string[] = [];
  const progress = progressOn({ write: (text) => writes.push(text), on: () => undefined, isTTY, columns: 6 });
  progress.show('looking around');
  progress.show('looking around');
  progress.clear();
  progress.clear();
  return writes;
}

test('progress is one line that replaces itself, cut to the terminal and taken away at the end', () => {
  assert.deepEqual(shownOn(true), ['\r\u001b[2Klooki', '\r\u001b[2K']);
});

test('elsewhere there is none', () => {
  assert.deepEqual(shownOn(false), []);
});
