import assert from 'node:assert/strict';
import { test } from 'node:test';
import { differenceOf, type Standing } from '#src/compose/config/revisions/difference.ts';

const SAME: Standing = { hash: 'a', sourceHash: 'a', staleStart: null, pin: null, isRefused: false };
const PIN = { from: 'b', to: 3, hash: 'a', at: '', by: 'api', reason: 'it broke' };
const STALE = {
  ...{ number: 7, hash: 'a', acceptedAt: '', acceptedMs: 5, confirmedMs: 5, passedOver: '' },
  confirmedAt: '2026-01-01T00:00:00.000Z',
  unanswered: ['consul a:1 sluice'],
};

test('what is in force is what the sources hold, or a sentence says why not', () => {
  assert.equal(differenceOf(SAME), '');
  assert.equal(differenceOf({ ...SAME, hash: null }), 'none was accepted yet');
  assert.match(differenceOf({ ...SAME, sourceHash: 'b' }), /not in force yet/);
  assert.match(differenceOf({ ...SAME, isRefused: true }), /was refused/);
  assert.equal(differenceOf({ ...SAME, pin: PIN }), 'pinned to revision 3 by api: it broke');
});

test('a stale start says what it went by and who has not answered, and names a pin beside', () => {
  const stale = differenceOf({ ...SAME, sourceHash: null, staleStart: STALE });
  assert.equal(
    stale,
    'SLU1926 started with revision 7, which the sources confirmed last at 2026-01-01T00:00:00.000Z; no answer from consul a:1 sluice since',
  );
  const passedOver = 'revision 8 was accepted without signatures';
  assert.match(
    differenceOf({ ...SAME, staleStart: { ...STALE, passedOver } }),
    /^SLU1926 started with revision 7, .*, passed over: revision 8 was accepted without signatures; /,
  );
  assert.match(differenceOf({ ...SAME, staleStart: { ...STALE, unanswered: [] }, isRefused: true }), /not accepted$/);
  assert.match(differenceOf({ ...SAME, staleStart: STALE, pin: PIN }), /since; pinned to revision 3/);
});
