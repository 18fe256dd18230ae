/**
 * A wait that nobody has to wait for.
 */

/** Resolves after `ms`; never once `signal` is aborted: whoever aborts no longer wants to know. Keeps no process alive. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => clearTimeout(timer);
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', end);
      resolve();
    }, ms);
    timer.unref();
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}
