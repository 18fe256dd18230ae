import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { INLINING_FLAGS } from '#src/proxy/threads/inlining.ts';

describe('the limits of inlining', () => {
  it('are flags that this V8 knows', () => {
    // A flag that is not known is said on standard error where it is set at run time, and ends a process that starts with it.
    const { status, stderr } = spawnSync(process.execPath, [...INLINING_FLAGS, '--eval', ''], { encoding: 'utf8' });
    assert.equal(stderr, '');
    assert.equal(status, 0);
  });
});
