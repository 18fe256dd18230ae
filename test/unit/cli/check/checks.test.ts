import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checksOf, checksText, summaryOf } from '#src/cli/check/checks.ts';

test('checks are shown by group, each with its mark and what to do', () => {
  const [a, b] = [checksOf('config'), checksOf('gateway')];
  const checks = [a.pass('sound'), b.fail('gone', 'start it'), a.warn('odd', 'look')];
  assert.equal(checksText(checks), 'config\n√ sound\n‼ odd\n    look\n\ngateway\n× gone\n    start it\n');
  assert.equal(summaryOf(checks), '3 checks: 1 passed, 1 warned, 1 failed');
});
