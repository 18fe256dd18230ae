import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fault } from '#src/sources/schema/route/faults.ts';

const SOUND = { name: 'f', from: '2026-11-21T10:00:00Z', for: '1h' };

test('a fault has a name and a beginning; what it does and when it ends is checked with the rest', () => {
  assert.equal(fault.safeParse(SOUND).success, true);
  for (const change of [{ name: undefined }, { from: undefined }, { from: 'now' }, { for: '0s' }, { always: true }]) {
    assert.equal(fault.safeParse({ ...SOUND, ...change }).success, false, JSON.stringify(change));
  }
});

test('a header to match has a name and a value, a delay a time, an abort a status of a server', () => {
  for (const part of [
    { match: { header: { name: 'x' } } },
    { delay: {} },
    { abort: { status: 404 } },
    { percent: -1 },
  ]) {
    assert.equal(fault.safeParse({ ...SOUND, ...part }).success, false, JSON.stringify(part));
  }
  const match = { version: 'v1', color: 'blue', header: { name: 'x', value: 'y' } };
  assert.equal(fault.safeParse({ ...SOUND, match, delay: { time: '1ms' }, abort: { status: 599 } }).success, true);
});
