import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SluiceError } from '#src/model/problem.ts';
import { UNITS_MAX } from '#src/model/tallies.ts';
import { assignIds, type IdTable, NO_IDS, type RecycleCandidate, routeKey, splitKey } from '#src/snapshot/live.ts';

const never = (): boolean => assert.fail('nothing is full');
const always = (): boolean => true;

/** A full table of keys `k0`, `k1`, …, all wanted in revision 1. */
function full(): IdTable {
  const keys = Array.from({ length: UNITS_MAX }, (_, index) => `k${index}`);
  return assignIds(NO_IDS.units, keys, 1, never).table;
}

/** The keys of `table` without some. */
function without(table: IdTable, ...gone: string[]): string[] {
  return [...table.ids.keys()].filter((key) => !gone.includes(key));
}

describe('assignIds', () => {
  test('gives the lowest free ids in the order of the keys, once each', () => {
    const { table, recycled } = assignIds(NO_IDS.cells, ['b', 'a', 'b'], 1, never);
    assert.deepEqual(
      [...table.ids],
      [
        ['b', 0],
        ['a', 1],
      ],
    );
    assert.deepEqual(recycled, []);
  });

  test('keeps the id of a key, also while it is away', () => {
    const one = assignIds(NO_IDS.cells, ['a', 'b'], 1, never).table;
    const two = assignIds(one, ['c', 'a'], 2, never).table;
    assert.deepEqual([...two.away], [['b', 2]]);
    const three = assignIds(two, ['b', 'd'], 3, never).table;
    assert.deepEqual(
      [...three.ids],
      [
        ['a', 0],
        ['b', 1],
        ['c', 2],
        ['d', 3],
      ],
    );
    assert.deepEqual(
      [...three.away],
      [
        ['a', 3],
        ['c', 3],
      ],
    );
  });

  test('leaves the table that it was given alone', () => {
    const one = assignIds(NO_IDS.cells, ['a'], 1, never).table;
    assignIds(one, ['b'], 2, never);
    assert.deepEqual([[...one.ids], [...one.away]], [[['a', 0]], []]);
    assert.equal(NO_IDS.cells.ids.size, 0);
  });

  test('recycles the id that was away longest when the table is full, and says so', () => {
    let table = full();
    table = assignIds(table, without(table, 'k7'), 2, never).table;
    table = assignIds(table, without(table, 'k7', 'k3'), 3, never).table;
    const { table: next, recycled } = assignIds(table, [...without(table, 'k7', 'k3'), 'new'], 4, always);
    assert.deepEqual(recycled, [{ table: 'units', id: 7, key: 'k7', absentSince: 2 }]);
    assert.equal(next.ids.get('new'), 7);
    assert.equal(next.ids.has('k7'), false);
    assert.deepEqual([...next.away], [['k3', 3]]);
    assert.equal(new Set(next.ids.values()).size, UNITS_MAX);
  });

  test('asks before it recycles and goes on to the next', () => {
    let table = full();
    table = assignIds(table, without(table, 'k1', 'k2'), 2, never).table;
    const asked: RecycleCandidate[] = [];
    const mayRecycle = (candidate: RecycleCandidate): boolean => asked.push(candidate) === 2;
    const { recycled } = assignIds(table, [...without(table, 'k1', 'k2'), 'new'], 3, mayRecycle);
    assert.deepEqual(
      asked.map(({ key }) => key),
      ['k1', 'k2'],
    );
    assert.deepEqual(
      recycled.map(({ key, id }) => [key, id]),
      [['k2', 2]],
    );
  });

  test('never recycles what the snapshot in force still has', () => {
    const table = full();
    assert.throws(() => assignIds(table, [...without(table, 'k1'), 'new'], 2, always), SluiceError);
  });

  test('a full table is said with its numbers, and nothing has changed', () => {
    let table = full();
    table = assignIds(table, without(table, 'k1'), 2, never).table;
    const before = [...table.ids];
    assert.throws(
      () => assignIds(table, [...without(table, 'k1'), 'new'], 3, () => false),
      (error) => {
        assert.ok(error instanceof SluiceError);
        assert.equal(error.code, 'SLU_CELLS_EXHAUSTED');
        assert.match(error.message, /^units: 1024 are wanted and 1024 of 1024 are taken/);
        return true;
      },
    );
    assert.deepEqual([...table.ids], before);
  });
});

test('a route and its versions have different keys, whatever their names', () => {
  const keys = [routeKey('a'), splitKey('a', 'b', 'c'), splitKey('a', 'b.c', 'd'), splitKey('a', 'b', 'c.d')];
  assert.equal(new Set(keys).size, keys.length);
});
