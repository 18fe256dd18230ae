/**
 * Counts the bytes that a function allocates per call.
 *
 * The counter of the heap is exact, but optimization, feedback and stack frames of the interpreter allocate on their
 * own at times; the smallest of several batches after a warm-up is the function's own.
 */

import { getHeapStatistics } from 'node:v8';

/** Bytes per call of `run`, the least of `batches` batches of `calls`. */
export function bytesPerCall(run: () => void, calls = 5000, batches = 12): number {
  for (let i = 0; i < calls * 8; i++) run();
  let least = Number.POSITIVE_INFINITY;
  for (let batch = 0; batch < batches; batch++) least = Math.min(least, bytesOf(run, calls));
  return least;
}

function bytesOf(run: () => void, calls: number): number {
  // What the measurement itself allocates is measured with an empty loop.
  const start = getHeapStatistics().total_allocated_bytes;
  const overhead = getHeapStatistics().total_allocated_bytes - start;
  const before = getHeapStatistics().total_allocated_bytes;
  for (let i = 0; i < calls; i++) run();
  return Math.max(0, getHeapStatistics().total_allocated_bytes - before - overhead) / calls;
}
