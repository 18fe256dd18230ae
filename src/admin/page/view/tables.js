/**
 * Tables over all routes that are shown: burn rates, a heat map of them over time, endpoints.
 */

import { burn, count, duration, NONE, percent, target } from './format.js';
import { HEAT_BUCKETS, HEAT_S } from './heat.js';
import { h } from './node.js';
import { table, toneOfBudget } from './parts.js';

/** @typedef {import('./board.ts').Board} Board */
/** @typedef {import('../../../model/status.ts').SloStatus} SloStatus */
/** @typedef {import('../../../model/status.ts').AlertStatus} AlertStatus */

/**
 * Of states of endpoints; others are bad.
 * @type {Readonly<Record<string, string>>}
 */
const TONES = { up: 'good', 'slow-start': 'calm', 'half-open': 'calm' };

/**
 * Every alert of every objective, as far as it is shown.
 * @param {Board} board
 */
export function burnTable({ routes, services }) {
  const slos = [...routes.flatMap((view) => view.slos), ...services];
  const head = ['Objective', 'Target', 'Budget left', 'Alert', 'Long', 'Short', 'Limit', 'State', 'Used up in'];
  const rows = slos.flatMap((slo) => slo.alerts.map((alert, n) => burnRow(slo, alert, n)));
  return h(
    'section',
    { id: 'burn', 'aria-labelledby': 'burn-title' },
    h(
      'h2',
      { id: 'burn-title' },
      'Burn rates',
      h('span', { class: 'hint' }, '1× uses the budget up in exactly 28 days'),
    ),
    rows.length === 0
      ? h('p', { class: 'hint' }, 'No objective is configured (slo).')
      : table('Burn rates by objective and alert', head, rows),
  );
}

/**
 * @param {SloStatus} slo
 * @param {AlertStatus} alert
 * @param {number} n
 */
function burnRow(slo, { severity, long, short, factor, isFiring, firingForMs }, n) {
  const hot = (/** @type {string} */ window) => ((slo.burnRates[window] ?? 0) > factor ? 'tone-bad' : null);
  const state = isFiring ? `firing for ${duration(firingForMs)}` : 'quiet';
  const name = `${slo.name} ${slo.indicator}`;
  return h(
    'tr',
    { 'data-key': `${slo.scope}/${name}/${severity}/${long}`, class: n === 0 ? 'first' : null },
    h(
      'th',
      { scope: 'row', class: n === 0 ? null : 'repeated' },
      slo.scope === 'route' ? name : `${slo.scope} ${name}`,
    ),
    h('td', {}, target(slo.targetRatio)),
    h('td', { class: `tone-${toneOfBudget(slo.remainingRatio)}` }, percent(slo.remainingRatio)),
    h('td', {}, severity),
    h('td', { class: hot(long) }, `${burn(slo.burnRates[long])} / ${long}`),
    h('td', { class: hot(short) }, `${burn(slo.burnRates[short])} / ${short}`),
    h('td', {}, burn(factor)),
    h('td', {}, h('span', { class: `pill pill-${isFiring ? (severity === 'page' ? 'bad' : 'warn') : 'calm'}` }, state)),
    h('td', {}, slo.exhaustedInMs === null ? NONE : duration(slo.exhaustedInMs)),
  );
}

/**
 * A row for each route, a cell for each 15 s; the newest on the right.
 * @param {Board} board
 */
