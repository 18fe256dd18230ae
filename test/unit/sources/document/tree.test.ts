import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseDocument } from 'yaml';
import { DEPTH_MAX, keyText, readTree, type Tree } from '#src/sources/document/tree.ts';

function read(text: string, environment: Record<string, string> = {}): Tree {
  return readTree(parseDocument(text, { uniqueKeys: false }).contents, environment);
}

/** Kind and path of each fault. */
function kinds(text: string): string[] {
  return read(text).faults.map(({ fault, path }) => `${fault.kind} ${path.join('.')}`);
}

describe('readTree', () => {
  test('gives plain values', () => {
    const { value, faults } = read('a: [1, two, null, true, 1.5]\nb: {c: "3"}\n');
    assert.deepEqual(value, { a: [1, 'two', null, true, 1.5], b: { c: '3' } });
    assert.deepEqual(faults, []);
  });

  test('keeps keys as they are written', () => {
    assert.deepEqual(read('1.0: a\n0x1: b\ntrue: c\n~: d\n').value, { '1.0': 'a', '0x1': 'b', true: 'c', '~': 'd' });
    assert.equal(keyText(null), '');
  });

  test('types a plain scalar after its variables are replaced, and no other', () => {
    const { value } = read('a: ${N}\nb: "${N}"\nc: |-\n  ${N}\n${N}: d\n', { N: '12' });
    assert.deepEqual(value, { a: 12, b: '12', c: '12', '${N}': 'd' });
  });

  test('a variable cannot bring structure along', () => {
    const { value } = read('a: ${X}\nb: ${Y}\n', { X: '{b: 1}', Y: 'c\nd: 1' });
    assert.deepEqual(value, { a: '{b: 1}', b: 'c\nd: 1' });
  });

  test('refuses tags, odd keys, duplicate keys and stray aliases, with their paths', () => {
    assert.deepEqual(kinds('a: !x 1'), ['tag a']);
    assert.deepEqual(kinds('a: [!!str b]'), ['tag a.0']);
    assert.deepEqual(kinds('a: !!map {b: 1}'), ['tag a']);
    assert.deepEqual(kinds('a: {[b]: 1, {c: d}: 2}'), ['badKey a', 'badKey a']);
    assert.deepEqual(kinds('a: &b c\n*b : d'), ['badKey ']);
    assert.deepEqual(kinds('a: {__proto__: {b: 1}}'), ['badKey a']);
    assert.deepEqual(kinds('a: 1\na: 2\n"a": 3'), ['duplicateKey a', 'duplicateKey a']);
    assert.deepEqual(kinds('1: a\n"1": b'), ['duplicateKey 1']);
    assert.deepEqual(kinds('a: *b\nc: &b d'), ['alias a']);
    assert.deepEqual(kinds('a: &a [*a]'), ['alias a.0']);
  });

  test('the first of two equal keys counts, and names of every object are ordinary keys', () => {
    assert.deepEqual(read('a: 1\na: 2').value, { a: 1 });
    assert.deepEqual(Object.keys(read('constructor: 1\ntoString: 2').value as object), ['constructor', 'toString']);
  });

  test('an alias stands for the nearest anchor before it', () => {
    const { value, targets } = read('a: &x 1\nb: *x\nc: &x 2\nd: *x\n');
    assert.deepEqual(value, { a: 1, b: 1, c: 2, d: 2 });
    assert.equal(targets.size, 2);
  });

  test('stops at the deepest level it allows', () => {
    const deepest = '['.repeat(DEPTH_MAX) + ']'.repeat(DEPTH_MAX);
    assert.equal(read(deepest).isComplete, true);
    const { isComplete, faults } = read(`[${deepest}1]`.replace('[]', '[[]]'));
    assert.equal(isComplete, false);
    assert.deepEqual(
      faults.map(({ fault }) => fault.kind),
      ['tooComplex'],
    );
  });

  test('aliases that repeat one another are stopped before they are unfolded', () => {
    /** About 2 x 10^levels values. */
    const bomb = (levels: number): string => {
      const list = (level: number): string => `l${level + 1}: &l${level + 1} [${`*l${level},`.repeat(10)}]`;
      return ['l0: &l0 [a]', ...Array.from({ length: levels }, (_, level) => list(level))].join('\n');
    };
    assert.equal(read(bomb(5)).isComplete, true);
    const { isComplete, faults } = read(bomb(7));
    assert.equal(isComplete, false);
    assert.deepEqual(
      faults.map(({ fault }) => fault.kind),
      ['tooComplex'],
    );
  });
});
