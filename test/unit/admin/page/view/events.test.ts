import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { toHtml } from '#src/admin/page/html.ts';
import { eventLog } from '#src/admin/page/view/events.js';

suite('events', () => {
  test('each opens to its numbers, and names its route once', () => {
    const base = {
      atMs: 0,
      kind: 'rollback',
      tone: 'bad' as const,
      route: 'shop',
      facts: [['Requests', '64 bad of 301']] as [string, string][],
    };
    const html = toHtml(
      eventLog([
        { ...base, id: 'd2', sentence: 'shop: v2 rolled back' },
        { ...base, id: 'd1', sentence: 'v2 paused' },
      ]),
    );
    assert.equal(html.match(/<details>/g)?.length, 2);
    assert.match(html, /<dt>Requests<\/dt><dd>64 bad of 301<\/dd>/);
    assert.deepEqual(
      [...html.matchAll(/event-text">([^<]+)/g)].map(([, text]) => text),
      ['shop: v2 rolled back', 'shop: v2 paused'],
    );
  });

  test('an empty log says so', () => {
    assert.match(toHtml(eventLog([])), /Nothing was decided yet/);
  });
});
