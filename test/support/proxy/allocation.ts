/**
 * Counts the bytes that a function allocates per call.
 *
 * The counter of the heap is exact, but before the optimizing compiler has done its work, which a busy machine delays,
 * interpreted code boxes numbers that compiled code does not. So batches are run until one allocates no more than is
 * allowed, or until `STILL_MS` bring nothing better; the least of them is the function's own.
 *
 * What the compiler inlines, and so what it leaves boxed for good, depends on the feedback there is when it begins. Beside the
 * program that moment is chance: of 60 starts of one test 13 boxed, none of 60 with `--no-concurrent-recompilation`, which
 * `npm test` sets (`test/run.ts`).
 */

import { getHeapStatistics } from 'node:v8';
import { IS_QUICK } from '../runner/depth.ts';

/**
 * Options of every test that counts: in a quick run many files share a process, and what others made of a function's types
 * makes it box numbers.
 */
export const COUNTED = { skip: IS_QUICK && 'the heap is counted in the full run' } as const;

const BATCHES_MIN = 12;
/** What the measurement itself allocates in a batch beyond its `overhead`: 512 bytes were seen while it was not compiled. */
const OWN_BYTES = 1024;
const STILL_MS = 3000;

/**
 * Bytes per call of `run`, the least of many batches of `calls`.
 * @param allowed bytes per call that end the search
 */
export function bytesPerCall(run: () => void, calls = 5000, allowed = 0): number {
  if (IS_QUICK) throw new Error('a test that counts bytes needs the options COUNTED');
  let least = Number.POSITIVE_INFINITY;
  let improvedAt = performance.now();
  for (let batch = 0; batch < BATCHES_MIN || performance.now() - improvedAt < STILL_MS; batch++) {
    const bytes = bytesOf(run, calls);
    if (bytes < least) {
      least = bytes;
      improvedAt = performance.now();
    }
    if (least <= allowed) break;
  }
  return least;
}

function bytesOf(run: () => void, calls: number): number {
  // What the measurement itself allocates is measured without calls.
  const start = getHeapStatistics().total_allocated_bytes;
  const overhead = getHeapStatistics().total_allocated_bytes - start;
  const before = getHeapStatistics().total_allocated_bytes;
  for (let i = 0; i < calls; i++) run();
  return Math.max(0, getHeapStatistics().total_allocated_bytes - before - overhead - OWN_BYTES) / calls;
}
