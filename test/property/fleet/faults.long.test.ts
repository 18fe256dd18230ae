import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { runSchedule } from '../../support/stores/fleet/schedule.ts';

const SCHEDULES = 10_000;

test('10,000 other schedules of faults forget no rollback either', async (t) => {
  // A failure names its own seed: `runSchedule(seed)` replays it.
  const first = 1000 + randomInt(2 ** 30);
  t.diagnostic(`seeds from ${first}`);
  for (let seed = first; seed < first + SCHEDULES; seed++) await runSchedule(seed);
});
