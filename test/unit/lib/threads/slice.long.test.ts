/** Threads that are woken at once: the kernel's own word on it, from a thread that asked. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { HAS_SLICES, slicesOf } from '../../../support/proxy/workers/slices.ts';

const FILE = import.meta.resolve('#src/lib/threads/slice.ts');
const TEXT = `
import { parentPort } from 'node:worker_threads';
const warnings = [];
process.on('warning', ({ message }) => warnings.push(message));
const { takeShortSlices } = await import(${JSON.stringify(FILE)});
const because = takeShortSlices();
setImmediate(() => parentPort.postMessage({ because, warnings }));
parentPort.on('message', () => process.exit());
`;

/** What a process of its own says, started with these options. */
function saidWith(...options: readonly string[]): string {
  const text = `import(${JSON.stringify(FILE)}).then((slice) => process.stdout.write(slice.takeShortSlices()))`;
  return execFileSync(process.execPath, [...options, '-e', text], { encoding: 'utf8' });
}

it('a thread that asks has the shortest slices, no other one has, and nothing is said of it', async () => {
  const thread = new Worker(new URL(`data:text/javascript,${encodeURIComponent(TEXT)}`), { name: 'asks-for-them' });
  const [{ because, warnings }] = (await once(thread, 'message')) as [{ because: string; warnings: string[] }];
  try {
    assert.deepEqual(warnings, []);
    assert.equal(because === '', HAS_SLICES, because);
    if (!HAS_SLICES) return;
    const asking = slicesOf(process.pid).filter(([name]) => name === 'asks-for-them');
    const others = slicesOf(process.pid).filter(([name]) => name !== 'asks-for-them');
    assert.deepEqual(asking, [['asks-for-them', 100]]);
    assert.ok(others.every(([, slice]) => slice > 100));
  } finally {
    await thread.terminate();
  }
});

it('where they are not to be had it is said why', () => {
  assert.match(saidWith('--no-experimental-ffi'), /^this Node has no node:ffi/);
  assert.match(saidWith('--permission', '--allow-fs-read=*'), /permission|restricted/i);
});
