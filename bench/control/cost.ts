/**
 * Measures what one tick of the controller costs, by workers and traffic, reading included.
 *
 * Wall time of the median tick: a thread's CPU time has a grain of milliseconds on some kernels, and the median does not see
 * the ticks that other processes interrupt.
 */

import { Random } from '#src/lib/random.ts';
import { createController } from '#src/slo/controller.ts';
import { SPEC } from '../../test/support/simulate/detection.ts';
import { FakeWorker } from '../../test/support/simulate/worker.ts';
import type { Table } from './tables.ts';

const USERS = 20_000;

/** Microseconds of a tick per version (a rollout has two): the median tick, after as many of warm-up. */
export function costs(ticks: number): Table {
  const rows = [1, 2, 4, 8].map((workers) => [
    `${workers}`,
    ...[10, 100, 1000].map((perTick) => (tickMicros(workers, perTick, ticks) / 2).toFixed(1)),
  ]);
  return {
    title: 'One tick, microseconds per route and version (5 % of requests on the canary, 1 % bad)',
    head: ['workers', '100 requests/s', '1,000 requests/s', '10,000 requests/s'],
    rows,
  };
}

function tickMicros(workerCount: number, perTick: number, ticks: number): number {
  const workers = Array.from({ length: workerCount }, (_, id) => new FakeWorker(id));
  const regions = workers.map(({ region }) => region);
  const random = new Random(3);
  let nowMs = 10_000;
  const controller = createController({
    regions: () => regions,
    rollouts: () => [SPEC],
    weightOf: () => 5,
    setDial: () => undefined,
    setLatency: () => undefined,
    nowMs: () => nowMs,
    wallTime: () => '',
  });
  const times = new Float64Array(ticks);
  for (let tick = 0; tick < 2 * ticks; tick++) {
    nowMs += 100;
    for (let n = 0; n < perTick; n++) {
      const arm = random.nextUint32() % 20 === 0 ? SPEC.canary : SPEC.stable;
      const user = random.nextUint32() % USERS;
      const worker = workers[n % workerCount] as FakeWorker;
      worker.finish({
        cell: arm.cell,
        unit: arm.unit,
        user,
        isBad: random.nextUint32() % 100 === 0,
        nowMs: nowMs - 50,
      });
    }
    const startedMs = performance.now();
    controller.tick(nowMs);
    if (tick >= ticks) times[tick - ticks] = 1000 * (performance.now() - startedMs);
  }
  return times.sort()[ticks >> 1] as number;
}
