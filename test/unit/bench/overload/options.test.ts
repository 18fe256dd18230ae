import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readOptions } from '../../../../bench/overload/options.ts';

test('the defaults measure everybody at every load', () => {
  const { rounds, seconds, factors, only, isSmoke } = readOptions([]);
  assert.deepEqual(
    { rounds, seconds, factors, isSmoke },
    { rounds: 3, seconds: 10, factors: [0.8, 2, 5, 10], isSmoke: false },
  );
  assert.deepEqual(only, ['none', 'fixed', 'haproxy', 'haproxy-classes', 'sluice']);
});

test('contenders keep their order', () => {
  assert.deepEqual(readOptions(['--only', 'sluice,haproxy']).only, ['haproxy', 'sluice']);
});

test('tables to simulate are named', () => {
  assert.deepEqual(readOptions([]).tables, []);
  assert.deepEqual(readOptions(['--tables', 'workers,shapes']).tables, ['workers', 'shapes']);
  assert.throws(() => readOptions(['--tables', 'grid']), /--tables: expected some of shapes, workers, got grid/);
});

test('what cannot be is refused by its name', () => {
  assert.throws(() => readOptions(['--only', 'envoy']), /--only: expected some of none, .*, got envoy/);
  assert.throws(() => readOptions(['--rounds', '0']), /--rounds: expected at least 1, got 0/);
  assert.throws(() => readOptions(['--factors', '2,x']), /--factors: expected at least 0.01, got x/);
});
