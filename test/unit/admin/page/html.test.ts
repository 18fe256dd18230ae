import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { escape, toHtml } from '#src/admin/page/html.ts';
import { h } from '#src/admin/page/view/node.js';

suite('html', () => {
  test('no text and no attribute becomes markup', () => {
    const evil = `</td><script>alert("1")</script>'&`;
    const html = toHtml(h('td', { title: evil }, evil, h('b', {}, evil)));
    assert.equal(html.match(/<script/g), null);
    assert.equal(html.match(/<\w+/g)?.join(''), '<td<b');
    assert.equal(escape(`<&>"'`), '&lt;&amp;&gt;&quot;&#39;');
  });

  test('elements that have no end have none, all others do', () => {
    assert.equal(
      toHtml(h('p', {}, h('br'), h('input', { disabled: true, id: null }))),
      '<p><br><input disabled=""></p>',
    );
    assert.equal(toHtml(h('div')), '<div></div>');
  });
});
