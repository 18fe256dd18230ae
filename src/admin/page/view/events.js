/**
 * What happened, newest first, each opening to the numbers behind it.
 */

import { clock } from './format.js';
import { h } from './node.js';

/** @typedef {import('./board.ts').BoardEvent} BoardEvent */

/** @param {readonly BoardEvent[]} events */
export function eventLog(events) {
  return h(
    'section',
    { id: 'events', 'aria-labelledby': 'events-title' },
    h('h2', { id: 'events-title' }, 'Events', h('span', { class: 'hint' }, 'newest first; each opens to its numbers')),
    events.length === 0
      ? h('p', { class: 'hint' }, 'Nothing was decided yet.')
      : h('ol', { class: 'events' }, events.map(entry)),
  );
}

/** @param {BoardEvent} event */
function entry({ id, atMs, kind, tone, route, sentence, facts }) {
  const at = new Date(atMs).toISOString();
  return h(
    'li',
    { 'data-key': id, class: 'event' },
    h(
      'details',
      {},
      h(
        'summary',
        {},
        h('time', { datetime: at }, clock(atMs)),
        h('span', { class: `pill pill-${tone}` }, kind),
        h(
          'span',
          { class: 'event-text' },
          route === '' || sentence.startsWith(route) ? sentence : `${route}: ${sentence}`,
        ),
      ),
      h(
        'dl',
        { class: 'facts' },
        h('dt', {}, 'Time'),
        h('dd', {}, at),
        facts.map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]),
      ),
    ),
  );
}
