import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runSeeds } from '../support/runner/apart.ts';
import type { runSchedule } from '../support/stores/schedule.ts';

const QUICK = 100;
const FIRST = 1;

test('under random faults no update is lost, no revision is wrong, and staleness is always told', async () => {
  const looks = { partial: 0, ahead: 0, voids: 0 };
  const kinds = new Map<string, number>();
  const module = new URL('../support/stores/schedule.ts', import.meta.url);
  for (const { events, partial, ahead, voids } of await runSeeds<Awaited<ReturnType<typeof runSchedule>>>({
    module,
    first: FIRST,
    count: QUICK,
  })) {
    looks.partial += partial;
    looks.ahead += ahead;
    looks.voids += voids;
    for (const kind of events) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  // The schedules are worth something only if everything happens in them.
  assert.ok(looks.partial >= QUICK, `${looks.partial} listings of what changed`);
  assert.ok(looks.ahead >= QUICK && looks.voids >= QUICK / 10, `${looks.ahead} ahead, ${looks.voids} void`);
  for (const kind of ['changed', 'failed', 'recovered', 'shrunk', 'drifted']) {
    assert.ok((kinds.get(kind) ?? 0) >= 10, `${kind}: ${kinds.get(kind)}`);
  }
});
