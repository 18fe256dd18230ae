/** What one gateway knows of one rollout of its fleet. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Word } from '#src/fleet/order.ts';
import { leaseOf, RolloutRecord } from '#src/fleet/record.ts';

const ROLLOUT = { route: 'shop', service: 'backend', generation: 'a'.repeat(64), hasSteps: true };

function heard(run: number, isRolledBack: boolean, beganAtMs = 1000): Word<string> {
  return { run, isRolledBack, token: 5, seq: 4, beganAtMs, body: 'of another' };
}

test('a lease is not counted on until its very end', () => {
  assert.deepEqual(leaseOf(7, 1000, 3000), { token: 7, untilMs: 3700 });
});

test('the holder of a lease leads; others follow, or are alone when cut off', () => {
  const record = new RolloutRecord<string>(ROLLOUT);
  assert.deepEqual([record.roleAt(0, true), record.roleAt(0, false)], ['follower', 'alone']);
  record.lease = { token: 7, untilMs: 100 };
  assert.deepEqual([record.roleAt(99, false), record.roleAt(100, false)], ['leader', 'alone']);
});

test('names what it is about by route and generation, the window by service', () => {
  const { resource, window, owner } = new RolloutRecord<string>(ROLLOUT);
  assert.deepEqual(resource, { tag: 'shop', name: 'a'.repeat(16) });
  assert.deepEqual([window, owner], [{ tag: 'backend', name: 'window' }, `shop/${'a'.repeat(16)}`]);
});

test('a word after a rollback begins a run; any other goes on with it', () => {
  const record = new RolloutRecord<string>(ROLLOUT);
  record.lease = { token: 9, untilMs: 100 };
  record.known = record.next('first', false, 10);
  assert.deepEqual(record.known, { run: 0, isRolledBack: false, token: 9, seq: 1, beganAtMs: 0, body: 'first' });
  record.known = record.next('out', true, 20);
  assert.deepEqual([record.known.run, record.known.seq, record.known.beganAtMs], [0, 2, 0]);
  record.known = record.next('again', false, 30);
  assert.deepEqual([record.known.run, record.known.seq, record.known.beganAtMs], [1, 3, 30]);
});

test('follows a greater word, and no other', () => {
  const record = new RolloutRecord<string>(ROLLOUT);
  assert.equal(record.hear(heard(1, false)), true);
  assert.deepEqual([record.known?.run, record.isApart], [1, true]);
  record.isApart = false;
  assert.deepEqual([record.hear(heard(1, false)), record.hear(heard(0, true)), record.isApart], [false, false, false]);
});

test('a rollback of nobody knows which run is one of the run of its time', () => {
  const record = new RolloutRecord<string>(ROLLOUT);
  const rollBack = (atMs: number): void => {
    record.known = record.next('out', true, atMs);
    record.blindSinceMs = atMs;
  };
  rollBack(2000);
  assert.equal(record.hear(heard(3, false, 1000)), false, 'the run had begun before');
  assert.deepEqual([record.known?.run, record.known?.isRolledBack], [3, true]);
  record.known = null;
  rollBack(500);
  assert.equal(record.hear(heard(3, false, 1000)), true, 'somebody began again after it');
  assert.deepEqual(record.known, heard(3, false, 1000));
});
