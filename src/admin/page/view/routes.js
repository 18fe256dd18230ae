/**
 * Routes on the page: a card for each, worst error budget first, and the one that is looked at in full.
 */

import { count, duration, millis, NONE, percent, target } from './format.js';
import { clausesOf } from './headline.js';
import { h } from './node.js';
import { bar, table, toneOfBudget } from './parts.js';
import { rollout, STATE_WORDS, toneOfState } from './rollout.js';

/** @typedef {import('./board.ts').Board} Board */
/** @typedef {import('./board.ts').RouteView} RouteView */
/** @typedef {import('../../../model/status.ts').VersionStatus} VersionStatus */

/**
 * @param {Board} board
 * @param {string} selected name of the route that is looked at
 */
export function cards({ routes, routesTotal }, selected) {
  const hidden = routesTotal - routes.length;
  const items = routes.map((view) =>
    h('li', { 'data-key': view.route.name }, card(view, view.route.name === selected)),
  );
  return h(
    'section',
    { id: 'routes', 'aria-labelledby': 'routes-title' },
    h('h2', { id: 'routes-title' }, 'Routes', h('span', { class: 'hint' }, 'worst error budget first')),
    h('ul', { class: 'cards' }, items),
    hidden > 0 && h('p', { class: 'hint' }, `${count(hidden)} more; ?route=NAME shows any of them`),
  );
}

/**
 * @param {RouteView} view
 * @param {boolean} isSelected
 */
function card({ route, slos, remainingRatio, now }, isSelected) {
  const tone = toneOfBudget(remainingRatio);
  const [first] = slos;
  const rate = now.reduce((sum, { finished }) => sum + finished, 0);
  const objective = slos.map((slo) =>
    slo.thresholdMs === null ? target(slo.targetRatio) : `${target(slo.targetRatio)} < ${millis(slo.thresholdMs)}`,
  );
  const end = first?.exhaustedInMs ?? null;
  return h(
    'a',
    {
      class: 'card',
      href: `?route=${encodeURIComponent(route.name)}`,
      'data-route': route.name,
      'aria-current': isSelected ? 'true' : null,
    },
    h('span', { class: 'card-name' }, route.name),
    h('span', { class: 'card-objective' }, objective.length === 0 ? 'no objective' : objective.join(' · ')),
    h(
      'span',
      { class: `card-budget tone-${tone}` },
      h('b', {}, percent(remainingRatio)),
      remainingRatio === null ? ' no budget counted yet' : ' budget left',
    ),
    bar(remainingRatio, tone),
    remainingRatio !== null &&
      h(
        'span',
        { class: 'card-line' },
        end === null ? 'not being used up' : `used up in ${duration(end)} at this rate`,
      ),
    h('span', { class: 'card-line' }, `${count(rate)} requests/s · ${percent(route.errorRatio)} errors`),
    splitLine(route.versions),
    route.rollout !== null &&
      h('span', { class: `pill pill-${toneOfState(route.rollout)}` }, STATE_WORDS[route.rollout.state]),
  );
}

/** @param {readonly VersionStatus[]} versions */
function splitLine(versions) {
  const total = versions.reduce((sum, { weight }) => sum + weight, 0);
  const parts = versions.slice(0, 4).map((one) => `${one.version} ${total === 0 ? NONE : percent(one.weight / total)}`);
  return h('span', { class: 'card-line' }, parts.join(' · '));
}

/**
 * The route that is looked at.
 * @param {RouteView} view
 * @param {boolean} isReadOnly
 * @param {string} headline what the page says first: not said again
 */
export function detail(view, isReadOnly, headline) {
  const { route } = view;
  const sentence = route.rollout?.sentence ?? '';
  return h(
    'section',
    { id: 'route', 'aria-labelledby': 'route-title', 'data-key': 'route' },
    h('h2', { id: 'route-title' }, route.name),
    sentence !== '' && !headline.includes(sentence) && h('p', { class: 'sentence', 'data-key': 'sentence' }, sentence),
    charts(),
    route.rollout !== null && rollout(view, route.rollout, isReadOnly),
    versions(view),
    elsewhere(route.name),
  );
}

