/**
 * The page as elements: everything in it, in the order in which somebody who was called at night needs it.
 */

import { eventLog } from './events.js';
import { configuration, gauges, top } from './gateway.js';
import { clausesOf, headlineOf } from './headline.js';
import { h } from './node.js';
import { cards, detail } from './routes.js';
import { burnTable, heatMap, upstreams } from './tables.js';

/** @typedef {import('./board.ts').Board} Board */
/** @typedef {import('./board.ts').BoardEvent} BoardEvent */

/**
 * Which of the routes is looked at: the one that was asked for, else one whose rollout moves or was rolled back, else the first.
 * @param {Board} board
 * @param {string} asked
 */
export function selectedOf({ routes }, asked) {
  const byName = routes.find(({ route }) => route.name === asked);
  const moving = routes.find(
    ({ route }) => route.rollout !== null && route.rollout.state !== 'succeeded' && route.rollout.state !== 'idle',
  );
  return byName ?? moving ?? routes[0] ?? null;
}

/** Faults that the banner names. */
const FAULTS_SHOWN = 5;

/**
 * What goes wrong on purpose, above everything that looks like trouble: else somebody searches for a cause that they know.
 * @param {Board} board
 */
function faultBanner({ gateway: { faults } }) {
  if (faults.length === 0) return false;
  const lines = faults
    .slice(0, FAULTS_SHOWN)
    .map(({ id, route, sentence, until }) =>
      h(
        'span',
        { class: 'verdict-text' },
        h('b', {}, route),
        ` (${id}) until `,
        h('time', { datetime: until }, until),
        `: ${sentence}`,
      ),
    );
  const more = faults.length - lines.length;
  return h(
    'p',
    { class: 'verdict verdict-bad fault', role: 'alert', id: 'faults' },
    h('span', { class: 'verdict-label' }, 'Faults on purpose'),
    ...lines,
    more > 0 && h('span', { class: 'verdict-more' }, `and ${more} more; sluice faults lists all`),
  );
}

/**
 * What the page consists of, below its body.
 * @param {Board} board
 * @param {readonly BoardEvent[]} events
 * @param {string} asked name of a route; empty: none
 */
export function pageOf(board, events, asked) {
  const { tone, label, sentence } = headlineOf(board);
  const [main, more] = clausesOf(sentence);
  const isUrgent = tone === 'bad' || tone === 'warn';
  const selected = selectedOf(board, asked);
  return h(
    'div',
    { id: 'page' },
    h('a', { class: 'skip', href: '#routes' }, 'Skip to the routes'),
    h('header', {}, top(board)),
    h(
      'main',
      {},
      h('h1', { class: 'vh' }, 'Sluice: live view of the gateway'),
      faultBanner(board),
      h(
        'p',
        // What is well or under way changes its numbers every second: it is not read out each time.
        { class: `verdict verdict-${tone}`, role: 'status', 'aria-live': isUrgent ? 'polite' : 'off', id: 'verdict' },
        h('span', { class: 'verdict-label' }, label),
        h('span', { class: 'verdict-text' }, main, more !== '' && h('span', { class: 'verdict-more' }, more)),
      ),
      cards(board, selected?.route.name ?? ''),
      selected !== null && detail(selected, board.isReadOnly, sentence),
      burnTable(board),
      heatMap(board),
      eventLog(events),
      upstreams(board),
      gauges(board),
      configuration(board),
    ),
    h(
      'footer',
      {},
      h('a', { href: '/openapi.json' }, 'API'),
      ' · ',
      h('a', { href: '/metrics' }, 'metrics'),
      ' · ',
      h('a', { href: '/readyz?verbose' }, 'readiness'),
      ' · ',
      h('a', { href: '/api/v1/status' }, 'status'),
    ),
  );
}
