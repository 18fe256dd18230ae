/**
 * Notices that the process has no file descriptor left.
 *
 * Nothing tells so by itself: at EMFILE libuv accepts a connection with a spare descriptor and closes it, and the server
 * emits no event (seen in Node 26). So one descriptor is taken and given back at each look. While there is none, it is
 * said once per `SAY_MS`.
 */

import { closeSync, openSync } from 'node:fs';

const SAY_MS = 10_000;

/** Code of the system's error when no descriptor can be had, or empty. */
export type TakeDescriptor = () => string;

function takeOne(): string {
  try {
    closeSync(openSync('/dev/null', 'r'));
    return '';
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    // On a system without /dev/null nothing can be told.
    return code === 'EMFILE' || code === 'ENFILE' ? code : '';
  }
}

/** Looks now and then. */
export class DescriptorWatch {
  readonly #take: TakeDescriptor;
  #saidAtMs = Number.NEGATIVE_INFINITY;

  constructor(take: TakeDescriptor = takeOne) {
    this.#take = take;
  }

  /** The code to say now, or empty. Cost: about 10 us. */
  look(nowMs: number): string {
    const code = this.#take();
    if (code === '' || nowMs - this.#saidAtMs < SAY_MS) return '';
    this.#saidAtMs = nowMs;
    return code;
  }
}
