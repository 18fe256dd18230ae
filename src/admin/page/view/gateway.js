/**
 * The gateway itself on the page: how near it is to its limits, what is shed, its configuration and where that comes from.
 */

import { bytes, clock, count, digits, duration, NONE } from './format.js';
import { h } from './node.js';
import { bar, table } from './parts.js';

/** @typedef {import('./board.ts').Board} Board */
/** @typedef {import('./board.ts').GatewayPart} GatewayPart */

/** Saturation as a tone. */
const TONES = /** @type {const} */ ({ normal: 'good', lean: 'calm', shedding: 'warn', refusing: 'bad' });

/**
 * @param {string} name
 * @param {string} value
 * @param {number | null} ratio
 * @param {string} note
 */
function gauge(name, value, ratio, note) {
  const tone = ratio === null || ratio < 0.7 ? 'good' : ratio < 0.9 ? 'warn' : 'bad';
  return h(
    'div',
    { class: 'gauge' },
    h('dt', {}, name),
    h('dd', {}, h('b', {}, value), ratio === null ? null : bar(ratio, tone), h('span', { class: 'hint' }, note)),
  );
}

/** @param {Board} board */
export function gauges({ gateway, viewers, routes }) {
  const { grade, because, memory, descriptors, threads, shed } = gateway.saturation;
  const late = Math.max(0, ...threads.map(({ delayMs }) => delayMs));
  const refused = Object.values(shed).reduce((sum, one) => sum + one, 0);
  const limited = routes.flatMap(({ route }) => route.versions.flatMap(({ admission }) => admission ?? []));
  const limit = limited.reduce((sum, one) => sum + one.limit, 0);
  const inFlight = limited.reduce((sum, one) => sum + one.inFlight, 0);
  const atLimits = limited.reduce((sum, one) => sum + Object.values(one.shed).reduce((all, n) => all + n, 0), 0);
  return h(
    'section',
    { id: 'gauges', 'aria-labelledby': 'gauges-title' },
    h('h2', { id: 'gauges-title' }, 'Gateway', h('span', { class: `pill pill-${TONES[grade]}` }, grade)),
    because !== '' && h('p', {}, because),
    gateway.defects.kinds.map(defect),
    h(
      'dl',
      { class: 'gauges' },
      gauge('Memory', bytes(memory.used), memory.used / memory.max, `of ${bytes(memory.max)}`),
      descriptors === null
        ? null
        : gauge(
            'Descriptors',
            count(descriptors.used),
            descriptors.used / descriptors.max,
            `of ${count(descriptors.max)}`,
          ),
      gauge('Event loops', `${digits(Math.round(late * 10) / 10)} ms`, null, `latest of ${threads.length} threads`),
      gauge(
        'Under way',
        count(threads.reduce((sum, one) => sum + one.requests, 0)),
        null,
        `${count(threads.reduce((sum, one) => sum + one.connections, 0))} connections`,
      ),
      gauge('Shed by the gateway', count(refused), null, 'requests since the start'),
      limit === 0
        ? null
        : gauge(
            'Limits of versions',
            `${count(inFlight)} of ${count(limit)}`,
            inFlight / limit,
            `${count(atLimits)} requests shed since the start`,
          ),
      gauge(
        'Workers',
        `${gateway.workers.filter(({ state }) => state === 'serving').length} of ${gateway.workers.length}`,
        null,
        `${gateway.workers.reduce((sum, one) => sum + one.restarts, 0)} restarts`,
      ),
      gauge('Viewers', `${viewers.now} of ${viewers.max}`, null, `${count(viewers.refused)} turned away`),
    ),
  );
}

/**
 * What the program failed at, and went on from.
 * @param {import('../../../model/threads/load/defects.ts').DefectStatus} defect
 */
function defect({ code, part, about, kind, count: times }) {
  const whose = about === '' ? part : `${part} ${about}`;
  return h('p', {}, h('span', { class: 'pill pill-bad' }, code), ` in ${whose}, ${count(times)} times: ${kind}`);
}

