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
const results = [];
for (let n = 0; n < workerData.count; n++) results.push(await runSchedule(workerData.first + n));
parentPort.postMessage(results);
`;

/** Resolves with what every seed returned. @throws what the first broken one threw */
export function runSeeds<T>({ module, first, count }: Seeds): Promise<T[]> {
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(CODE)}`), {
    workerData: { module: module.href, first, count },
  });
  const { promise, resolve, reject } = Promise.withResolvers<T[]>();
  worker.once('message', resolve);
  worker.once('error', reject);
  worker.once('exit', (code) => reject(new Error(`the thread left with ${code} before it was done`)));
  return promise;
}
