/**
 * The thread that owns the state's file: whatever the disk does, the control plane does not wait for it.
 */

import { parentPort, workerData } from 'node:worker_threads';
import { wallTime } from '../lib/clock.ts';
import type { FromState, StateSetup, ToState } from '../model/threads/state.ts';
import { Writer } from './writer.ts';

const port = parentPort;
if (port === null) throw new Error('state/thread.ts runs as a worker thread only');

const { directory } = workerData as StateSetup;
const writer = new Writer(directory, wallTime);
const say = (message: FromState): void => {
  const budgets = message.kind === 'failed' ? [...message.budgets.values()] : [];
  port.postMessage(message, [...new Set(budgets.map(({ bytes }) => bytes.buffer as ArrayBuffer))]);
};

say(writer.open());
port.on('message', (message: ToState) => {
  switch (message.kind) {
    case 'open':
      say(writer.open());
      return;
    case 'write':
      say(writer.write(message.batch));
      return;
    case 'close':
      writer.close();
      port.close();
      return;
    default:
      message satisfies never;
  }
});
