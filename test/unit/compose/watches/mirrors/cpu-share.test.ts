/** Work that keeps to a share of the processor. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CpuShare } from '#src/compose/watches/mirrors/cpu-share.ts';

test('work may begin until what it cost is more than there was, and again when that was made up for', () => {
  const share = new CpuShare(0.05, 50, 1000);
  assert.equal(share.waitMs(1000), 0);
  share.spend(40);
  assert.equal(share.waitMs(1000), 0);
  share.spend(30);
  const waitMs = share.waitMs(1000);
  assert.ok(waitMs >= 400 && waitMs <= 402, String(waitMs));
  assert.ok(share.waitMs(1200) > 0);
  assert.equal(share.waitMs(1000 + waitMs), 0);
});

test('in any stretch of time it has its share and one burst, however long it was idle', () => {
  const share = new CpuShare(0.05, 50, 0);
  let nowMs = 1e9;
  let spentMs = 0;
  for (const end = nowMs + 60_000; nowMs < end; ) {
    const waitMs = share.waitMs(nowMs);
    if (waitMs > 0) nowMs += waitMs;
    else {
      share.spend(3);
      spentMs += 3;
    }
  }
  assert.ok(spentMs <= 0.05 * 60_000 + 50 + 3, String(spentMs));
  assert.ok(spentMs >= 0.95 * 0.05 * 60_000, String(spentMs));
});

test('a clock that goes back gives nothing', () => {
  const share = new CpuShare(0.05, 50, 1000);
  share.spend(100);
  const waitMs = share.waitMs(1000);
  assert.equal(share.waitMs(500), waitMs);
});
