import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { migrate, SCHEMA_VERSION, versionOf } from '#src/state/schema.ts';

const AT = '2026-01-01T00:00:00.000Z';

function tablesOf(database: DatabaseSync): unknown[] {
  return database.prepare('SELECT name, sql FROM sqlite_schema ORDER BY name').all();
}

test('an empty file becomes one of this release, and each step is noted', () => {
  const database = new DatabaseSync(':memory:');
  assert.equal(versionOf(database), 0);
  assert.equal(migrate(database, AT), 0);
  assert.equal(versionOf(database), SCHEMA_VERSION);
  const steps = database.prepare('SELECT version, at FROM schema_version ORDER BY version').all();
  assert.deepEqual(
    steps.map((row) => ({ ...row })),
    Array.from({ length: SCHEMA_VERSION }, (_, n) => ({ version: n + 1, at: AT })),
  );
});

test('a file of this release stays as it is', () => {
  const database = new DatabaseSync(':memory:');
  migrate(database, AT);
  database.exec(`INSERT INTO budgets VALUES ('k', 1, x'0102', 'then')`);
  const before = tablesOf(database);
  assert.equal(migrate(database, AT), SCHEMA_VERSION);
  assert.deepEqual(tablesOf(database), before);
  assert.equal(database.prepare('SELECT count(*) AS n FROM budgets').get()?.['n'], 1);
});

test('a step that fails leaves the file as it was', () => {
  const database = new DatabaseSync(':memory:');
  database.exec('CREATE TABLE decisions (something INTEGER)');
  const before = tablesOf(database);
  assert.throws(() => migrate(database, AT), /already exists/);
  assert.deepEqual(tablesOf(database), before);
  assert.equal(versionOf(database), 0);
});
