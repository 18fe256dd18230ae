/**
 * Composition root of one data-plane thread: connects a plane to the control plane's messages.
 */

import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { collectGarbage, profileThread } from '../health/saturation/profiler.ts';
import { takeShortSlices } from '../lib/threads/slice.ts';
import type { ProfileWish } from '../model/threads/load/saturation.ts';
import type { FromWorker, OpenListener, ToWorker, WorkerSetup } from '../model/threads/messages.ts';
import { Plane } from '../proxy/plane.ts';

const port = parentPort;
if (port === null) throw new Error('worker.ts runs as a worker thread only');

const setup = workerData as WorkerSetup;
const say = (message: FromWorker): void => port.postMessage(message);
const because = takeShortSlices();
if (because !== '') say({ kind: 'long-slices', because });
const plane = new Plane({
  ...setup,
  writeAccess: (batch) => say({ kind: 'access', batch }),
  writeCompared: (batch) => {
    const bodies = batch.answers.flatMap(({ primary, second, mirrored }) => [primary, second, mirrored]);
    port.postMessage(
      { kind: 'compared', batch } satisfies FromWorker,
      bodies.map(({ body }) => body.buffer),
    );
  },
  wantKeys: () => say({ kind: 'key-unknown' }),
});

/** Each batch is answered by an empty message. */
function trace(spans: MessagePort): void {
  plane.tracer.connect((batch) => spans.postMessage(batch));
  spans.on('message', () => plane.tracer.taken());
  // Nobody waits for what is still on its way.
  spans.unref();
}

async function profile(wish: ProfileWish): Promise<void> {
  const result = await profileThread(wish).catch((error: unknown) => String(error));
  say({ kind: 'profiled', result });
}

async function drain(): Promise<void> {
  await plane.drain();
  say({ kind: 'drained' });
  port?.close();
}

async function listen(ports: readonly number[]): Promise<void> {
  const { listener } = plane;
  const { reusePort } = setup;
  const open: OpenListener[] = [];
  try {
    for (const [index, { host, http2, fds, proxyProtocol }] of setup.listeners.entries()) {
      const port = await listener.listen({ host, port: ports[index] ?? 0, reusePort, http2, fds, proxyProtocol });
      open.push({ port, fds: listener.fdsOf(index) });
    }
    say({ kind: 'linked', revision: setup.snapshot.revision });
    say({ kind: 'listening', listeners: open });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    say({ kind: 'failed', listener: open.length, code: code ?? 'UNKNOWN', message });
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
      void listen(message.ports);
      return;
    case 'tls':
      plane.secure(message.tls);
      return;
    case 'color-keys':
      plane.learn(message.keys);
      return;
    case 'faults':
      plane.inject(message.active);
      return;
    case 'broker':
      plane.join(message.port);
      return;
    case 'tracing':
      trace(message.port);
      return;
    case 'access-taken':
      plane.accessLog.taken();
      return;
    case 'compared-taken':
      plane.compared();
      return;
    case 'access-more':
      plane.accessLog.more(message.shares);
      return;
    case 'tap':
      plane.tap(message.taps);
      return;
    case 'profile':
      void profile(message.wish);
      return;
    case 'collect':
      void collectGarbage();
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
else await listen(setup.listeners.map(({ port }) => port));
