/**
 * The SLO loop's tick for one rollout under measurement: two workers, 95/5, ten requests and some errors between ticks.
 *
 * Writing the evidence is measured with it (a worker does that in production) and said in the name.
 */

import { Random } from '../../src/lib/random.ts';
import { createController } from '../../src/slo/controller.ts';
import { SPEC } from '../../test/support/simulate/detection.ts';
import { FakeWorker } from '../../test/support/simulate/worker.ts';
import type { Subject } from './measure.ts';

const TICK_MS = 100;
const REQUESTS_PER_TICK = 10;
const ERROR_RATIO = 0.01;
const CANARY_RATIO = 0.05;

const workers = [new FakeWorker(1), new FakeWorker(2)];
const regions = workers.map(({ region }) => region);
const random = new Random(1);
let nowMs = 10_000;

const controller = createController({
  regions: () => regions,
  rollouts: () => [SPEC],
  weightOf: () => 5,
  setDial: () => {
    throw new Error('a healthy canary was rolled back in a benchmark');
  },
  setLatency: () => undefined,
  nowMs: () => nowMs,
  wallTime: () => '',
});

function requests(): void {
  for (let i = 0; i < REQUESTS_PER_TICK; i++) {
    const { cell, unit } = random.nextFloat() < CANARY_RATIO ? SPEC.canary : SPEC.stable;
    const isBad = random.nextFloat() < ERROR_RATIO;
    workers[i & 1]?.finish({ cell, unit, user: random.nextUint32(), isBad, nowMs: nowMs - 1 });
  }
}

export const VERDICT_SUBJECTS: readonly Subject[] = [
  {
    name: `verdict tick of a rollout, with ${REQUESTS_PER_TICK} requests`,
    run: (times) => {
      let kept = 0;
      for (let i = 0; i < times; i++) {
        nowMs += TICK_MS;
        requests();
        kept += controller.tick(nowMs).decisions.length;
      }
      return kept;
    },
  },
];
