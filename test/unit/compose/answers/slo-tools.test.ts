import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sloTools } from '#src/compose/answers/slo-tools.ts';
import { isBeyondChance } from '#src/slo/budget/guard.ts';

test('the fewest failures that prove something are those of the guard, and no fewer', () => {
  for (const total of [10, 30, 100, 300, 1000, 3000]) {
    const needed = sloTools.badNeeded(total, 0.0144) as number;
    assert.ok(isBeyondChance(needed, total, 0.0144), `${needed} of ${total}`);
    assert.ok(!isBeyondChance(needed - 1, total, 0.0144), `${needed - 1} of ${total}`);
  }
  assert.deepEqual(
    [10, 100, 1000].map((total) => sloTools.badNeeded(total, 0.0144)),
    [2, 6, 25],
  );
});

test('nothing is proven where not even all would be enough', () => {
  assert.equal(sloTools.badNeeded(1.5, 0.0144), null);
  assert.equal(sloTools.badNeeded(3, 0.9), null);
});
