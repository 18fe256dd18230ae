/** Files that fixed answers name, and that are no files. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { it } from 'node:test';
import { readBelow } from '#src/sources/document/files.ts';
import { inFolder } from '../../support/state/folder.ts';

it('a pipe is not read, and nobody waits for its writer', () =>
  inFolder((folder) => {
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    const fault = readBelow(folder, 'pipe');
    assert.ok(typeof fault !== 'string', 'read');
    assert.match(fault.expected, /plain file/);
  }));
