/** The bench of fleets runs, and counts every rollback on every gateway. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { cannotRun, REDIS } from '../../support/stores/server.ts';

const BENCH = join(import.meta.dirname, '..', '..', '..', 'bench', 'fleet', 'run.ts');

test('each rollback reaches both other gateways', { skip: cannotRun(REDIS), timeout: 540_000 }, async () => {
  const child = spawn(process.execPath, [BENCH, '--rollbacks', '2'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err] = await Promise.all([child.stdout.setEncoding('utf8').toArray(), child.stderr.toArray()]);
  const text = out.join('');
  assert.match(text, /^2 of 2 rollbacks reached every gateway$/m, `${text}${err.join('')}`);
  assert.match(text, /^the slowest of each +2 /m);
  assert.match(text, /^all of them +4 /m);
});
