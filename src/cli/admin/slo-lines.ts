/**
 * Objectives as lines of text for `sluice status`: one each, and one more for every alert that fires.
 *
 * Those that need attention come first: firing ones, then the least budget left. Objectives that counted nothing are only
 * a number at the end.
 */

import type { AlertStatus, SloStatus } from '../../model/status.ts';

/** Lines with a title; none without objectives. */
export function sloLines(slos: readonly SloStatus[]): string[] {
  if (slos.length === 0) return [];
  const counted = slos.filter(({ remainingRatio }) => remainingRatio !== null).toSorted(byUrgency);
  const idleCount = slos.length - counted.length;
  const idle = idleCount === 0 ? [] : [`  ${idleCount} without any request in 28 days`];
  return ['', 'objectives', ...counted.flatMap(linesOf), ...idle];
}

function byUrgency(a: SloStatus, b: SloStatus): number {
  return firingCount(b) - firingCount(a) || (a.remainingRatio ?? 1) - (b.remainingRatio ?? 1);
}

function firingCount({ alerts }: SloStatus): number {
  return alerts.filter(({ isFiring }) => isFiring).length;
}

function linesOf(slo: SloStatus): string[] {
  const { scope, name, indicator, targetRatio, thresholdMs, remainingRatio, events, burnRates, policy } = slo;
  const within = thresholdMs === null ? '' : ` within ${thresholdMs} ms`;
  const target = `${scope} ${name}  ${indicator} ${percent(targetRatio, 6)}${within}`;
  const left = leftOf(remainingRatio ?? 1);
  const counts = `${events.bad} bad of ${events.good + events.bad}${slo.score === null ? '' : ' s'}`;
  const burn = typeof burnRates['1h'] === 'number' ? `, burn ${digits(burnRates['1h'], 3)}x over 1h` : '';
  const gone = slo.exhaustedInMs === null || slo.exhaustedInMs === 0 ? '' : `, gone in ${span(slo.exhaustedInMs)}`;
  const rule = policy.kind === 'allowed' ? [] : [`    rollouts ${policy.kind}: ${policy.sentence}`];
  const head = `  ${target}  ${left} (${counts})${burn}${gone}`;
  return [head, ...scoreLine(slo).map((line) => `    ${line}`), ...slo.alerts.filter(isFiring).map(alertLine), ...rule];
}

/** The score of a composite objective; nothing of others. */
export function scoreLine({ score }: SloStatus): string[] {
  if (score === null) return [];
  const of = (ratio: number | null): string => (ratio === null ? 'no data' : percent(ratio, 4));
  const parts = Object.entries(score.parts).map(([part, ratio]) => `${part} ${of(ratio)}`);
  const worth =
    score.value === null ? [] : [`served ${digits(score.value.served, 6)} of ${digits(score.value.asked, 6)}`];
  const details = [...parts, ...worth].join(', ');
  const state = score.isBelow ? '; its policy acts' : '';
  return [`score ${of(score.now)}, a good second needs ${of(score.atLeastRatio)}: ${details}${state}`];
}

function isFiring(alert: AlertStatus): boolean {
  return alert.isFiring;
}

function alertLine({ severity, long, short, factor, firingForMs }: AlertStatus): string {
  return `    ${severity}: burn above ${factor}x over ${long} and ${short}, for ${span(firingForMs ?? 0)}`;
}

/** `50 % of the budget left`, `budget overspent by 20 %` */
export function leftOf(remainingRatio: number): string {
  if (remainingRatio < 0) return `budget overspent by ${percent(-remainingRatio, 3)}`;
  return `${percent(remainingRatio, 3)} of the budget left`;
}

/** `12.5 %`. @param precision digits that count */
export function percent(ratio: number, precision: number): string {
  return `${digits(ratio * 100, precision)} %`;
}

/** Without digits that do not count. */
export function digits(value: number, precision: number): number {
  return Number(value.toPrecision(precision));
}

/** A time in the two units that matter. */
export function span(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
