/**
 * A port on loopback to which connections neither open nor fail: its listener's queue is full and nobody accepts.
 *
 * A thread listens with the smallest backlog and then stops for good; the kernel drops further SYNs. Linux only.
 */

import { once } from 'node:events';
import { connect } from 'node:net';
import type { TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';

/** Connections that a listener with backlog 1 takes without accepting. */
const QUEUED = 2;

const CODE = `
  const { createServer } = require('node:net');
  const { parentPort } = require('node:worker_threads');
  const server = createServer();
  server.listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
`;

/** Resolves with the port; it ends with the test. */
export async function blackholeOf(t: TestContext): Promise<number> {
  const worker = new Worker(CODE, { eval: true });
  t.after(() => worker.terminate());
  const [port] = (await once(worker, 'message')) as [number];
  const fillers = Array.from({ length: QUEUED }, () => connect({ host: '127.0.0.1', port }));
  for (const filler of fillers) {
    // The end of the thread resets them.
    filler.on('error', () => filler.destroy());
    t.after(() => filler.destroy());
  }
  await Promise.all(fillers.map((filler) => once(filler, 'connect')));
  return port;
}
