/**
 * How a command that goes on ends: by a signal, or because nobody reads it any more; never in the middle of a line.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { type CliDeps, EXIT } from '../deps.ts';

/** The end of a command that goes on. */
export interface Ending {
  readonly signal: AbortSignal;
  /** The exit code once it has ended: 130 or 143 by a signal, 0 when its reader went away. */
  code(): number;
  /** Lets go of the signals. */
  release(): void;
}

/** Begins to listen for the end. */
export function endingOf({ events, stdout }: Pick<CliDeps, 'events' | 'stdout'>): Ending {
  const controller = new AbortController();
  let code: number = EXIT.ok;
  const endWith = (as: number) => (): void => {
    if (!controller.signal.aborted) code = as;
    controller.abort();
  };
  const [interrupted, terminated] = [endWith(EXIT.interrupted), endWith(EXIT.terminated)];
  events.on('SIGINT', interrupted);
  events.on('SIGTERM', terminated);
  stdout.on('error', endWith(EXIT.ok));
  return {
    signal: controller.signal,
    code: () => code,
    release: () => {
      events.off('SIGINT', interrupted);
      events.off('SIGTERM', terminated);
    },
  };
}

/** Resolves with what `work` gives, or with null at the end, whatever `work` does then. */
export async function untilEnd<T>({ signal }: Ending, work: Promise<T>): Promise<T | null> {
  if (signal.aborted) return null;
  const { promise: ended, resolve } = Promise.withResolvers<null>();
  const end = (): void => resolve(null);
  signal.addEventListener('abort', end, { once: true });
  try {
    return await Promise.race([work, ended]);
  } finally {
    signal.removeEventListener('abort', end);
  }
}

/** Waits, or until the end. @returns whether it goes on */
export async function pause({ signal }: Ending, ms: number): Promise<boolean> {
  try {
    await sleep(ms, undefined, { signal });
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}
