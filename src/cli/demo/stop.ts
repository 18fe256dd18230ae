/**
 * Watches for the wish to end: SIGINT, SIGTERM, SIGHUP, or on a terminal the key q or Ctrl-C.
 */

import type { Input, ProcessEvents } from '../deps.ts';

export interface Stop {
  /** Aborted by the first wish. */
  readonly signal: AbortSignal;
  /** The demo's own wish. */
  end(): void;
  /** Stops watching and gives the terminal back. */
  release(): void;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const CTRL_C = 3;

/** Starts watching. A second wish changes nothing: ending is bounded anyway. */
export function watchForEnd(events: ProcessEvents, input: Input): Stop {
  const controller = new AbortController();
  const end = () => controller.abort();
  const onKey = (chunk: Buffer) => {
    if (chunk.some((byte) => byte === CTRL_C || byte === 'q'.charCodeAt(0) || byte === 'Q'.charCodeAt(0))) end();
  };
  for (const signal of SIGNALS) events.on(signal, end);
  const isTerminal = input.isTTY === true && input.setRawMode !== undefined;
  if (isTerminal) {
    input.setRawMode?.(true);
    input.on('data', onKey);
    input.resume();
  }
  return {
    signal: controller.signal,
    end,
    release() {
      for (const signal of SIGNALS) events.off(signal, end);
      if (!isTerminal) return;
      input.off('data', onKey);
      input.setRawMode?.(false);
      input.pause();
    },
  };
}
