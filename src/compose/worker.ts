/**
 * Composition root of one data-plane thread: connects a plane to the control plane's messages.
 */

import { parentPort, workerData } from 'node:worker_threads';
import type { FromWorker, ToWorker, WorkerSetup } from '../model/threads/messages.ts';
import { Plane } from '../proxy/plane.ts';

const port = parentPort;
if (port === null) throw new Error('worker.ts runs as a worker thread only');

const setup = workerData as WorkerSetup;
const say = (message: FromWorker): void => port.postMessage(message);
const plane = new Plane({
  ...setup,
  writeAccess: (batch) => say({ kind: 'access', batch }),
  wantKeys: () => say({ kind: 'key-unknown' }),
});

async function drain(): Promise<void> {
  await plane.drain();
  say({ kind: 'drained' });
  port?.close();
}

async function listen(at: number): Promise<void> {
  try {
    const { host, reusePort, fds } = setup;
    const listening = await plane.listener.listen({ host, port: at, reusePort, fds });
    say({ kind: 'linked', revision: setup.snapshot.revision });
    say({ kind: 'listening', port: listening, fds: plane.listener.fds });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    say({ kind: 'failed', code: code ?? 'UNKNOWN', message });
    plane.destroy();
    port?.close();
  }
}

port.on('message', (message: ToWorker) => {
  switch (message.kind) {
    case 'snapshot':
      say({ kind: 'linked', revision: plane.swap(message.snapshot) });
      return;
    case 'change': {
      const revision = plane.change(message.change);
      say(revision === null ? { kind: 'missed' } : { kind: 'linked', revision });
      return;
    }
    case 'listen':
      void listen(message.port);
      return;
    case 'color-keys':
      plane.learn(message.keys);
      return;
    case 'access-taken':
      plane.accessLog.taken();
      return;
    case 'access-more':
      plane.accessLog.more(message.shares);
      return;
    case 'lame-duck':
      plane.lameDuck();
      return;
    case 'leave':
      plane.leave();
      return;
    case 'drain':
      void drain();
      return;
    case 'stop':
      plane.destroy();
      port.close();
      return;
    default:
      message satisfies never;
  }
});

if (setup.waits) say({ kind: 'ready' });
else await listen(setup.port);
