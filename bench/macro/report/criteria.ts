/**
 * What Sluice promises about its cost, checked against a run: one line each.
 */

import type { ClosedOutcome, IdleOutcome, LatencyOutcome, Outcome } from '../scenarios/outcome.ts';
import { type ClosedSeries, cheaperOf, cpuRatio, find, p99Difference } from './compare.ts';
import { type Spread, spreadOf } from './statistics.ts';
import { align, spreadText } from './table.ts';

/** Rounds below which a verdict is only an indication. */
export const ROUNDS_MIN = 5;

export interface Verdict {
  readonly what: string;
  /** Largest median that passes. */
  readonly max: number;
  readonly unit: string;
  /** Null when the run did not measure it. */
  readonly figure: Spread | null;
  readonly isMet: boolean | null;
}

type Figure = { readonly label: string; readonly spread: Spread } | null;

/** One promise: how its figure is found in the outcomes. */
interface Promised {
  readonly what: string;
  readonly max: number;
  readonly unit: string;
  readonly figureOf: (outcomes: readonly Outcome[]) => Figure;
}

function closedNamed(outcomes: readonly Outcome[], name: string): ClosedOutcome | null {
  return outcomes.find((one): one is ClosedOutcome => one.kind === 'closed' && one.scenario.name === name) ?? null;
}

/** Sluice's CPU time against another's in one scenario. */
function against(name: string, baseOf: (series: readonly ClosedSeries[]) => ClosedSeries | null): Promised['figureOf'] {
  return (outcomes) => {
    const series = closedNamed(outcomes, name)?.series ?? [];
    const own = find(series, 'sluice');
    const base = baseOf(series);
    return own === null || base === null ? null : { label: base.name, spread: cpuRatio(own, base) };
  };
}

/** Sluice's last variant of a scenario against its first. */
function variantsFigure(name: string): Promised['figureOf'] {
  return (outcomes) => {
    const outcome = closedNamed(outcomes, name);
    const variants = outcome?.scenario.variants.map(({ label }) => find(outcome.series, 'sluice', label)) ?? [];
    const [few = null, many = null] = [variants[0], variants.at(-1)];
    return few === null || many === null ? null : { label: '', spread: cpuRatio(many, few) };
  };
}

function p99Figure(outcomes: readonly Outcome[]): Figure {
  const series = outcomes.find((one): one is LatencyOutcome => one.kind === 'latency')?.series ?? [];
  const [own, base] = [find(series, 'sluice'), find(series, 'nginx')];
  return own === null || base === null ? null : { label: '', spread: p99Difference(own, base) };
}

function idleFigure(outcomes: readonly Outcome[]): Figure {
  const series = outcomes.find((one): one is IdleOutcome => one.kind === 'idle')?.series ?? [];
  const own = find(series, 'sluice');
  return own === null ? null : { label: '', spread: spreadOf(own.samples.map((sample) => sample.kibPerConnection)) };
}

const PROMISED: readonly Promised[] = [
  {
    what: 'CPU per small GET against the cheaper of nginx and HAProxy',
    max: 1,
    unit: 'x',
    figureOf: against('small-get', (series) => cheaperOf(series)),
  },
  {
    what: 'CPU per small GET against node:http + undici',
    max: 0.35,
    unit: 'x',
    figureOf: against('small-get', (series) => find(series, 'node-undici')),
  },
  {
    what: 'CPU per small GET against http-proxy-3',
    max: 0.15,
    unit: 'x',
    figureOf: against('small-get', (series) => find(series, 'http-proxy-3')),
  },
  {
    what: 'CPU per MiB of response against HAProxy',
    max: 1,
    unit: 'x',
    figureOf: against('large-response', (series) => find(series, 'haproxy')),
  },
  {
    what: 'CPU per MiB of upload against HAProxy',
    max: 1,
    unit: 'x',
    figureOf: against('large-upload', (series) => find(series, 'haproxy')),
  },
  { what: 'CPU per request with 10,000 routes against 10', max: 1.05, unit: 'x', figureOf: variantsFigure('routes') },
  {
    what: 'CPU of the workers per request with 500 judged routes against none',
    max: 1.03,
    unit: 'x',
    figureOf: variantsFigure('judged'),
  },
  { what: 'p99 at half of saturation over that of nginx', max: 0.3, unit: 'ms', figureOf: p99Figure },
  { what: 'RSS per idle keep-alive connection', max: 10, unit: 'KiB', figureOf: idleFigure },
];

/** Every promise with its verdict: the median decides. */
export function judge(outcomes: readonly Outcome[]): Verdict[] {
  return PROMISED.map(({ what, max, unit, figureOf }) => {
    const figure = figureOf(outcomes);
    const label = figure === null || figure.label === '' ? '' : ` (${figure.label})`;
    const spread = figure?.spread ?? null;
    return { what: `${what}${label}`, max, unit, figure: spread, isMet: spread === null ? null : spread.median <= max };
  });
}

/** One line per promise. */
export function renderVerdicts(verdicts: readonly Verdict[]): string {
  const lines = verdicts.map(({ what, max, unit, figure, isMet }) => [
    `${isMet === null ? '-   ' : isMet ? 'PASS' : 'FAIL'}  ${what}`,
    figure === null ? 'not measured' : `${spreadText(figure, 3)} ${unit}`,
    `at most ${max.toFixed(2)}`,
  ]);
  return align([['      criterion', 'median (min..max)', ''], ...lines]);
}
