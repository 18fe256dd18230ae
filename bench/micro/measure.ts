/**
 * Times one function on one thread: CPU nanoseconds and allocated bytes per call.
 *
 * CPU time of this thread, not wall time, so that other work on the machine does not count; batches after a warm-up, of
 * which the median is reported.
 */

import { getHeapStatistics } from 'node:v8';

export interface Measurement {
  readonly name: string;
  readonly nsPerCall: number;
  readonly bytesPerCall: number;
}

export interface Subject {
  readonly name: string;
  /** Runs the subject `times` times; the result keeps the work from being optimized away. */
  readonly run: (times: number) => number;
}

/** @param calls per batch; a smoke run takes few. */
export function measure(subject: Subject, calls: number, batches: number): Measurement {
  let kept = subject.run(calls);
  const times: number[] = [];
  const bytes: number[] = [];
  for (let batch = 0; batch < batches; batch++) {
    const before = getHeapStatistics().total_allocated_bytes;
    const started = process.threadCpuUsage();
    kept += subject.run(calls);
    const used = process.threadCpuUsage(started);
    times.push(((used.user + used.system) * 1000) / calls);
    bytes.push((getHeapStatistics().total_allocated_bytes - before) / calls);
  }
  if (Number.isNaN(kept)) throw new Error(`${subject.name} computed NaN`);
  return { name: subject.name, nsPerCall: median(times), bytesPerCall: Math.min(...bytes) };
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] as number;
}
