import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { LOCK_FILE, lockDirectory } from '#src/state/lock.ts';
import { inFolder } from '../../support/state/folder.ts';

test('one holds a directory until it lets go', () =>
  inFolder((folder) => {
    const lock = lockDirectory(folder);
    assert.throws(() => lockDirectory(folder), /database is locked/);
    lock.release();
    lockDirectory(folder).release();
  }));

test('a lock whose file is gone, or another one, keeps nobody out and says so', () =>
  inFolder((folder) => {
    const lock = lockDirectory(folder);
    assert.ok(lock.holds());
    rmSync(join(folder, LOCK_FILE));
    assert.ok(!lock.holds());
    const other = lockDirectory(folder);
    assert.ok(other.holds() && !lock.holds());
    other.release();
    lock.release();
  }));
