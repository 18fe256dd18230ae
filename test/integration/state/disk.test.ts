/** Whatever the disk refuses, the process goes on in memory, says so once, and writes again when it can. */

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openFiles } from '#src/state/files.ts';
import { inFolder } from '../../support/state/folder.ts';
import { checkedLog } from '../../support/state/log.ts';
import { type ChildLine, type ChildRun, runChild } from '../../support/state/runs.ts';

/** The superuser as anybody else before a file's mode; as who it is, it still reaches a checkout that only it may enter. */
const UNPRIVILEGED = 'exec setpriv --bounding-set=-dac_override,-dac_read_search "$@"';
const isRoot = process.getuid?.() === 0;

function countOf(run: ChildRun, event: string): number {
  return run.lines.filter((line) => line.event === event).length;
}

describe('a disk that refuses', () => {
  it('because a file may not grow: the process goes on, and the file opens clean afterwards', () =>
    inFolder(async (folder) => {
      let turnsAfter = 0;
      const run = await runChild({
        directory: folder,
        budgetBytes: 300_000,
        // In blocks of 512 bytes: room for the tables, not for the budgets.
        shell: 'ulimit -f 600; exec "$@"',
        onLine: seen((line, events, child) => {
          if (line.event === 'turn' && events.has('state_unavailable')) turnsAfter += 1;
          if (turnsAfter === 50) child.kill('SIGTERM');
        }),
      });
      assert.equal(run.code, 0);
      // Twice where a checkpoint made room in between.
      assert.ok(countOf(run, 'state_unavailable') >= 1);
      assert.equal(countOf(run, 'state_unsaved'), 1);
      const { database, lock, aside } = openFiles(folder, () => '');
      database.close();
      lock.release();
      assert.equal(aside, null);
      checkedLog(folder);
    }));

  it('because the directory is read-only: in memory, and written as soon as it may be', () =>
    inFolder(async (folder) => {
      const directory = join(folder, 'state');
      chmodSync(folder, 0o755);
      mkdirSync(directory, { mode: 0o555 });
      const run = await runChild({
        directory,
        ...(isRoot && { shell: UNPRIVILEGED }),
        onLine: seen((line, events, child) => {
          if (line.event === 'turn' && line.turn === 20) chmodSync(directory, 0o777);
          if (events.has('state_recovered') && line.event === 'decision_recorded') child.kill('SIGTERM');
        }),
      });
      assert.equal(run.code, 0);
      assert.ok(run.lines.some(({ event, health }) => event === 'open' && health === 'unavailable'));
      assert.equal(countOf(run, 'state_unavailable'), 1);
      assert.equal(countOf(run, 'state_recovered'), 1);
      assert.deepEqual(run.lines.find(({ event }) => event === 'decision_recorded')?.id, 1, 'none was lost meanwhile');
    }));

  it('because its file is damaged: it is kept aside, and a new one begins', () =>
    inFolder(async (folder) => {
      writeFileSync(join(folder, 'sluice.db'), 'x'.repeat(50_000));
      const run = await runChild({
        directory: folder,
        onLine: seen((line, _, child) => {
          if (line.event === 'decision_recorded') child.kill('SIGTERM');
        }),
      });
      assert.equal(run.code, 0);
      assert.equal(countOf(run, 'state_damaged'), 1);
      assert.equal(countOf(run, 'state_unavailable'), 0);
    }));

  it('because the directory goes away while it is written to: said, and a new one begins', () =>
    inFolder(async (folder) => {
      const directory = join(folder, 'state');
      const run = await runChild({
        directory,
        onLine: seen((line, events, child) => {
          if (line.event === 'turn' && line.turn === 30) remove(directory);
          if (events.has('state_recovered') && line.event === 'decision_recorded') child.kill('SIGTERM');
        }),
      });
      assert.equal(run.code, 0);
      assert.ok(run.lines.some(({ because }) => because === 'its file was removed'));
    }));
});

/** At once: what is written into it meanwhile would keep it there. */
function remove(directory: string): void {
  const aside = `${directory}.aside`;
  renameSync(directory, aside);
  rmSync(aside, { recursive: true });
}

/** Calls with each line and the events that were seen before it. */
function seen(
  onLine: (line: ChildLine, events: ReadonlySet<string>, child: { kill(signal: NodeJS.Signals): unknown }) => void,
): (line: ChildLine, child: { kill(signal: NodeJS.Signals): unknown }) => void {
  const events = new Set<string>();
  return (line, child) => {
    onLine(line, events, child);
    events.add(line.event);
  };
}
