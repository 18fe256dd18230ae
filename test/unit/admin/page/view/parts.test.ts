import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { toHtml } from '#src/admin/page/html.ts';
import { bar, table, toneOfBudget } from '#src/admin/page/view/parts.js';

suite('parts', () => {
  test('bars stay within their bounds, and tones follow the budget', () => {
    const widths = [-1, 0.5, 7, null].map((ratio) => /width="(\S+?)"/.exec(toHtml(bar(ratio, 'good')))?.[1]);
    assert.deepEqual(widths, ['0', '50', '100', '0']);
    assert.deepEqual([null, -0.1, 0.2, 0.9].map(toneOfBudget), ['calm', 'bad', 'warn', 'good']);
  });

  test('a table has a name and can be reached with the keyboard, as it may scroll', () => {
    const html = toHtml(table('Sources', ['Source'], []));
    assert.match(html, /tabindex="0" role="region" aria-label="Sources"/);
    assert.match(html, /<caption class="vh">Sources<\/caption>/);
  });
});
