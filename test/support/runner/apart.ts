/**
 * Runs many seeds of one history in a thread of their own: the test runner follows every promise of its own thread, which
 * costs several times what the histories do.
 */

import { Worker } from 'node:worker_threads';

/** Which seeds of what. */
export interface Seeds {
  /** Exports `runSchedule(seed)`, which rejects when a rule is broken. */
  readonly module: URL;
  readonly first: number;
  readonly count: number;
}

const CODE = `
import { parentPort, workerData } from 'node:worker_threads';
const { runSchedule } = await import(workerData.module);
for (let n = 0; n < workerData.count; n++) await runSchedule(workerData.first + n);
parentPort.postMessage('done');
`;

/** Resolves when every seed has run. @throws what the first broken one threw */
export function runSeeds({ module, first, count }: Seeds): Promise<void> {
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(CODE)}`), {
    workerData: { module: module.href, first, count },
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  worker.once('message', () => resolve());
  worker.once('error', reject);
  worker.once('exit', (code) => reject(new Error(`the thread left with ${code} before it was done`)));
  return promise;
}
