/** A system that has no thread to give for a while: a worker thread cannot be made. */

import { syncBuiltinESMExports } from 'node:module';
import type { TestContext } from 'node:test';

/**
 * Every `new Worker` throws, as at a limit of processes, until the returned function is called or the test ends. To be called
 * before timers are mocked: names that modules have imported are bound anew.
 */
export function withoutThreads(t: TestContext): () => void {
  const threads = process.getBuiltinModule('node:worker_threads');
  const { Worker } = threads;
  let hasThreads = false;
  const put = (made: unknown): void => {
    Object.assign(threads, { Worker: made });
    syncBuiltinESMExports();
  };
  put(
    class {
      constructor(...args: ConstructorParameters<typeof Worker>) {
        if (!hasThreads) throw new Error('EAGAIN');
        return new Worker(...args);
      }
    },
  );
  t.after(() => {
    t.mock.timers.reset();
    put(Worker);
  });
  return () => {
    hasThreads = true;
  };
}
