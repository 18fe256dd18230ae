import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { bytesOf, moveAside, openFiles } from '#src/state/files.ts';
import { inFolder } from '../../support/state/folder.ts';

const wallTime = (): string => '2026-01-01T00:00:00.000Z';

describe('the files of the state', () => {
  it('are made with their directory', () =>
    inFolder((folder) => {
      const { database, lock, aside } = openFiles(join(folder, 'a/b'), wallTime);
      database.close();
      lock.release();
      assert.equal(aside, null);
      assert.ok(readdirSync(join(folder, 'a/b')).includes('sluice.db'));
      assert.ok(bytesOf(join(folder, 'a/b/sluice.db')) >= 4096);
      assert.equal(bytesOf(join(folder, 'none')), 0);
    }));

  it('that are damaged are moved aside, whole, and new ones begin', () =>
    inFolder((folder) => {
      const path = join(folder, 'sluice.db');
      const garbage = 'garbage '.repeat(1000);
      writeFileSync(path, garbage);
      const { database, lock, aside } = openFiles(folder, wallTime);
      assert.deepEqual(database.load().decisions, []);
      database.close();
      lock.release();
      assert.equal(aside?.path, `${path}.damaged-1`);
      assert.match(aside?.because ?? '', /not a database/);
      assert.equal(readFileSync(`${path}.damaged-1`, 'utf8'), garbage);
      writeFileSync(path, garbage);
      assert.equal(moveAside(path), `${path}.damaged-2`);
    }));

  it('have one owner, and are let go when they cannot be opened', () =>
    inFolder((folder) => {
      const first = openFiles(folder, wallTime);
      assert.throws(() => openFiles(folder, wallTime), /locked/);
      first.database.close();
      first.lock.release();
      const second = openFiles(folder, wallTime);
      second.database.close();
      second.lock.release();
    }));
});
