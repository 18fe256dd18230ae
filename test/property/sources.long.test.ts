import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { runSeeds } from '../support/runner/apart.ts';

const SCHEDULES = 10_000;

test('10,000 other schedules of faults lose no update either', async (t) => {
  // A failure names its own seed: `runSchedule(seed)` replays it.
  const first = 1000 + randomInt(2 ** 30);
  t.diagnostic(`seeds from ${first}`);
  const module = new URL('../support/stores/schedule.ts', import.meta.url);
  await runSeeds({ module, first, count: SCHEDULES });
});
