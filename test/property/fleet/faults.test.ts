/** Random faults on virtual time: one leader, one window, nothing said late, no rollback forgotten. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runSeeds } from '../../support/runner/apart.ts';
import type { runSchedule } from '../../support/stores/fleet/schedule.ts';

const QUICK = 40;
const FIRST = 1;

test('under random faults nobody shares an office, and no rollback is forgotten', async () => {
  const sums = new Map<string, number>();
  const module = new URL('../../support/stores/fleet/schedule.ts', import.meta.url);
  for (const course of await runSeeds<Awaited<ReturnType<typeof runSchedule>>>({
    module,
    first: FIRST,
    count: QUICK,
  })) {
    for (const [what, count] of Object.entries(course)) sums.set(what, (sums.get(what) ?? 0) + Number(count));
  }
  // The schedules are worth something only if everything happens in them.
  for (const what of ['rollbacks', 'rollbacksAlone', 'starts', 'leaders']) {
    assert.ok((sums.get(what) ?? 0) >= 20, `${what}: ${sums.get(what)}`);
  }
});
