import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { FromState } from '#src/model/threads/state.ts';
import { sampleDecision } from '../../support/readings/status.ts';
import { inFolder } from '../../support/state/folder.ts';
import { batchOf } from '../../support/state/log.ts';

const FILE = new URL('../../../src/state/thread.ts', import.meta.url);

test('the thread says what it opened, writes what it is given, and ends when it is told', () =>
  inFolder(async (folder) => {
    const thread = new Worker(FILE, { workerData: { directory: folder } });
    const answer = async (): Promise<FromState> => ((await once(thread, 'message')) as [FromState])[0];
    assert.equal((await answer()).kind, 'opened');
    thread.postMessage({ kind: 'write', batch: batchOf({ decisions: [sampleDecision({ id: 4 })] }) });
    const written = await answer();
    assert.ok(written.kind === 'written' && written.recorded[0]?.id === 4);
    thread.postMessage({ kind: 'close' });
    assert.deepEqual(await once(thread, 'exit'), [0]);
  }));

test('budgets that could not be written come back with their bytes', () =>
  inFolder(async (folder) => {
    const first = new Worker(FILE, { workerData: { directory: folder } });
    await once(first, 'message');
    const second = new Worker(FILE, { workerData: { directory: folder } });
    const [closed] = (await once(second, 'message')) as [FromState];
    assert.equal(closed.kind, 'closed');
    const bytes = new Uint8Array([1, 2, 3]);
    const batch = batchOf({ budgets: new Map([['a', { format: 1, bytes, at: '' }]]) });
    second.postMessage({ kind: 'write', batch }, [bytes.buffer]);
    const [failed] = (await once(second, 'message')) as [FromState];
    assert.ok(failed.kind === 'failed');
    assert.deepEqual([...(failed.budgets.get('a')?.bytes ?? [])], [1, 2, 3]);
    await Promise.all([first.terminate(), second.terminate()]);
  }));
