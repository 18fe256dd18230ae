import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromBytes, toBytes } from '#src/slo/budget/ledger/saved.ts';
import type { SavedObjective } from '#src/slo/budget/objective.ts';
import { Ring } from '#src/slo/budget/ring.ts';

const previous = { startMs: 1000, good: 9, bad: 0 };
const calendar = { startMs: 2000, good: 5, bad: 1, previous };

function saved(parts: Partial<SavedObjective> = {}): SavedObjective {
  const ring = new Ring(0);
  ring.add(10, 7, 3);
  return { id: 'route/a/availability', ring: ring.toBytes(), calendar, owed: 2, firingForMs: [null, 4], ...parts };
}

test('what an objective counted comes back as it was, also from the middle of other bytes', () => {
  for (const one of [saved(), saved({ calendar: null }), saved({ calendar: { ...calendar, previous: null } })]) {
    const bytes = toBytes(one);
    assert.deepEqual(fromBytes(one.id, bytes), one);
    const padded = new Uint8Array(bytes.length + 10);
    padded.set(bytes, 3);
    const back = fromBytes(one.id, padded.subarray(3, 3 + bytes.length));
    assert.deepEqual({ ...back, ring: null }, { ...one, ring: null });
    assert.deepEqual(Ring.fromBytes(back.ring, 20, 0).counts('5m'), { good: 7, bad: 3 });
  }
});

test('bytes that are something else are refused by name', () => {
  const bytes = toBytes(saved());
  const broken = [
    new Uint8Array(2),
    bytes.subarray(0, 20),
    toBytes(saved({ owed: Number.NaN })),
    toBytes(saved({ firingForMs: 'x' as unknown as number[] })),
    toBytes(saved({ calendar: { startMs: 1 } as unknown as typeof calendar })),
    new Uint8Array([4, 0, 0, 0, 0x6e, 0x75, 0x6c, 0x6c]),
  ];
  for (const one of broken)
    assert.throws(() => fromBytes('route/a', one), { code: 'SLU_STATE_INVALID', message: /route\/a/ });
});
