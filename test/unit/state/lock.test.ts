import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lockDirectory } from '#src/state/lock.ts';
import { inFolder } from '../../support/state/folder.ts';

test('one holds a directory until it lets go', () =>
  inFolder((folder) => {
    const lock = lockDirectory(folder);
    assert.throws(() => lockDirectory(folder), /database is locked/);
    lock.release();
    lockDirectory(folder).release();
  }));
