/**
 * Loaded into every process of tests before their files: ends one that lives on when all of its tests are over, and what it has started.
 *
 * A test that hangs is failed by its time limit, and its process stays for as long as a child, a socket or a timer of it does; so would
 * the run, which waits for the end of every process. What keeps it is told then, and its file is failed where none of its tests was.
 * Not seen: what computes or waits without giving its turn back, and processes that a child has started.
 */

import type { ChildProcess } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import { after } from 'node:test';
import { isMainThread } from 'node:worker_threads';

/** From the end of the last test, hooks and all, to that of its process: seconds on a busy machine, more if it stands still. */
const GRACE_MS = Number(process.env['SLUICE_TEST_GRACE_MS'] ?? 300_000);

function watchEnd(): void {
  const children = new Set<ChildProcess>();
  subscribe('child_process', (message) => {
    const { process: child } = message as { readonly process: ChildProcess };
    children.add(child);
    for (const end of ['exit', 'error']) child.once(end, () => children.delete(child));
  });
  process.once('exit', () => {
    for (const child of children) child.kill('SIGKILL');
  });
  after(() => {
    setTimeout(() => {
      const started = [...children].map(({ spawnargs }) => (spawnargs ?? []).join(' '));
      const kept = [...process.getActiveResourcesInfo(), ...started].join(', ');
      process.stderr.write(`${process.argv[1]} does not end ${GRACE_MS} ms after its tests: ${kept}\n`);
      process.exit(1);
    }, GRACE_MS).unref();
  });
}

// Threads of a process are loaded with it as well, and end with it; its forks are as they are without it.
if (isMainThread) {
  const at = process.execArgv.indexOf(import.meta.filename);
  if (at > 0) process.execArgv.splice(at - 1, 2);
  watchEnd();
}
