/** What a JSON value is made of, and what has too much in it. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  DEPTH_MAX,
  isEmptyList,
  PATHS_MAX,
  type Shape,
  shapeOf,
  typeNames,
  VALUES_MAX,
} from '#src/proxy/forward/mirror/differences/shape.ts';

/** Types by path. */
function typesOf(shape: Shape | null, path = '$'): Record<string, string> {
  if (shape === null) return assert.fail('no shape');
  const parts = [...(shape.parts ?? [])].map(([name, part]) => typesOf(part, `${path} ${name}`));
  return Object.assign({ [path]: typeNames(shape.types) }, ...parts) as Record<string, string>;
}

const isSame = (one: unknown, other: unknown): boolean => {
  const [a, b] = [shapeOf(one), shapeOf(other)];
  return a !== null && b !== null && a.types === b.types && a.hash === b.hash;
};

describe('a shape', () => {
  test('has the types at each path, of elements their union', () => {
    assert.deepEqual(typesOf(shapeOf({ id: 7, ok: true, tags: [], rows: [{ a: 1 }, { a: null, b: 'x' }] })), {
      $: 'object',
      '$ id': 'number',
      '$ ok': 'boolean',
      '$ tags': 'array',
      '$ rows': 'array',
      '$ rows []': 'object',
      '$ rows [] a': 'null|number',
      '$ rows [] b': 'string',
    });
    assert.equal(typeNames(0), 'absent');
  });

  test('tells values, lengths of lists and orders of elements apart, and not orders of keys', () => {
    assert.ok(!isSame('1', 1));
    assert.ok(!isSame(null, 'null'));
    assert.ok(!isSame([1], [1, 1]));
    assert.ok(isSame(1, 1.0));
    const [one, other] = [shapeOf([1, 2]), shapeOf([2, 1])];
    assert.notEqual(one?.parts?.get('[]')?.hash, other?.parts?.get('[]')?.hash);
    assert.deepEqual(shapeOf({ a: 1, b: 'x' }), shapeOf({ b: 'x', a: 1 }));
  });

  test('has one place for all members whose keys are data, whatever their order', () => {
    const byUser = (...names: string[]) => Object.fromEntries(names.map((name) => [`${name}@a.example`, { n: name }]));
    assert.deepEqual(typesOf(shapeOf(byUser('a', 'b'))), { $: 'object', '$ *': 'object', '$ * n': 'string' });
    assert.deepEqual(shapeOf(byUser('a', 'b')), shapeOf(byUser('b', 'a')));
    assert.ok(!isSame(byUser('a', 'b'), byUser('a', 'c')));
  });

  test('of a list without elements says nothing about them', () => {
    assert.equal(isEmptyList(shapeOf([]) as Shape), true);
    assert.equal(isEmptyList(shapeOf([1]) as Shape), false);
    assert.equal(isEmptyList(shapeOf({}) as Shape), false);
  });

  test('keeps a member called __proto__ apart from what objects inherit', () => {
    const shape = shapeOf(JSON.parse('{"__proto__": {"polluted": 1}, "constructor": 2}'));
    assert.deepEqual(typesOf(shape), {
      $: 'object',
      '$ __proto__': 'object',
      '$ __proto__ polluted': 'number',
      '$ constructor': 'number',
    });
    assert.equal(({} as { polluted?: number }).polluted, undefined);
  });
});

describe('there is no shape of what has', () => {
  test('more levels', () => {
    const nested = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels));
    assert.notEqual(shapeOf(nested(DEPTH_MAX + 1)), null);
    assert.equal(shapeOf(nested(DEPTH_MAX + 2)), null);
    assert.equal(shapeOf(nested(100_000)), null);
  });

  test('more values', () => {
    assert.notEqual(shapeOf(Array.from({ length: VALUES_MAX - 1 }, () => 0)), null);
    assert.equal(shapeOf(Array.from({ length: VALUES_MAX }, () => 0)), null);
    assert.equal(shapeOf(Object.fromEntries(Array.from({ length: VALUES_MAX }, (_, n) => [`${n}`, 0]))), null);
  });

  test('more places', () => {
    const letters = (n: number): string => [...String(n)].map((digit) => 'abcdefghij'[Number(digit)]).join('');
    const wide = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [letters(n), 0]));
    assert.notEqual(shapeOf(wide(PATHS_MAX)), null);
    assert.equal(shapeOf(wide(PATHS_MAX + 1)), null);
  });
});
