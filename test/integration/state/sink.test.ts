/** What a process leaves in its log when it ends. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { suite, test } from 'node:test';

/** Only Linux has a device that is always full. */
const fullDisk = { timeout: 120_000, skip: existsSync('/dev/full') ? false : 'needs /dev/full' };

suite('sink', () => {
  test('a process whose log disk is full writes on and exits with its own code', fullDisk, async () => {
    const script = `
      import { openSync } from 'node:fs';
      import { openSink } from ${JSON.stringify(import.meta.resolve('#src/lib/sink.ts'))};
      const sink = openSink(openSync('/dev/full', 'w'));
      sink.write('one\\n');
      await sink.flush(5000);
      sink.write('two\\n');
      process.stdout.write(JSON.stringify(sink.losses()));
      process.exitCode = 7;
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    const code = await new Promise((resolve) => child.once('close', resolve));
    assert.equal(code, 7);
    assert.deepEqual(JSON.parse(out), { errors: 1, lines: 1, lastCode: 'ENOSPC' });
  });

  test('lines queued at exit are written before the process ends', { timeout: 120_000 }, async () => {
    const script = `
      import { openSink } from ${JSON.stringify(import.meta.resolve('#src/lib/sink.ts'))};
      const sink = openSink(1, () => {});
      sink.write('under way\\n');
      sink.write('queued\\n');
      process.exit(0);
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    await new Promise((resolve) => child.once('close', resolve));
    assert.equal(out, 'under way\nqueued\n');
  });
});
