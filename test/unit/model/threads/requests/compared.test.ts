import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noneUncompared, sumsOf, UNCOMPARED_REASONS } from '#src/model/threads/requests/compared.ts';

test('what is not compared has a reason each, and is skipped or failed', () => {
  const none = noneUncompared();
  assert.deepEqual(Object.keys(none), [...UNCOMPARED_REASONS]);
  assert.deepEqual(sumsOf(none), { skipped: 0, failed: 0 });
  const skipped = { busy: 1, memory: 2, too_long: 4, mirror_too_long: 8 };
  assert.deepEqual(sumsOf({ ...none, ...skipped }), { skipped: 15, failed: 0 });
  const failed = { no_answer: 1, mirror_no_answer: 2, truncated: 4, mirror_truncated: 8, other_version: 16 };
  assert.deepEqual(sumsOf({ ...none, ...failed }), { skipped: 0, failed: 31 });
});
