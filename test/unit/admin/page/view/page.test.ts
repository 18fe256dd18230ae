import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { toHtml } from '#src/admin/page/html.ts';
import { pageOf, selectedOf } from '#src/admin/page/view/page.js';
import { gatewayPart, sampleBoard, sampleReading } from '../../../../support/readings/board.ts';
import { sampleRoute, sampleStatus } from '../../../../support/readings/status.ts';

const EVIL = `"><script>alert(1)</script><img src=x onerror='alert(2)'>`;

/** Every text of a value is replaced: names of fields stay. */
function poisoned<T>(value: T): T {
  if (typeof value === 'string') return EVIL as T;
  if (Array.isArray(value)) return value.map(poisoned) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, KEPT.has(key) ? (inner as unknown) : poisoned(inner)]),
  ) as T;
}

/** Words of ours, and times. */
const KEPT = new Set(['state', 'grade', 'result', 'indicator', 'scope', 'severity', 'tone', 'at', 'loadedAt', 'kind']);

suite('page', () => {
  test('no text of a configuration or of traffic becomes markup, wherever it stands', () => {
    const events = [
      {
        id: 'd1',
        atMs: 0,
        kind: 'rollback',
        tone: 'bad' as const,
        route: 'r',
        sentence: 's',
        facts: [['f', 'v']] as [string, string][],
      },
    ];
    const html = toHtml(pageOf(poisoned(sampleBoard()), poisoned(events), ''));
    assert.ok(html.includes('&lt;script&gt;'), 'it is shown as text');
    const tags = html.replace(/"[^"]*"/g, '').match(/<[^>]*>/g) ?? [];
    assert.deepEqual(
      tags.filter((tag) => /<script|<img|onerror|'/i.test(tag)),
      [],
    );
  });

  test('says everything without a script: verdict, budget, burn, events, endpoints, configuration', () => {
    const html = toHtml(pageOf(sampleBoard(), [], ''));
    for (const text of ['v2 rolled back', '50 %', '14.4×', 'Upstreams', 'revision 12', 'user-seconds', 'PromQL']) {
      assert.ok(html.includes(text), text);
    }
  });

  test('faults on purpose stand above everything: route, what, to how many, until when; and nothing while there are none', () => {
    const until = '2026-11-01T12:30:00.000Z';
    const fault = {
      id: 'checkout/game-day',
      route: 'checkout',
      state: 'active' as const,
      sentence: '10 % of the requests are answered with 503',
      from: '2026-11-01T08:00:00.000Z',
      until,
    };
    const html = (faults: number) => {
      const status = sampleStatus({ faults: Array.from({ length: faults }, () => fault) });
      return toHtml(pageOf(sampleBoard({ gateway: gatewayPart(status) }), [], ''));
    };
    assert.doesNotMatch(html(0), /on purpose/);
    const [banner = ''] = /<p[^>]*id="faults"[^]*?<\/p>/.exec(html(1)) ?? [];
    for (const text of ['role="alert"', 'checkout', 'game-day', until, fault.sentence]) {
      assert.ok(banner.includes(text), text);
    }
    assert.ok(html(1).indexOf('id="faults"') < html(1).indexOf('id="verdict"'));
    assert.match(html(7), /and 2 more; sluice faults lists all/);
  });

  test('an inline style or handler would be refused by the policy: there is none', () => {
    const html = toHtml(pageOf(sampleBoard(), [], ''));
    assert.equal(/\sstyle=|\son\w+=|<style|javascript:/i.test(html), false);
  });

  test('looks at the route that is asked for, else at one with a rollout that moves, else at the first', () => {
    const reading = (name: string, hasRollout: boolean) => {
      const route = sampleRoute(hasRollout ? { name } : { name, rollout: null });
      return { ...sampleReading({ route }), heat: [], now: [] };
    };
    const board = sampleBoard({ routes: [reading('a', false), reading('b', true)] });
    assert.equal(selectedOf(board, 'a')?.route.name, 'a');
    assert.equal(selectedOf(board, 'nowhere')?.route.name, 'b');
    assert.equal(selectedOf(sampleBoard({ routes: [reading('a', false), reading('c', false)] }), '')?.route.name, 'a');
    assert.equal(selectedOf(sampleBoard({ routes: [] }), 'a'), null);
  });
});
