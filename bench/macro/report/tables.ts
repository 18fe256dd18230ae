/**
 * One table per scenario: a row per gateway, medians over rounds with lowest and highest.
 */

import type { ClosedSample } from '../scenarios/closed.ts';
import type { IdleSample } from '../scenarios/idle.ts';
import { DIRECT, type LatencySample, type LatencySeries } from '../scenarios/latency.ts';
import type { ClosedOutcome, IdleOutcome, LatencyOutcome, Outcome } from '../scenarios/outcome.ts';
import type { Series } from '../scenarios/scenario.ts';
import { type ClosedSeries, cheaperOf, cpuRatio, find, measured, nameOf, p99Difference } from './compare.ts';
import { notesOf } from './notes.ts';
import { median, type Spread, spreadOf } from './statistics.ts';
import { align, fixed, percent, rangeText, spreadText } from './table.ts';

/** A column: its head, and what stands in it for one series. */
interface Column<T> {
  readonly head: string;
  readonly cell: (series: T) => string;
}

type Figure<S> = (sample: S) => number;

/** The median of a figure, of the samples that have it. */
function middle<S>(head: string, digits: number, figure: (sample: S) => number | null): Column<Series<S>> {
  return { head, cell: ({ samples }) => fixed(median(samples.flatMap((sample) => figure(sample) ?? [])), digits) };
}

/** The median of a share. */
function share<S>(head: string, figure: (sample: S) => number | null): Column<Series<S>> {
  return { head, cell: ({ samples }) => percent(median(samples.map((sample) => figure(sample) ?? Number.NaN))) };
}

/** Two columns: median, then lowest and highest. `spread` null leaves them empty. */
function spread<T>(head: string, digits: number, spreadIn: (series: T) => Spread | null): Column<T>[] {
  const text = (series: T, write: (spread: Spread) => string): string => {
    const found = spreadIn(series);
    return found === null ? '-' : write(found);
  };
  return [
    { head, cell: (series) => text(series, ({ median: middleOf }) => fixed(middleOf, digits)) },
    { head: 'min..max', cell: (series) => text(series, (found) => rangeText(found, digits)) },
  ];
}

function figures<S>(head: string, digits: number, figure: Figure<S>): Column<Series<S>>[] {
  return spread(head, digits, ({ samples }) => spreadOf(samples.map(figure)));
}

function tableOf<T extends Series<unknown>>(series: readonly T[], columns: readonly Column<T>[]): string {
  const head = ['gateway', ...columns.map((column) => column.head)];
  return align([head, ...measured(series).map((one) => [nameOf(one), ...columns.map(({ cell }) => cell(one))])]);
}

function closedTable({ scenario, series }: ClosedOutcome): string {
  const againstCheaper = (one: ClosedSeries): Spread | null => {
    const base = cheaperOf(series, one.variant);
    return base === null ? null : cpuRatio(one, base);
  };
  return tableOf<ClosedSeries>(series, [
    ...figures<ClosedSample>(`CPU us/${scenario.unit}`, 1, ({ cpuUs }) => cpuUs),
    ...spread('x cheaper', 2, againstCheaper),
    middle('requests/s', 0, ({ requestsPerSecond }) => requestsPerSecond),
    middle('p50 ms', 2, ({ p50Ms }) => p50Ms),
    middle('p99 ms', 2, ({ p99Ms }) => p99Ms),
    share('own core', ({ usage }) => usage.gatewayRatio),
    share('load core', ({ usage }) => usage.loadCoreRatio),
    share('noise', ({ usage }) => usage.noiseRatio),
  ]);
}

/** `sluice: CPU 1.02 x nginx (0.98..1.05), …` per variant, then each gateway's last variant against its first. */
function closedLines({ scenario, series }: ClosedOutcome): string[] {
  const lines = scenario.variants.flatMap(({ label }) => {
    const own = find(series, 'sluice', label);
    const others = measured(series).filter((one) => one !== own && one.variant === label);
    if (own === null || others.length === 0) return [];
    const parts = others.map((one: ClosedSeries) => {
      const ratio = cpuRatio(own, one);
      return `${fixed(ratio.median, 2)} x ${one.name} (${rangeText(ratio, 2)})`;
    });
    return [`sluice${label === '' ? '' : `, ${label}`}: CPU per ${scenario.unit} ${parts.join(', ')}`];
  });
  const [first, last] = [scenario.variants.at(0), scenario.variants.at(-1)];
  if (first === undefined || last === undefined || first === last) return lines;
  const changes = scenario.contenders.flatMap((name) => {
    const from = find(series, name, first.label);
    const to = find(series, name, last.label);
    return from === null || to === null ? [] : [`${name} ${spreadText(cpuRatio(to, from), 2)}`];
  });
  return changes.length === 0 ? lines : [...lines, `${last.label} : ${first.label}: ${changes.join(', ')}`];
}

function latencyTable({ series }: LatencyOutcome): string {
  const base = find(series, 'nginx');
  const overBase = (one: LatencySeries): Spread | null =>
    base === null || one === base || one.rate !== base.rate ? null : p99Difference(one, base);
  const ofSaturation = ({ rate, saturatedRate }: LatencySeries): string =>
    percent(saturatedRate === null ? null : rate / saturatedRate);
  const cpu = middle<LatencySample>('CPU us/request', 1, ({ cpuUs }) => cpuUs);
  return tableOf<LatencySeries>(series, [
    { head: 'rate/s', cell: ({ rate }) => fixed(rate, 0) },
    { head: 'of saturation', cell: ofSaturation },
    middle('p50 ms', 3, ({ p50Ms }) => p50Ms),
    ...figures<LatencySample>('p99 ms', 3, ({ p99Ms }) => p99Ms),
    ...spread('p99 - nginx', 3, overBase),
    middle('p99.9 ms', 3, ({ p999Ms }) => p999Ms),
    middle('max ms', 1, ({ maxMs }) => maxMs),
    { head: cpu.head, cell: (one) => (one.name === DIRECT ? '-' : cpu.cell(one)) },
    share('waited', ({ waited, requests }) => waited / requests),
    middle('late p99 ms', 3, ({ lateP99Ms }) => lateP99Ms),
    share('noise', ({ usage }) => usage.noiseRatio),
  ]);
}

function idleTable({ series }: IdleOutcome): string {
  return tableOf<Series<IdleSample>>(series, [
    middle('connections', 0, ({ connections }) => connections),
    ...figures<IdleSample>('KiB each', 2, ({ kibPerConnection }) => kibPerConnection),
    middle('RSS before MiB', 1, ({ baselineKib }) => baselineKib / 1_024),
    middle('RSS with them MiB', 1, ({ heldKib }) => heldKib / 1_024),
  ]);
}

/** The table of a scenario with its title above and the lines that belong under it. */
export function renderOutcome(outcome: Outcome): string {
  const notes = notesOf(outcome).map((note) => `note: ${note}`);
  return [outcome.scenario.title, ...bodyOf(outcome), ...refusals(outcome), ...notes].join('\n');
}

function refusals({ series }: Outcome): string[] {
  return series.flatMap((one) => (one.refused === null ? [] : [`refused: ${nameOf(one)}: ${one.refused}`]));
}

function bodyOf(outcome: Outcome): string[] {
  switch (outcome.kind) {
    case 'closed':
      return [closedTable(outcome), ...closedLines(outcome)];
    case 'latency':
      return [latencyTable(outcome)];
    case 'idle':
      return [idleTable(outcome)];
  }
}
