/**
 * A data-plane thread that a test can kill: it throws when its id is said on a broadcast channel.
 */

import { BroadcastChannel, workerData } from 'node:worker_threads';
import type { WorkerSetup } from '#src/model/threads/messages.ts';

/** The channel. Told in words too: this file is loaded by threads, not by the test. */
const channel = new BroadcastChannel('sluice-test-kill');

channel.onmessage = (event) => {
  const { data } = event as { data: unknown };
  if (data === (workerData as WorkerSetup).id) throw new Error('killed by a test');
};
channel.unref();

await import('#src/compose/worker.ts');