export function heatMap({ routes }) {
  const shown = routes.filter(({ slos }) => slos.length > 0);
  if (shown.length === 0) return null;
  const rows = shown.map(({ route, heat }) =>
    h(
      'tr',
      { 'data-key': route.name },
      h('th', { scope: 'row' }, route.name),
      heat.map((rate, n) =>
        h(
          'td',
          { class: `heat heat-${level(rate)}`, title: cellTitle(rate, n) },
          h('span', { class: 'vh' }, burn(rate)),
        ),
      ),
    ),
  );
  const cells = h('td', { colspan: HEAT_BUCKETS, class: 'heat-axis' }, '5 min ago → now');
  return h(
    'section',
    { id: 'heat', 'aria-labelledby': 'heat-title' },
    h(
      'h2',
      { id: 'heat-title' },
      'Burn by route',
      h('span', { class: 'hint' }, `every ${HEAT_S} s of the last five minutes`),
    ),
    h(
      'div',
      { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Burn by route' },
      h(
        'table',
        { class: 'heat-table' },
        h('caption', { class: 'vh' }, 'Burn rate by route and time'),
        h('tbody', {}, rows),
        h('tfoot', {}, h('tr', {}, h('th', { scope: 'row' }, 'Time'), cells)),
      ),
    ),
    h(
      'ul',
      { class: 'legend' },
      LEVELS.map(([name], n) => h('li', {}, h('span', { class: `swatch heat-${n}` }), name)),
    ),
  );
}

/** @type {readonly (readonly [string, number])[]} */
const LEVELS = [
  ['no errors', 0],
  ['up to 1×', 1],
  ['up to 6×', 6],
  ['up to 14.4×', 14.4],
  ['more', Number.POSITIVE_INFINITY],
];

/** @param {number | null} rate */
function level(rate) {
  return rate === null ? 'none' : LEVELS.findIndex(([, most]) => rate <= most);
}

/**
 * @param {number | null} rate
 * @param {number} n
 */
function cellTitle(rate, n) {
  const ago = (HEAT_BUCKETS - n) * HEAT_S;
  return rate === null ? `${ago} s ago: no traffic` : `${ago} s ago: ${burn(rate)}`;
}

/**
 * Endpoints of the routes that are shown, those in trouble first.
 * @param {Board} board
 */
export function upstreams({ routes }) {
  const head = [
    'Endpoint',
    'Serves',
    'State',
    'Share',
    'In flight',
    'Connections',
    'Requests',
    'Bad',
    'No connection',
    'Ejections',
    'Why',
  ];
  const seen = new Set();
  const all = routes.flatMap(({ route }) =>
    route.versions.flatMap((version) =>
      version.endpoints.map((endpoint) => ({ endpoint, serves: `${version.service}/${version.version}` })),
    ),
  );
  const distinct = all.filter(({ endpoint, serves }) => {
    const key = `${serves} ${endpoint.address}`;
    return !seen.has(key) && seen.add(key);
  });
  const sorted = distinct.sort((a, b) => Number(a.endpoint.state === 'up') - Number(b.endpoint.state === 'up'));
  const rows = sorted.map(({ endpoint, serves }) =>
    h(
      'tr',
      { 'data-key': `${serves} ${endpoint.address}` },
      h('th', { scope: 'row' }, endpoint.address),
      h('td', {}, serves),
      h('td', {}, h('span', { class: `pill pill-${TONES[endpoint.state] ?? 'bad'}` }, endpoint.state)),
      h('td', {}, percent(endpoint.capacityRatio)),
      h('td', {}, count(endpoint.inFlight)),
      h('td', {}, count(endpoint.connections)),
      h('td', {}, count(endpoint.requests)),
      h('td', { class: endpoint.bad > 0 ? 'tone-bad' : null }, count(endpoint.bad)),
      h('td', { class: endpoint.connectFailures > 0 ? 'tone-bad' : null }, count(endpoint.connectFailures)),
      h('td', {}, count(endpoint.ejections)),
      h('td', { class: 'wrap' }, endpoint.because),
    ),
  );
  const hidden = routes.reduce((sum, { more }) => sum + more.endpoints, 0);
  return h(
    'section',
    { id: 'upstreams', 'aria-labelledby': 'upstreams-title' },
    h('h2', { id: 'upstreams-title' }, 'Upstreams'),
    rows.length === 0
      ? h('p', { class: 'hint' }, 'No endpoint.')
      : table('Endpoints of the routes that are shown', head, rows),
    hidden > 0 && h('p', { class: 'hint' }, `${count(hidden)} more endpoints; sluice status lists all`),
  );
}
