/**
 * The load in a thread of its own: who looks at the gateway meanwhile must not wait for it.
 */

import { parentPort, workerData } from 'node:worker_threads';
import { startOverload } from './load.ts';

const { port, connections } = workerData as { readonly port: number; readonly connections: number };
const load = startOverload(port, connections);
parentPort?.once('message', () => {
  load.stop();
  parentPort?.postMessage({ answers: load.answers, closed: load.closed() });
  parentPort?.close();
});
