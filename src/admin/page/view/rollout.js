/**
 * A rollout on the page: its steps, what the gates ask for, the verdict with its counts, and what a person may ask of it.
 */

import { count, digits, duration } from './format.js';
import { h } from './node.js';
import { bar } from './parts.js';

/** @typedef {import('./board.ts').RouteView} RouteView */
/** @typedef {import('./board.ts').Tone} Tone */
/** @typedef {import('../../../model/status.ts').RolloutStatus} RolloutStatus */

/** States in words. */
export const STATE_WORDS = {
  idle: 'waits to be started',
  progressing: 'in progress',
  paused: 'paused',
  baking: 'baking',
  succeeded: 'succeeded',
  'rolled-back': 'rolled back',
};

/**
 * @param {RolloutStatus} rollout
 * @returns {Tone}
 */
export function toneOfState({ state }) {
  if (state === 'rolled-back') return 'bad';
  if (state === 'paused') return 'warn';
  return state === 'succeeded' ? 'good' : 'calm';
}

/**
 * @param {RouteView} view
 * @param {RolloutStatus} status
 * @param {boolean} isReadOnly
 */
export function rollout({ route, ladder }, status, isReadOnly) {
  const { state, canary, stable, step, next } = status;
  return h(
    'div',
    { class: 'panel', id: 'rollout' },
    h(
      'h3',
      {},
      `Rollout of ${canary} against ${stable}`,
      h('span', { class: `pill pill-${toneOfState(status)}` }, STATE_WORDS[state]),
    ),
    ladder.length > 0 &&
      h(
        'ol',
        { class: 'ladder' },
        ladder.map((share, n) => rung(share, n, status)),
      ),
    routes(status),
    spared(status),
    step !== null && h('p', { class: 'hint' }, `Step ${step.number} of ${step.count} for ${duration(step.forMs)}`),
    next !== '' && h('p', {}, next),
    gates(status),
    verdict(status),
    buttons(route.name, status, isReadOnly),
  );
}

/**
 * Where it moves more than one, with what failed on each.
 * @param {RolloutStatus} status
 */
function routes({ routes: names, verdict: known }) {
  if (names === undefined) return null;
  const counted = known?.routes?.map(({ route, requests: { canary } }) => {
    return `${route} (${count(canary.bad)} of ${count(canary.finished)} canary requests failed)`;
  });
  return h('p', { class: 'hint' }, `On ${(counted ?? names).join(', ')}`);
}

/**
 * Endpoints whose failures were left out in this step.
 * @param {RolloutStatus} status
 */
function spared({ verdict: known }) {
  const names = [...new Set(known?.errors.spared.filter((name) => typeof name === 'string'))];
  return names.length === 0 ? null : h('p', { class: 'hint' }, `Failures of ${names.join(', ')} were left out`);
}

/**
 * @param {number} share
 * @param {number} n
 * @param {RolloutStatus} status
 */
function rung(share, n, { step, state }) {
  const at = state === 'succeeded' ? Number.POSITIVE_INFINITY : (step?.number ?? 0) - 1;
  const where = n < at ? 'done' : n === at ? 'now' : 'ahead';
  return h(
    'li',
    { class: `rung rung-${where}`, 'aria-current': where === 'now' ? 'step' : null },
    `${digits(share)} %`,
    h('span', { class: 'vh' }, ` ${where}`),
  );
}

/** @param {RolloutStatus} status */
function gates({ gates }) {
  if (gates.length === 0) return null;
  const rows = gates.map((gate) =>
    h(
      'li',
      { class: gate.isPassed ? 'passed' : 'open' },
      h('span', { class: 'mark' }, gate.isPassed ? '✓' : '…'),
      `${gate.name}: ${gate.sentence}`,
    ),
  );
  return h('ul', { class: 'gates' }, rows);
}

/** @param {RolloutStatus} status */
function verdict({ verdict, canary, stable }) {
  if (verdict === null) return null;
  const { requests, users, logE, logEToFail, state } = verdict;
  const row = (/** @type {string} */ name, /** @type {import('../../../model/slo.ts').PairCounts} */ pair) =>
    h(
      'tr',
      {},
      h('th', { scope: 'row' }, name),
      ...[pair.canary, pair.stable].map(({ bad, finished }) => h('td', {}, `${count(bad)} bad of ${count(finished)}`)),
    );
  return h(
    'details',
    { class: 'numbers', 'data-key': 'verdict' },
    h('summary', {}, `Verdict: ${state}, evidence ${digits(Math.max(0, logE))} of ${digits(logEToFail)} nats`),
    bar(logE / logEToFail, state === 'fail' ? 'bad' : 'calm'),
    h(
      'div',
      { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Evidence' },
      h(
        'table',
        {},
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            h('th', { scope: 'col' }, 'Unit'),
            h('th', { scope: 'col' }, canary),
            h('th', { scope: 'col' }, stable),
          ),
        ),
        h('tbody', {}, row('requests', requests), row('user-seconds', users)),
      ),
    ),
  );
}

/** Commands by state; `undo` is offered with the others, and refused where there is nothing to undo. */
const COMMANDS = {
  idle: ['start', 'abort'],
  progressing: ['pause', 'promote', 'abort'],
  paused: ['resume', 'promote', 'abort', 'undo'],
  baking: ['pause', 'promote', 'abort'],
  succeeded: ['abort'],
  'rolled-back': ['start', 'undo'],
};

/**
 * What a person may ask of the rollout now.
 * @param {RolloutStatus} status
 * @returns {readonly string[]}
 */
export function commandsOf({ state, gates, step, next }) {
  const isWatched = step === null && gates.length === 0 && next === '';
  const isOnlyWatched = isWatched && (state === 'progressing' || state === 'rolled-back');
  if (isOnlyWatched) return state === 'progressing' ? ['abort'] : [];
  return COMMANDS[state];
}

/**
 * @param {string} route
 * @param {RolloutStatus} status
 * @param {boolean} isReadOnly
 */
function buttons(route, status, isReadOnly) {
  const commands = commandsOf(status);
  if (commands.length === 0) return null;
  const words = (/** @type {string} */ command) => `${(command[0] ?? '').toUpperCase()}${command.slice(1)}`;
  const button = (/** @type {string} */ command) =>
    h(
      'button',
      {
        type: 'button',
        class: command === 'abort' ? 'button danger' : 'button',
        'data-command': command,
        'data-target': route,
        'data-key': command,
        disabled: isReadOnly,
      },
      words(command),
    );
  const help = isReadOnly
    ? 'Read only: no token is configured (adminToken, or SLUICE_ADMIN_TOKEN).'
    : `Or: sluice rollout ${commands.join('|')} ${route}`;
  return h(
    'div',
    { class: 'commands', 'data-key': 'commands' },
    h(
      'div',
      { class: 'buttons scripted', role: 'group', 'aria-label': `Commands to the rollout of ${route}` },
      commands.map(button),
    ),
    h('p', { class: 'hint' }, help),
  );
}
