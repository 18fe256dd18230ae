import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { toHtml } from '#src/admin/page/html.ts';
import { cards, detail } from '#src/admin/page/view/routes.js';
import type { RolloutStatus } from '#src/model/status.ts';
import { sampleBoard, sampleReading } from '../../../../support/readings/board.ts';
import { sampleRoute } from '../../../../support/readings/status.ts';

const ROLLOUT = sampleRoute().rollout as RolloutStatus;

suite('routes', () => {
  test('what the headline says already is not said again', () => {
    const view = { ...sampleReading(), heat: [], now: [] };
    const sentence = ROLLOUT.sentence;
    assert.equal(toHtml(detail(view, false, '')).includes(`<p class="sentence" data-key="sentence">${sentence}`), true);
    assert.equal(
      toHtml(detail(view, false, `checkout: ${sentence}`)).includes(`<p class="sentence" data-key="sentence">`),
      false,
    );
  });

  test('a card tells the budget, and of many routes how many are not shown', () => {
    const html = toHtml(cards(sampleBoard({ routesTotal: 10_000 }), 'checkout'));
    assert.match(html, /aria-current="true"/);
    assert.match(html, /50 %<\/b> budget left/);
    assert.match(html, /9\u202f999 more/);
  });
});
