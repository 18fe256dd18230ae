import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { StateDatabase } from '#src/state/database.ts';
import { lookInto } from '#src/state/look.ts';
import { inFolder } from '../../support/state/folder.ts';
import { batchOf } from '../../support/state/log.ts';

const AT = '2026-01-01T00:00:00.000Z';

function row(byte: number) {
  return { format: 1, bytes: new Uint8Array([byte]), at: AT };
}

test('rows are found by the beginnings of their keys, beside a process that writes, and nothing is touched', () =>
  inFolder((folder) => {
    const database = new StateDatabase({ path: join(folder, 'sluice.db'), wallTime: () => AT });
    const budgets = new Map([
      ['config/1', row(1)],
      ['config%', row(2)],
      ['route shop', row(3)],
    ]);
    database.write(batchOf({ budgets }));
    const files = readdirSync(folder);
    assert.deepEqual(new Map(lookInto(folder, 'config/')), new Map([['config/1', row(1)]]));
    assert.deepEqual([...lookInto(folder, 'config%').keys()], ['config%'], 'a key is no pattern');
    assert.deepEqual(readdirSync(folder), files);
    database.write(batchOf({ budgets: new Map([['config/1', row(4)]]) }));
    assert.deepEqual(lookInto(folder, 'config/').get('config/1'), row(4));
    database.close();
    assert.equal(lookInto(folder, '').size, 3, 'after it as well');
  }));

test('a place without a state, with an empty or a damaged one, and one of a later release', () =>
  inFolder((folder) => {
    const path = join(folder, 'sluice.db');
    assert.throws(() => lookInto(folder, ''), /there is no sluice\.db in it/);
    writeFileSync(path, '');
    assert.equal(lookInto(folder, '').size, 0);
    writeFileSync(path, 'no database, whatever it is called, and longer than the header of one is. '.repeat(20));
    assert.throws(() => lookInto(folder, ''), /not a database/);
    assert.deepEqual(readdirSync(folder), ['sluice.db'], 'it is not moved aside');
    writeFileSync(path, '');
    const later = new DatabaseSync(path);
    later.exec('CREATE TABLE schema_version (version INTEGER); INSERT INTO schema_version VALUES (99)');
    later.close();
    assert.throws(() => lookInto(folder, ''), /version 99, this release knows/);
  }));
