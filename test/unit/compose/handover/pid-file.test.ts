/** The file that names the process that serves. */

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { PidFile } from '#src/compose/handover/pid-file.ts';
import { inFolder } from '../../../support/state/folder.ts';

const QUIET = { error: (event: string) => assert.fail(event) };

describe('a pid file', () => {
  it('names the process, and is removed by it', () =>
    inFolder((folder) => {
      const path = join(folder, 'pid');
      const file = new PidFile({ path, pid: 42, log: QUIET });
      file.remove();
      file.write();
      assert.equal(readFileSync(path, 'utf8'), '42\n');
      assert.deepEqual(readdirSync(folder), ['pid']);
      file.remove();
      file.remove();
      assert.ok(!existsSync(path));
    }));

  it('that names another process by now is left alone', () =>
    inFolder((folder) => {
      const path = join(folder, 'pid');
      const file = new PidFile({ path, pid: 42, log: QUIET });
      file.write();
      writeFileSync(path, '43\n');
      file.remove();
      assert.equal(readFileSync(path, 'utf8'), '43\n');
    }));

  it('that cannot be written is told', () => {
    const told: string[] = [];
    new PidFile({ path: '/nowhere/at/all/pid', pid: 42, log: { error: (event) => void told.push(event) } }).write();
    assert.deepEqual(told, ['pid_file_failed']);
    new PidFile({ path: null, pid: 42, log: QUIET }).write();
  });
});
