/**
 * What is kept of one worker thread: its life, what it said, and how long its successor waits.
 */

import type { Worker } from 'node:worker_threads';
import type { WorkerStatus } from '../../model/status.ts';
import { CELL, CELL_WORDS, ENDPOINT, ENDPOINT_WORDS, type Tallies } from '../../model/tallies.ts';
import type { OpenListener } from '../../model/threads/messages.ts';

const RESTART_MS_MIN = 50;
/** Longest wait before a worker is replaced. */
export const RESTART_MS_MAX = 5000;

/** An id that no snapshot uses any more, since a revision. */
export interface Retired {
  readonly table: string;
  readonly id: number;
  readonly absentSince: number;
}

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
  /** Where it listens; empty before it does. */
  listeners: readonly OpenListener[];
  /** It could listen. */
  readonly ready: PromiseWithResolvers<void>;
  /** It listens, at these ports. */
  readonly listening: PromiseWithResolvers<readonly number[]>;
  /** It was asked for a profile of itself; null: it was not. */
  profile: PromiseWithResolvers<Uint8Array> | null;
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
    listeners: [],
    ready: Promise.withResolvers<void>(),
    listening: Promise.withResolvers<readonly number[]>(),
    profile: null,
  };
}

/** Tells whoever waits for the worker; nobody may. */
export function failSlot({ ready, listening, profile }: Slot, error: Error): void {
  ready.promise.catch(() => undefined);
  listening.promise.catch(() => undefined);
  ready.reject(error);
  listening.reject(error);
  profile?.reject(error);
}

/** Asks for a profile. One at a time: a question before it is given up. */
export function askProfile(slot: Slot): Promise<Uint8Array> {
  slot.profile?.reject(new Error('another profile was asked for'));
  slot.profile = Promise.withResolvers<Uint8Array>();
  return slot.profile.promise;
}

/** Hands an answer to whoever asked for it. @param result the profile, or why there is none */
export function answerProfile({ profile }: Slot, result: Uint8Array | string): void {
  if (typeof result === 'string') profile?.reject(new Error(result));
  else profile?.resolve(result);
}

/** Wait before a worker is replaced. @param earlyDeaths in a row that came soon; 0 after one that had served long. */
export function restartDelayMs(earlyDeaths: number): number {
  return Math.min(RESTART_MS_MAX, RESTART_MS_MIN * 2 ** Math.min(Math.max(0, earlyDeaths - 1), 10));
}

/** Whether nothing is under way for an id in any of these regions. */
export function isIdle(regions: readonly { readonly tallies: Tallies }[], { table, id }: Retired): boolean {
  if (table === 'units') return true;
  return regions.every(({ tallies }) =>
    table === 'cells'
      ? tallies.cells[id * CELL_WORDS + CELL.inFlight] === 0 && tallies.cells[id * CELL_WORDS + CELL.sessions] === 0
      : tallies.endpoints[id * ENDPOINT_WORDS + ENDPOINT.inFlight] === 0,
  );
}
