/**
 * Waits for a promise, but not for ever.
 *
 * Its patience is counted in short waits, so a process that stands still uses up no more than one of them: timers that are due
 * may run before what came in meanwhile is heard, and an answer that is here already is not late.
 */

const WAIT_MS = 50;

/** Whether a promise is fulfilled within some time. */
export async function within(timeoutMs: number, promise: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    const wait = (leftMs: number): void => {
      if (leftMs <= 0) resolve(false);
      else timer = setTimeout(wait, Math.min(leftMs, WAIT_MS), leftMs - WAIT_MS);
    };
    wait(timeoutMs);
  });
  try {
    return await Promise.race([promise.then(() => true as const), late]);
  } finally {
    clearTimeout(timer);
  }
}
