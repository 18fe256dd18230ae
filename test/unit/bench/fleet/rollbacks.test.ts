import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quantileOf, rollbacksIn } from '../../../../bench/fleet/rollbacks.ts';

const at = (ms: number): string => new Date(Date.UTC(2026, 0, 1) + ms).toISOString();
const line = (ms: number, event: string, more: object = {}): string =>
  `${JSON.stringify({ level: 'info', time: at(ms), event, ...more })}\n`;
const decided = (ms: number): string => line(ms + 1, 'rollback', { at: at(ms) });
const followed = (ms: number, state = 'rolled-back'): string => line(ms, 'fleet_followed', { state });

test('each rollback is from its decision to the lines of the others, whoever decided', () => {
  const rollbacks = rollbacksIn([
    `sluice 1\n${decided(100)}${followed(1030)}`,
    `${followed(105)}${followed(500, 'progressing')}${decided(1000)}`,
    `${followed(120)}${line(900, 'start')}${followed(1007)}`,
  ]);
  assert.deepEqual(rollbacks, [
    { decidedBy: 0, delaysMs: [5, 20] },
    { decidedBy: 1, delaysMs: [30, 7] },
  ]);
});

test('a rollback that somebody has not told of yet is none', () => {
  assert.deepEqual(rollbacksIn([decided(100), followed(105), '']), []);
  assert.deepEqual(rollbacksIn([]), []);
});

test('quantiles are of the numbers themselves', () => {
  const numbers = Array.from({ length: 100 }, (_, n) => 100 - n);
  assert.deepEqual(
    [0.5, 0.99, 1].map((ratio) => quantileOf(numbers, ratio)),
    [50, 99, 100],
  );
  assert.ok(Number.isNaN(quantileOf([], 0.5)));
});
