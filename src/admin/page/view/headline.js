/**
 * The first line of the page: what somebody who has one second must know, and how urgent it is.
 *
 * In order of urgency: not ready · a rollback that is in force · an alert that pages · a configuration that was refused, or is
 * not what the sources hold · the gateway near its limits · a rollout that waits for a person · a rollout under way · all is well.
 */

import { duration, percent } from './format.js';

/** @typedef {import('./board.ts').Board} Board */
/** @typedef {import('./board.ts').RouteView} RouteView */
/** @typedef {{ readonly tone: import('./board.ts').Tone, readonly label: string, readonly sentence: string }} Headline */

/**
 * @param {Board} board
 * @returns {Headline}
 */
export function headlineOf(board) {
  const { gateway, routes } = board;
  if (!gateway.ready)
    return { tone: 'bad', label: 'Not ready', sentence: `The gateway takes no traffic: ${gateway.notReadyBecause}` };
  const byState = (/** @type {string} */ state) => routes.find(({ route }) => route.rollout?.state === state);
  const rolledBack = byState('rolled-back');
  if (rolledBack !== undefined) return { tone: 'bad', label: 'Rolled back', sentence: sentenceOf(rolledBack) };
  const alert = firing(board, 'page');
  if (alert !== '') return { tone: 'bad', label: 'Alert', sentence: alert };
  const troubles = troubleOf(board);
  if (troubles !== null) return troubles;
  const paused = byState('paused');
  if (paused !== undefined) return { tone: 'warn', label: 'Paused', sentence: sentenceOf(paused) };
  const ticket = firing(board, 'ticket');
  if (ticket !== '') return { tone: 'warn', label: 'Budget', sentence: ticket };
  const moving = byState('progressing') ?? byState('baking');
  if (moving !== undefined) return { tone: 'calm', label: 'In progress', sentence: sentenceOf(moving) };
  return { tone: 'good', label: 'All well', sentence: wellSentence(board) };
}

/**
 * @param {Board} board
 * @returns {Headline | null}
 */
function troubleOf({ gateway }) {
  const { config, revisions, saturation } = gateway;
  if (config.last.result === 'refused') {
    const { length } = config.last.problems;
    const what = `The newest configuration was refused: ${length} ${length === 1 ? 'problem' : 'problems'}`;
    return { tone: 'warn', label: 'Configuration', sentence: `${what}; revision ${revisions.number} stays in force` };
  }
  if (revisions.difference !== '') return { tone: 'warn', label: 'Configuration', sentence: revisions.difference };
  if (saturation.grade === 'normal') return null;
  return { tone: 'warn', label: 'Near its limits', sentence: `${saturation.grade}: ${saturation.because}` };
}

/**
 * @param {Board} board
 * @param {'page' | 'ticket'} severity
 */
function firing({ routes, services }, severity) {
  for (const slo of [...routes.flatMap((view) => view.slos), ...services]) {
    const alert = slo.alerts.find((one) => one.isFiring && one.severity === severity);
    if (alert === undefined) continue;
    const [long, short] = [slo.burnRates[alert.long], slo.burnRates[alert.short]];
    const rates = `${times(long)} over ${alert.long} and ${times(short)} over ${alert.short}`;
    const left = slo.remainingRatio === null ? '' : `; ${percent(slo.remainingRatio)} of its error budget is left`;
    return `${slo.name}: ${slo.indicator} burns ${rates} (limit ${alert.factor}×)${left}`;
  }
  return '';
}

/** @param {number | null | undefined} rate */
function times(rate) {
  return `${rate === null || rate === undefined ? '?' : Number(rate.toFixed(1))}×`;
}

/** @param {RouteView} view */
function sentenceOf({ route }) {
  const sentence = route.rollout?.sentence ?? '';
  return sentence.startsWith(route.name) ? sentence : `${route.name}: ${sentence}`;
}

/** @param {Board} board */
function wellSentence({ routes, routesTotal, gateway }) {
  const worst = routes.find(({ remainingRatio }) => remainingRatio !== null);
  const served = routesTotal === 1 ? '1 route is served' : `${routesTotal} routes are served`;
  const left = worst?.remainingRatio ?? null;
  if (worst === undefined || left === null) return `${served}, up for ${duration(gateway.uptimeMs)}`;
  return `${served}; the least error budget left is ${percent(left)}, of ${worst.route.name}`;
}

/**
 * What a sentence says first, and the numbers that follow.
 * @param {string} sentence
 * @returns {[main: string, more: string]}
 */
export function clausesOf(sentence) {
  const end = sentence.indexOf('; ');
  return end === -1 ? [sentence, ''] : [sentence.slice(0, end), sentence.slice(end)];
}
