/** What one gateway knows of one rollout of its fleet. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Word } from '#src/fleet/order.ts';
import { leaseOf, Share } from '#src/fleet/share.ts';

const ROLLOUT = { route: 'shop', service: 'backend', generation: 'a'.repeat(64), hasSteps: true };

function heard(run: number, isRolledBack: boolean, beganAtMs = 1000): Word<string> {
  return { run, isRolledBack, token: 5, seq: 4, beganAtMs, body: 'of another' };
}

test('a lease is not counted on until its very end', () => {
  assert.deepEqual(leaseOf(7, 1000, 3000), { token: 7, untilMs: 3700 });
});

test('the holder of a lease leads; others follow, or are alone when cut off', () => {
  const share = new Share<string>(ROLLOUT);
  assert.deepEqual([share.roleAt(0, true), share.roleAt(0, false)], ['follower', 'alone']);
  share.lease = { token: 7, untilMs: 100 };
  assert.deepEqual([share.roleAt(99, false), share.roleAt(100, false)], ['leader', 'alone']);
});

test('names what it is about by route and generation, the window by service', () => {
  const { resource, window, owner } = new Share<string>(ROLLOUT);
  assert.deepEqual(resource, { tag: 'shop', name: 'a'.repeat(16) });
  assert.deepEqual([window, owner], [{ tag: 'backend', name: 'window' }, `shop/${'a'.repeat(16)}`]);
});

test('a word after a rollback begins a run; any other goes on with it', () => {
  const share = new Share<string>(ROLLOUT);
  share.lease = { token: 9, untilMs: 100 };
  share.known = share.next('first', false, 10);
  assert.deepEqual(share.known, { run: 0, isRolledBack: false, token: 9, seq: 1, beganAtMs: 0, body: 'first' });
  share.known = share.next('out', true, 20);
  assert.deepEqual([share.known.run, share.known.seq, share.known.beganAtMs], [0, 2, 0]);
  share.known = share.next('again', false, 30);
  assert.deepEqual([share.known.run, share.known.seq, share.known.beganAtMs], [1, 3, 30]);
});

test('follows a greater word, and no other', () => {
  const share = new Share<string>(ROLLOUT);
  assert.equal(share.hear(heard(1, false)), true);
  assert.deepEqual([share.known?.run, share.isApart], [1, true]);
  share.isApart = false;
  assert.deepEqual([share.hear(heard(1, false)), share.hear(heard(0, true)), share.isApart], [false, false, false]);
});

test('a rollback of nobody knows which run is one of the run of its time', () => {
  const share = new Share<string>(ROLLOUT);
  const rollBack = (atMs: number): void => {
    share.known = share.next('out', true, atMs);
    share.blindSinceMs = atMs;
  };
  rollBack(2000);
  assert.equal(share.hear(heard(3, false, 1000)), false, 'the run had begun before');
  assert.deepEqual([share.known?.run, share.known?.isRolledBack], [3, true]);
  share.known = null;
  rollBack(500);
  assert.equal(share.hear(heard(3, false, 1000)), true, 'somebody began again after it');
  assert.deepEqual(share.known, heard(3, false, 1000));
});
