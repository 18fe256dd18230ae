/**
 * What several sections of the page have in common: bars, tables, the tone of a budget.
 */

import { digits } from './format.js';
import { h } from './node.js';

/** @typedef {import('./board.ts').Tone} Tone */

/**
 * A budget this low needs eyes.
 * @param {number | null} remainingRatio
 * @returns {Tone}
 */
export function toneOfBudget(remainingRatio) {
  if (remainingRatio === null) return 'calm';
  if (remainingRatio <= 0) return 'bad';
  return remainingRatio < 0.25 ? 'warn' : 'good';
}

/**
 * A share of the whole as a bar.
 * @param {number | null} ratio
 * @param {Tone} tone
 */
export function bar(ratio, tone) {
  const width = Math.max(0, Math.min(1, ratio ?? 0)) * 100;
  const filled = h('rect', { width: digits(width), height: 6, class: `fill-${tone}` });
  return h('svg', { class: 'bar', viewBox: '0 0 100 6', preserveAspectRatio: 'none', 'aria-hidden': 'true' }, filled);
}

/**
 * A table that scrolls by itself where it is too wide, and can be reached with the keyboard.
 * @param {string} caption
 * @param {readonly string[]} head
 * @param {readonly import('./node.js').Child[]} rows
 */
export function table(caption, head, rows) {
  return h(
    'div',
    { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption },
    h(
      'table',
      {},
      h('caption', { class: 'vh' }, caption),
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          head.map((name) => h('th', { scope: 'col' }, name)),
        ),
      ),
      h('tbody', {}, rows),
    ),
  );
}
