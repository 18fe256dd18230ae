/**
 * What is kept of one worker thread: its life, what it said, and how long its successor waits.
 */

import type { Worker } from 'node:worker_threads';
import type { WorkerStatus } from '../../model/status.ts';

const RESTART_MS_MIN = 50;
/** Longest wait before a worker is replaced. */
export const RESTART_MS_MAX = 5000;

/** One worker thread. */
export interface Slot {
  readonly id: number;
  worker: Worker;
  state: WorkerStatus['state'];
  /** Linked. */
  revision: number;
  /** Of the snapshot that it was sent last. */
  sent: number;
  restarts: number;
  /** Deaths in a row that came soon. */
  earlyDeaths: number;
  servingSinceMs: number;
  /** Why it will have died. */
  cause: string;
  /** Its listening sockets. */
  fds: readonly number[];
  /** It could listen. */
  readonly ready: PromiseWithResolvers<void>;
  /** It listens, at this port. */
  readonly listening: PromiseWithResolvers<number>;
}

/** The slot of a worker that has just begun, after the one `before` it. */
export function slotOf(born: Pick<Slot, 'id' | 'worker' | 'sent'>, before: Slot | undefined): Slot {
  return {
    ...born,
    state: 'starting',
    revision: 0,
    restarts: before === undefined ? 0 : before.restarts + 1,
    earlyDeaths: before === undefined ? 0 : before.earlyDeaths,
    servingSinceMs: Number.POSITIVE_INFINITY,
    cause: 'left without a word',
    fds: [],
    ready: Promise.withResolvers<void>(),
    listening: Promise.withResolvers<number>(),
  };
}

/** Tells whoever waits for the worker; nobody may. */
export function failSlot({ ready, listening }: Slot, error: Error): void {
  ready.promise.catch(() => undefined);
  listening.promise.catch(() => undefined);
  ready.reject(error);
  listening.reject(error);
}

/** Wait before a worker is replaced. @param earlyDeaths in a row that came soon; 0 after one that had served long. */
export function restartDelayMs(earlyDeaths: number): number {
  return Math.min(RESTART_MS_MAX, RESTART_MS_MIN * 2 ** Math.min(Math.max(0, earlyDeaths - 1), 10));
}
