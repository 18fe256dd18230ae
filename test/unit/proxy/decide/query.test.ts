/** Query parameters: decoded as forms are, the first value counts, read at most once. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { QueryParameters, withoutParameter } from '#src/proxy/decide/query.ts';
import { bytesPerCall, COUNTED } from '../../../support/proxy/allocation.ts';

function valueIn(target: string, name: string): string | null {
  const query = new QueryParameters();
  query.idOf('other');
  const id = query.idOf(name);
  query.start(target);
  return query.value(id);
}

describe('a query parameter', () => {
  const cases: readonly (readonly [string, string, string | null])[] = [
    ['/?a=1', 'a', '1'],
    ['/?b=2&a=1', 'a', '1'],
    ['/?a=1&a=2', 'a', '1'],
    ['/?a=&a=2', 'a', ''],
    ['/?a', 'a', ''],
    ['/?a=b=c', 'a', 'b=c'],
    ['/?a=1?a=2', 'a', '1?a=2'],
    ['/?&&a=1&', 'a', '1'],
    ['/?%61=%31', 'a', '1'],
    ['/?a=b+c%20d', 'a', 'b c d'],
    ['/?a+b=1', 'a b', '1'],
    ['/?a=%C3%BC', 'a', 'ü'],
    ['/?a=%', 'a', '%'],
    ['/?a=%zz', 'a', '%zz'],
    ['/?a=%FF', 'a', '\ufffd'],
    ['/?A=1', 'a', null],
    ['/?ab=1', 'a', null],
    ['/?a;b=1', 'a', null],
    ['/a=1', 'a', null],
    ['/?', 'a', null],
    ['/', 'a', null],
    ['/?__proto__=1', '__proto__', '1'],
    ['/?constructor=1', 'a', null],
  ];
  for (const [target, name, value] of cases) {
    it(`${name} of ${target} is ${value}`, () => assert.equal(valueIn(target, name), value));
  }

  it('of one request is not that of the next', () => {
    const query = new QueryParameters();
    const id = query.idOf('a');
    query.start('/?a=1');
    assert.equal(query.value(id), '1');
    query.start('/');
    assert.equal(query.value(id), null);
  });

  it('has one id, however often it is asked for', () => {
    const query = new QueryParameters();
    assert.deepEqual([query.idOf('a'), query.idOf('b'), query.idOf('a')], [0, 1, 0]);
  });

  it('is found in one pass over however many there are', () => {
    assert.equal(valueIn(`/?${'x=1&'.repeat(100_000)}a=1`, 'a'), '1');
  });
});

it('a request whose query nobody asks for pays nothing', COUNTED, () => {
  const query = new QueryParameters();
  query.idOf('a');
  const target = `/?${'x=1&'.repeat(100)}`;
  assert.equal(
    bytesPerCall(() => query.start(target), 5000, 0),
    0,
  );
});

describe('a parameter that is taken out', () => {
  it('is gone in every spelling, and nothing else changes', () => {
    for (const [target, expected] of [
      ['/p', '/p'],
      ['/p?', '/p?'],
      ['/p?a=1&&b', '/p?a=1&&b'],
      ['/p?c=1', '/p'],
      ['/p?c', '/p'],
      ['/p?a=%20&c=1&%63=2&b=c&c&b=+', '/p?a=%20&b=c&b=+'],
      ['/p?cc=1&C=2', '/p?cc=1&C=2'],
      ['/p?a=1?c=1', '/p?a=1?c=1'],
    ] as const) {
      assert.equal(withoutParameter(target, 'c'), expected);
      const parameters = new QueryParameters();
      const id = parameters.idOf('c');
      parameters.start(withoutParameter(target, 'c'));
      assert.equal(parameters.value(id), null, target);
    }
  });
});