/** What a script fills in; without one the tables say the same. */
function charts() {
  const chart = (/** @type {string} */ id, /** @type {string} */ title) =>
    h(
      'figure',
      { class: 'chart' },
      h('figcaption', {}, title),
      h('div', { id, class: 'plot', 'data-own': true, role: 'img', 'aria-label': title }),
    );
  return h(
    'div',
    { class: 'charts scripted', 'data-key': 'charts' },
    chart('chart-errors', 'Errors, share of the last 10 s'),
    chart('chart-latency', 'Latency, 99th percentile of each second'),
    h('ul', { id: 'legend', class: 'legend', 'data-own': true }),
  );
}

/** @param {RouteView} view */
function versions({ route, more }) {
  const total = route.versions.reduce((sum, { weight }) => sum + weight, 0);
  const head = ['Version', 'Weight', 'Measured', 'Requests', 'Errors', 'p50', 'p99', 'In flight', 'Limit', 'Note'];
  const rows = route.versions.map((one) =>
    h(
      'tr',
      { 'data-key': `${one.service}/${one.version}` },
      h('th', { scope: 'row' }, one.version),
      h('td', {}, total === 0 ? NONE : percent(one.weight / total)),
      h('td', {}, percent(one.shareRatio)),
      h('td', {}, count(one.requests)),
      h('td', { class: (one.errorRatio ?? 0) > 0.01 ? 'tone-bad' : null }, percent(one.errorRatio)),
      h('td', {}, millis(one.p50Ms)),
      h('td', {}, millis(one.p99Ms)),
      h('td', {}, count(one.inFlight)),
      h(
        'td',
        {},
        one.admission === null
          ? NONE
          : `${one.admission.inFlight} of ${one.admission.limit}, ${one.admission.queued} wait`,
      ),
      h('td', { class: 'wrap', title: one.weightBecause === '' ? null : one.weightBecause }, noteOf(one)),
    ),
  );
  return h(
    'div',
    { class: 'panel', 'data-key': 'versions' },
    h('h3', {}, 'Versions', h('span', { class: 'hint' }, 'since the start')),
    table('Versions of the route', head, rows),
    more.versions > 0 && h('p', { class: 'hint' }, `${more.versions} more versions; sluice status lists all`),
  );
}

/** @param {VersionStatus} version */
function noteOf({ weightBecause, drift, breaker }) {
  const notes = [clausesOf(weightBecause)[0]];
  if (drift !== 'steady') notes.push(`drift: ${drift}`);
  if (breaker !== null && breaker.open > 0) notes.push(`breaker open in ${breaker.open}`);
  return notes.filter((note) => note !== '').join('; ');
}

/** @param {string} route */
function elsewhere(route) {
  const label = route.replace(/[\\"]/g, '\\$&');
  const lines = [
    ['curl', `curl -s localhost:9900/api/v1/board?route=${encodeURIComponent(route)}`],
    [
      'PromQL: errors',
      `sum by (version) (rate(sluice_requests_total{route="${label}",outcome="bad"}[5m])) / sum by (version) (rate(sluice_requests_total{route="${label}",outcome=~"good|bad"}[5m]))`,
    ],
    [
      'PromQL: p99',
      `histogram_quantile(0.99, sum by (le, version) (rate(http_server_request_duration_seconds_bucket{route="${label}"}[5m])))`,
    ],
  ];
  return h(
    'details',
    { class: 'numbers', 'data-key': 'elsewhere' },
    h('summary', {}, 'The same elsewhere: curl, PromQL'),
    h(
      'dl',
      {},
      lines.map(([name = '', line = '']) => [h('dt', {}, name), h('dd', {}, h('code', {}, line))]),
    ),
  );
}
