import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { Writer } from '#src/state/writer.ts';
import { sampleDecision } from '../../support/readings/status.ts';
import { inFolder } from '../../support/state/folder.ts';
import { batchOf, checkedLog } from '../../support/state/log.ts';

const wallTime = (): string => '2026-01-01T00:00:00.000Z';

describe('a writer', () => {
  it('opens, writes and reads again', () =>
    inFolder((folder) => {
      const writer = new Writer(folder, wallTime);
      assert.equal(writer.open().kind, 'opened');
      const written = writer.write(batchOf({ decisions: [sampleDecision()] }));
      assert.ok(written.kind === 'written' && written.recorded[0]?.seq === 1 && written.aside === null);
      writer.close();
      const opened = new Writer(folder, wallTime).open();
      assert.ok(opened.kind === 'opened' && opened.loaded.decisions.length === 1);
    }));

  it('does not write where another one does, but reads, and takes over when that has gone', () =>
    inFolder((folder) => {
      const first = new Writer(folder, wallTime);
      first.open();
      first.write(batchOf({ decisions: [sampleDecision()] }));
      const second = new Writer(folder, wallTime);
      const closed = second.open();
      assert.ok(closed.kind === 'closed' && /locked/.test(closed.because) && closed.loaded?.decisions.length === 1);
      const budgets = new Map([['a', { format: 1, bytes: new Uint8Array([1]), at: '' }]]);
      const failed = second.write(batchOf({ budgets }));
      assert.ok(failed.kind === 'failed' && failed.budgets === budgets);
      first.write(batchOf({ decisions: [sampleDecision({ id: 2 })] }));
      first.close();
      assert.equal(second.write(batchOf({ budgets })).kind, 'failed', 'what the first one wrote was not read');
      const opened = second.open();
      assert.ok(opened.kind === 'opened' && opened.loaded.decisions.length === 2);
      assert.equal(second.write(batchOf({ budgets })).kind, 'written');
      second.close();
    }));

  it('keeps others out while it cannot write, so that what it holds stays the newest', () =>
    inFolder((folder) => {
      const first = new Writer(folder, wallTime);
      first.open();
      const path = join(folder, 'sluice.db');
      renameSync(path, `${path}.away`);
      const failed = first.write(batchOf());
      assert.ok(failed.kind === 'failed' && failed.because === 'its file was removed');
      const second = new Writer(folder, wallTime);
      assert.equal(second.open().kind, 'closed');
      const written = first.write(batchOf());
      assert.ok(written.kind === 'written' && (written.fileBytes ?? 0) > 0);
      first.close();
      assert.equal(second.open().kind, 'opened');
      second.close();
    }));

  it('moves a file aside whose rows nobody can read', () =>
    inFolder((folder) => {
      const before = new Writer(folder, wallTime);
      before.open();
      before.close();
      const database = new DatabaseSync(join(folder, 'sluice.db'));
      database.exec("INSERT INTO rollouts VALUES ('shop', 1, 'no JSON')");
      database.close();
      const writer = new Writer(folder, wallTime);
      const opened = writer.open();
      assert.ok(opened.kind === 'opened' && /a row is no JSON/.test(opened.aside?.because ?? ''));
      writer.close();
    }));

  it('cannot open what is no directory, and says so', () =>
    inFolder((folder) => {
      const path = join(folder, 'file');
      writeFileSync(path, '');
      const closed = new Writer(join(path, 'below'), wallTime).open();
      assert.ok(closed.kind === 'closed' && /ENOTDIR/.test(closed.because) && closed.loaded === null);
    }));

  it('does not write twice what it wrote already, when its answer was lost', () =>
    inFolder((folder) => {
      const writer = new Writer(folder, wallTime);
      writer.open();
      const segment = { watch: 'w', route: 'r', number: 1, at: '', previous: '', hash: '', bytes: new Uint8Array(9) };
      const first = batchOf({ decisions: [sampleDecision({ id: 1 })], segments: [segment] });
      const lost = writer.write(first);
      const again = writer.write({ ...first, decisions: [sampleDecision({ id: 1 }), sampleDecision({ id: 2 })] });
      assert.ok(lost.kind === 'written' && again.kind === 'written', JSON.stringify(again));
      assert.deepEqual(
        again.recorded.map(({ seq, id }) => [seq, id]),
        [
          [1, 1],
          [2, 2],
        ],
      );
      assert.deepEqual(again.recorded[0], lost.recorded[0]);
      writer.close();
      assert.equal(checkedLog(folder).length, 2);
    }));
});