/** @param {Board} board */
export function configuration({ gateway }) {
  const { config, revisions, sources } = gateway;
  const { last } = config;
  const isRefused = last.result === 'refused';
  const row = (/** @type {string} */ name, /** @type {import('./node.js').Child} */ value) => [
    h('dt', {}, name),
    h('dd', {}, value),
  ];
  return h(
    'section',
    { id: 'configuration', 'aria-labelledby': 'configuration-title' },
    h('h2', { id: 'configuration-title' }, 'Configuration'),
    h(
      'dl',
      { class: 'facts' },
      row('In force', `revision ${revisions.number}, ${config.file}`),
      row('Hash', h('code', {}, config.hash.slice(0, 12))),
      row(
        'Since',
        h(
          'time',
          { datetime: config.loadedAt },
          `${config.loadedAt.slice(0, 10)} ${config.loadedAt.slice(11, 19)} UTC`,
        ),
      ),
      row('Newest attempt', [
        h('span', { class: `pill pill-${isRefused ? 'bad' : 'good'}` }, last.result),
        ` ${last.at.slice(11, 19)} UTC`,
      ]),
      row('Changes', `${count(config.reloads.accepted)} accepted, ${count(config.reloads.refused)} refused`),
      revisions.difference !== '' && row('Differs', revisions.difference),
      revisions.pin !== null && row('Pinned', `by ${revisions.pin.by}: ${revisions.pin.reason}`),
      row('State', stateOf(gateway)),
    ),
    isRefused &&
      h(
        'ul',
        { class: 'problems' },
        last.problems
          .slice(0, PROBLEMS_MAX)
          .map((problem) =>
            h(
              'li',
              {},
              h('code', {}, problem.code),
              ` ${placeOf(problem)} expected ${problem.expected}; got ${problem.got}`,
            ),
          ),
      ),
    sources.length > 0 &&
      table('Sources', ['Source', 'State', 'Documents', 'Confirmed', 'Trouble'], sources.map(sourceRow)),
  );
}

/** Of a refused configuration; the log has all. */
const PROBLEMS_MAX = 20;

/** @param {import('../../../model/problem.ts').Problem} problem */
function placeOf({ file, line, path }) {
  const at = line === undefined || line === null ? file : `${file}:${line}`;
  return path === '' ? at : `${at} ${path}`;
}

/** @param {import('../../../model/status.ts').SourceStatus} source */
function sourceRow({ name, state, pieces, staleMs, lastError, shrink }) {
  const trouble = shrink === null ? lastError : `a sudden loss to ${shrink.pieces} is not believed`;
  return h(
    'tr',
    { 'data-key': name },
    h('th', { scope: 'row' }, name),
    h('td', {}, state),
    h('td', {}, count(pieces)),
    h('td', {}, `${duration(staleMs)} ago`),
    h('td', { class: 'wrap' }, trouble === '' ? NONE : trouble),
  );
}

/** @param {GatewayPart} gateway */
function stateOf({ state }) {
  if (state.kind === 'memory') return 'in memory';
  return state.kind === 'unavailable' ? `in memory only: ${state.because}` : `in ${state.directory}`;
}

/**
 * The bar on top.
 * @param {Board} board
 */
export function top({ gateway, atMs }) {
  return h(
    'div',
    { class: 'top' },
    h('span', { class: 'brand' }, 'sluice', h('span', { class: 'hint' }, gateway.version)),
    h('span', { class: `pill pill-${gateway.ready ? 'good' : 'bad'}` }, gateway.ready ? 'ready' : 'not ready'),
    h('span', { class: 'hint' }, `revision ${gateway.revisions.number}`),
    h('span', { class: 'hint' }, `up ${duration(gateway.uptimeMs)}`),
    h(
      'span',
      { class: 'hint', id: 'as-of' },
      'as of ',
      h('time', { datetime: new Date(atMs).toISOString() }, `${clock(atMs)} UTC`),
    ),
    h('span', { id: 'link', class: 'pill pill-calm scripted', 'data-own': true }, 'connecting'),
  );
}
