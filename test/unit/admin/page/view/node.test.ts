import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { h } from '#src/admin/page/view/node.js';

suite('node', () => {
  test('neighboring texts become one, as a document has them, and what is nothing is left out', () => {
    const { children } = h('p', {}, 'a', 1, null, false, '', ['b', ['c']], h('b'), 'd');
    assert.deepEqual(children, ['a1bc', { tag: 'b', attributes: {}, children: [] }, 'd']);
  });

  test('attributes are texts; null and false are none', () => {
    const { attributes } = h('p', { a: 1, b: null, c: false, d: true, e: '' });
    assert.deepEqual(attributes, { a: '1', d: '', e: '' });
  });
});
