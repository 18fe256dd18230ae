/**
 * What came out: a table per scenario, and what Sluice promises, checked.
 */

import { PRIORITIES } from '../../src/model/overload.ts';
import { MAIN, SLO_MS } from '../../test/support/simulate/load/shapes.ts';
import { type Spread, spreadOf } from '../macro/report/statistics.ts';
import { align, fixed, spreadText } from '../macro/report/table.ts';
import type { ContenderName } from './contenders.ts';
import type { Sample } from './measure.ts';
import { type Entry, RECOVERED_FROM_SECOND, USUAL_FACTOR } from './scenarios.ts';

/** All rounds of one scenario. */
export interface Outcome extends Entry {
  readonly samples: Readonly<Partial<Record<ContenderName, readonly Sample[]>>>;
}

const CRITICAL = 0;
/** Share of the requests that is critical; at ten times the capacity they alone are all of it. */
const CRITICAL_SHARE = 0.1;
/** 99th percentile of how much later than due requests are sent: little beside the half second that an answer may take. */
const LATE_MS = 20;

function samplesOf({ samples }: Outcome, name: ContenderName): readonly Sample[] {
  return samples[name] ?? [];
}

function recovered({ goodputBySecond }: Sample): number {
  const seconds = goodputBySecond.slice(RECOVERED_FROM_SECOND);
  return seconds.reduce((sum, one) => sum + one, 0) / seconds.length / USUAL_FACTOR;
}

const COLUMNS: readonly (readonly [string, (sample: Sample) => number | null, number])[] = [
  ['goodput', ({ goodput }) => goodput, 3],
  ...PRIORITIES.map(
    (name, index) =>
      [name, ({ good }: Sample) => good[index] ?? null, 3] as [string, (sample: Sample) => number | null, number],
  ),
  ['p99 ms', ({ p99Ms }) => p99Ms, 0],
  ['refused', ({ refused }) => refused, 0],
  ['broken', ({ broken }) => broken, 0],
  ['amplified', ({ amplification }) => amplification, 2],
  ['at once', ({ presentMax }) => presentMax, 0],
  ['cpu', ({ cpuRatio }) => cpuRatio, 2],
  ['late ms', ({ lateP99Ms }) => lateP99Ms, 1],
];

/** One scenario: medians over the rounds. */
export function renderOutcome(outcome: Outcome): string {
  const isSpike = outcome.kind === 'spike';
  const columns = isSpike
    ? [...COLUMNS, ['recovered', recovered, 2] as [string, (sample: Sample) => number | null, number]]
    : COLUMNS;
  const lines = outcome.contenders.map((name) => [
    name,
    ...columns.map(([, of, digits]) => {
      const values = samplesOf(outcome, name).map(of);
      return fixed(spreadOf(values.filter((value) => value !== null)).median, digits);
    }),
  ]);
  return `${outcome.scenario.name}\n${align([['', ...columns.map(([title]) => title)], ...lines])}`;
}

export interface Verdict {
  readonly what: string;
  readonly limit: string;
  readonly figure: Spread;
  readonly isMet: boolean;
}

/** @param of the figure of one round */
function verdict(what: string, bound: 'least' | 'most', limit: number, figures: readonly number[]): Verdict[] {
  if (figures.length === 0) return [];
  const figure = spreadOf(figures);
  const isMet = bound === 'least' ? figure.median >= limit : figure.median <= limit;
  return [{ what, limit: `at ${bound} ${limit}`, figure, isMet }];
}

function steadyVerdicts(outcome: Outcome): Verdict[] {
  const { scenario, factor } = outcome;
  const own = samplesOf(outcome, 'sluice');
  const amplified = verdict(
    `${scenario.name}: requests made of one`,
    'most',
    1.1,
    own.map((one) => one.amplification),
  );
  const p99 = verdict(
    `${scenario.name}: p99 of what is let through, ms`,
    'most',
    SLO_MS,
    own.map((one) => one.p99Ms ?? 0),
  );
  if (factor < 1) {
    return [
      ...verdict(
        `${scenario.name}: refused`,
        'most',
        0,
        own.map(({ refused }) => refused),
      ),
      ...p99,
      ...amplified,
    ];
  }
  const critical = own.map(({ good }) => good[CRITICAL] ?? 0);
  const least = scenario.shape === MAIN ? 0.95 : 0.85;
  return [
    ...verdict(
      `${scenario.name}: goodput`,
      'least',
      least,
      own.map(({ goodput }) => goodput),
    ),
    ...(factor * CRITICAL_SHARE <= 0.9 ? verdict(`${scenario.name}: critical`, 'least', 0.99, critical) : []),
    ...p99,
    ...amplified,
    ...(factor >= 5 ? againstHaproxy(outcome) : []),
  ];
}

/** By how much more critical requests are answered than HAProxy answers in the same round. */
function againstHaproxy(outcome: Outcome): Verdict[] {
  const critical = (name: ContenderName): number[] => samplesOf(outcome, name).map(({ good }) => good[CRITICAL] ?? 0);
  const own = critical('sluice');
  return (['haproxy', 'haproxy-classes'] as const).flatMap((name) => {
    const theirs = critical(name);
    const more = own.flatMap((one, round) => (theirs[round] === undefined ? [] : [one - theirs[round]]));
    return verdict(`${outcome.scenario.name}: critical, more than ${name}`, 'least', 0, more);
  });
}

/** A load that is late measures itself: whoever was in front of it, in the worst round. */
function loadVerdict({ scenario, samples }: Outcome): Verdict[] {
  const lateMs = Object.values(samples).flatMap((rounds) => rounds.map(({ lateP99Ms }) => lateP99Ms ?? 0));
  return verdict(`${scenario.name}: the load itself was late, ms`, 'most', LATE_MS, [Math.max(0, ...lateMs)]);
}

/** What is promised, where it was measured. */
export function judge(outcomes: readonly Outcome[]): Verdict[] {
  return outcomes.flatMap((outcome) => [...promises(outcome), ...loadVerdict(outcome)]);
}

function promises(outcome: Outcome): Verdict[] {
  if (outcome.kind === 'steady') return steadyVerdicts(outcome);
  const own = samplesOf(outcome, 'sluice').map(recovered);
  return verdict(`${outcome.scenario.name}: answered again 5 s later, of what is asked`, 'least', 0.95, own);
}

export function renderVerdicts(verdicts: readonly Verdict[]): string {
  const lines = verdicts.map(({ what, figure, limit, isMet }) => [
    `${isMet ? 'PASS' : 'FAIL'}  ${what}`,
    spreadText(figure, 3),
    limit,
  ]);
  return align([['      criterion', 'median (min..max)', ''], ...lines]);
}
