/**
 * One table per scenario, and the goals: Sluice's CPU time over nginx's within the same round.
 */

import type { Usage } from '../macro/accounts/accounts.ts';
import { median, ratios, type Spread, spreadOf } from '../macro/report/statistics.ts';
import { align, fixed, percent, rangeText, spreadText } from '../macro/report/table.ts';
import type { ContenderName } from './contenders.ts';
import type { Scenario } from './scenarios.ts';

/** What one measurement gives. */
export interface Sample {
  /** CPU time of all the gateway's processes and threads per unit. */
  readonly cpuUs: number;
  readonly unitsPerSecond: number;
  readonly usage: Usage;
}

/** The samples of one gateway in one scenario, one per round. */
export interface Series {
  readonly name: ContenderName;
  readonly version: string;
  /** Why it takes no further turns; null: it does. */
  refused: string | null;
  readonly samples: Sample[];
}

export interface Outcome {
  readonly scenario: Scenario;
  readonly series: readonly Series[];
}

function measured({ series }: Outcome): Series[] {
  return series.filter(({ refused, samples }) => refused === null && samples.length > 0);
}

function cpuOf({ samples }: Series): number[] {
  return samples.map(({ cpuUs }) => cpuUs);
}

/** CPU time of one gateway over another's; null when one of them was not measured. */
export function ratioOf(outcome: Outcome, name: ContenderName, base: ContenderName): Spread | null {
  const [one, other] = [name, base].map((wanted) => measured(outcome).find((series) => series.name === wanted));
  return one === undefined || other === undefined ? null : spreadOf(ratios(cpuOf(one), cpuOf(other)));
}

/** The table of a scenario with its title above, and whoever was refused below. */
export function renderOutcome(outcome: Outcome): string {
  const { scenario, series } = outcome;
  const head = [
    'gateway',
    `CPU us/${scenario.unit}`,
    'min..max',
    'x nginx',
    'min..max',
    'per second',
    'own core',
    'noise',
  ];
  const rows = measured(outcome).map((one) => {
    const cpu = spreadOf(cpuOf(one));
    const ratio = ratioOf(outcome, one.name, 'nginx');
    const middle = (figure: (sample: Sample) => number | null): number =>
      median(one.samples.flatMap((sample) => figure(sample) ?? []));
    return [
      `${one.name} ${one.version}`,
      fixed(cpu.median, 1),
      rangeText(cpu, 1),
      fixed(ratio?.median ?? null, 2),
      ratio === null ? '-' : rangeText(ratio, 2),
      fixed(
        middle(({ unitsPerSecond }) => unitsPerSecond),
        0,
      ),
      percent(middle(({ usage }) => usage.gatewayRatio)),
      percent(middle(({ usage }) => usage.noiseRatio)),
    ];
  });
  const before = ratioOf(outcome, 'sluice', 'sluice-before');
  return [
    scenario.title,
    align([head, ...rows]),
    ...(before === null ? [] : [`sluice: ${spreadText(before, 2)} x sluice-before`]),
    ...series.flatMap(({ name, refused }) => (refused === null ? [] : [`refused: ${name}: ${refused}`])),
  ].join('\n');
}

/** A goal with its figure. */
export interface Verdict {
  readonly name: string;
  readonly goal: number;
  readonly figure: Spread | null;
  readonly isMet: boolean | null;
}

/** Every goal of what was measured: the median decides. */
export function judge(outcomes: readonly Outcome[]): Verdict[] {
  return outcomes.flatMap((outcome) => {
    const { goal, name } = outcome.scenario;
    const figure = ratioOf(outcome, 'sluice', 'nginx');
    return goal === null ? [] : [{ name, goal, figure, isMet: figure === null ? null : figure.median <= goal }];
  });
}

/** One line per goal. */
export function renderVerdicts(verdicts: readonly Verdict[]): string {
  const lines = verdicts.map(({ name, goal, figure, isMet }) => [
    `${isMet === null ? '-   ' : isMet ? 'PASS' : 'FAIL'}  ${name}`,
    figure === null ? 'not measured' : `${spreadText(figure, 2)} x`,
    `at most ${goal.toFixed(2)}`,
  ]);
  return align([['      CPU time over that of nginx', 'median (min..max)', ''], ...lines]);
}
