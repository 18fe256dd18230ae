/**
 * The process's one monotonic clock. Hot path.
 *
 * `performance.now()` counts from each thread's own start; the offset to the system's monotonic clock makes readings
 * of different threads comparable. It never steps when the wall clock does. The only place that reads time; pure code
 * takes `nowMs` as an argument.
 */

const TRIES = 8;
const offsetMs = measureOffset();

/** Both clocks are read one after the other; of several tries the one counts in which least time passed in between. */
function measureOffset(): number {
  let offset = 0;
  let leastMs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < TRIES; i++) {
    const before = performance.now();
    const system = Number(process.hrtime.bigint()) / 1e6;
    const tookMs = performance.now() - before;
    if (tookMs >= leastMs) continue;
    leastMs = tookMs;
    offset = system - before - tookMs / 2;
  }
  return offset;
}

/** Milliseconds since an arbitrary fixed instant, the same in every thread. Cost: about 30 ns, allocates nothing. */
export function nowMs(): number {
  return performance.now() + offsetMs;
}

/** Wall clock as ISO 8601, for people and logs only: it may step. */
export function wallTime(): string {
  return new Date().toISOString();
}
