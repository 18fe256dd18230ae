/**
 * The process's one monotonic clock. Hot path.
 *
 * `performance.now()` counts from each thread's own start; the offset to the system's monotonic clock makes readings
 * of different threads comparable. It never steps when the wall clock does. The only place that reads time; pure code
 * takes `nowMs` as an argument.
 */

const offsetMs = Number(process.hrtime.bigint() / 1000n) / 1000 - performance.now();

/** Milliseconds since an arbitrary fixed instant, the same in every thread. Cost: about 30 ns, allocates nothing. */
export function nowMs(): number {
  return performance.now() + offsetMs;
}

/** Wall clock as ISO 8601, for people and logs only: it may step. */
export function wallTime(): string {
  return new Date().toISOString();
}
