import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TapeReader } from '#src/slo/replay/read.ts';
import { Recorded } from '../../../support/simulate/watch/recorded.ts';

test('a tape is read over its segments, times going on from one to the next', () => {
  const gateway = new Recorded(3);
  for (let n = 0; n < 300; n++) gateway.tick();
  const { segments, ticks } = gateway.end();
  const [first] = segments;
  const own = segments.filter(({ watch }) => watch === first?.watch);
  const reader = new TapeReader();
  const times = own.flatMap(({ bytes }) =>
    [...reader.rows(bytes)].flatMap((row) => (row.kind === 'look' ? [row.nowMs] : [])),
  );
  assert.ok(own.length > 1 && times.length > ticks / 2);
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  );
});
