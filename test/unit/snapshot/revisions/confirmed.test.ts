import assert from 'node:assert/strict';
import { test } from 'node:test';
import { confirmedOf, packConfirmed } from '#src/snapshot/revisions/confirmed.ts';

const CONFIRMED = { hash: 'a', at: '2026-01-02T03:04:05.678Z', passedOver: 'why' };

test('what sources confirmed is read as it was packed', () => {
  assert.deepEqual(confirmedOf(packConfirmed(CONFIRMED)), CONFIRMED);
  const { passedOver: _, ...before } = CONFIRMED;
  assert.equal(confirmedOf(Buffer.from(JSON.stringify(before))).passedOver, '', 'of an earlier release');
});

test('what says no time, or not of what, is refused', () => {
  for (const wrong of [
    {},
    { hash: 'a' },
    { ...CONFIRMED, at: 'yesterday' },
    { ...CONFIRMED, hash: 1 },
    { ...CONFIRMED, passedOver: 1 },
  ]) {
    assert.throws(() => confirmedOf(Buffer.from(JSON.stringify(wrong))), /is not sound/, JSON.stringify(wrong));
  }
});
