/**
 * The load in a thread of its own: who looks at the gateway meanwhile must not wait for it.
 */

import { parentPort, workerData } from 'node:worker_threads';
import { startOverload } from './load.ts';

interface Part {
  readonly port: number;
  readonly connections: number;
  readonly first: number;
  readonly step: number;
}

const { port, connections, first, step } = workerData as Part;
const load = startOverload(port, connections, first, step);
parentPort?.once('message', () => {
  load.stop();
  parentPort?.postMessage({ answers: load.answers, closed: load.closed() });
  parentPort?.close();
});
