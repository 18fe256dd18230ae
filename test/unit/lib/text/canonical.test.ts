import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalJson } from '#src/lib/text/canonical.ts';

test('the keys of every object are in order, lists stay as they are', () => {
  assert.equal(canonicalJson({ b: [{ d: 1, c: null }, 0], a: 'x' }), '{"a":"x","b":[{"c":null,"d":1},0]}');
  assert.equal(
    canonicalJson(JSON.parse(canonicalJson({ z: 0.1 + 0.2, a: -6.5e-300 }))),
    canonicalJson({ a: -6.5e-300, z: 0.1 + 0.2 }),
  );
});

test('long lists of texts, and what JSON leaves out, are as JSON has them', () => {
  const value = {
    b: ['x"', 'ü', ''],
    a: undefined,
    c: [],
    10: ['y'],
    9: [1, 'z', undefined],
    d: () => 1,
    e: { b: ['1'], a: [] },
  };
  assert.equal(canonicalJson(value), '{"9":[1,"z",null],"10":["y"],"b":["x\\"","ü",""],"c":[],"e":{"a":[],"b":["1"]}}');
  assert.deepEqual(['[]', '{}', 'null', '"x"'], [[], {}, null, 'x'].map(canonicalJson));
});
