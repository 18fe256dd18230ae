import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { StateDatabase } from '#src/state/database.ts';
import { formatLine, parseLine, readLog } from '#src/state/read.ts';
import { migrate } from '#src/state/schema.ts';
import { Recorded } from '../../support/simulate/watch/recorded.ts';
import { inFolder } from '../../support/state/folder.ts';
import { linesOf } from '../../support/state/lines.ts';
import { batchOf } from '../../support/state/log.ts';

const AT = '2026-01-01T00:00:00.000Z';

function history() {
  const gateway = new Recorded(5, undefined, { canaryErrorRatio: 1 });
  for (let n = 0; n < 40; n++) gateway.tick();
  return gateway.end();
}

test('what a state directory holds is read as lines, and comes through an export unchanged', () =>
  inFolder((folder) => {
    const { decisions, segments } = history();
    const database = new StateDatabase({ path: join(folder, 'sluice.db'), wallTime: () => AT });
    database.write(batchOf({ decisions, segments }));
    const plain = (lines: Iterable<object>): unknown[] =>
      [...lines].map((line) => ('bytes' in line ? { ...line, bytes: [...(line.bytes as Uint8Array)] } : { ...line }));
    const expected = plain(linesOf(decisions, segments));
    assert.deepEqual(plain(readLog(folder)), expected, 'while it is open');
    database.close();
    assert.deepEqual(plain(readLog(join(folder, 'sluice.db'))), expected);
    const file = join(folder, 'export.jsonl');
    writeFileSync(file, [...readLog(folder)].map((line) => `${formatLine(line)}\n`).join(''));
    assert.deepEqual(plain(readLog(file)), expected);
  }));

test('a file of the release before has decisions only', () =>
  inFolder((folder) => {
    const database = new DatabaseSync(join(folder, 'sluice.db'));
    migrate(database, AT, 1);
    database.exec(`INSERT INTO decisions VALUES (1, 'p', 'h', '{}')`);
    database.close();
    assert.deepEqual([...readLog(folder)], [{ kind: 'decision', seq: 1, previous: 'p', hash: 'h', body: '{}' }]);
  }));

test('what is no log is refused with its place', () =>
  inFolder((folder) => {
    const unreadable = { code: 'SLU_LOG_UNREADABLE' };
    assert.throws(() => [...readLog(join(folder, 'missing'))], unreadable);
    assert.throws(() => [...readLog(folder)], /there is no sluice.db in it/);
    const file = join(folder, 'x.jsonl');
    writeFileSync(file, '\n{"kind":"head","seq":1,"hash":""}\n{"kind":"tail"}\n');
    assert.throws(() => [...readLog(file)], /x\.jsonl:3 is not a line of a log: there is no kind tail/);
    assert.throws(() => parseLine('{', 'here'), unreadable);
  }));
