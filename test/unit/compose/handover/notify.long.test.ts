/** What systemd is told. */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { notifyReady } from '#src/compose/handover/notify.ts';
import { inFolder } from '../../../support/state/folder.ts';

const QUIET = { warn: (event: string) => assert.fail(event) };

describe('systemd', { skip: process.platform === 'win32', timeout: 120_000 }, () => {
  it('is told the process that serves, by its own program', () =>
    inFolder(async (folder) => {
      const said = join(folder, 'said');
      const program = join(folder, 'systemd-notify');
      writeFileSync(program, `#!/bin/sh\necho "$NOTIFY_SOCKET $@" > ${said}\n`, { mode: 0o755 });
      await notifyReady({ env: { NOTIFY_SOCKET: '/run/notify', PATH: folder }, pid: 42, log: QUIET });
      assert.equal(readFileSync(said, 'utf8'), '/run/notify --ready --pid=42\n');
    }));

  it('is told nothing where it does not ask', async () => {
    await notifyReady({ env: {}, pid: 42, log: QUIET });
    await notifyReady({ env: { NOTIFY_SOCKET: '' }, pid: 42, log: QUIET });
  });

  it('that cannot be told holds nobody up', async () => {
    const told: string[] = [];
    const log = { warn: (event: string) => void told.push(event) };
    await notifyReady({ env: { NOTIFY_SOCKET: '/run/notify', PATH: '/nowhere' }, pid: 42, log });
    assert.deepEqual(told, ['notify_failed']);
  });
});
