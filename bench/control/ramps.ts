/**
 * Takes sound and bad canaries through the default ramp, one after the other, and writes down what became of each.
 */

import { quantileOf } from '../../test/support/simulate/detection.ts';
import { type Ramp, ramp, SOUND } from '../../test/support/simulate/watch/ramp.ts';
import { readResult, writeResult } from './results.ts';
import type { Table } from './tables.ts';
import { fingerprint } from './watch.ts';

const SEED = 500_001;

/** A row of the table. */
interface Row {
  readonly name: string;
  readonly requestsPerSecond: number;
  readonly errorRatio: number;
}

const ROWS: readonly Row[] = [
  ...[1000, 100].map((requestsPerSecond) => ({ name: 'fails as stable does', requestsPerSecond, errorRatio: 0.001 })),
  ...[0.005, 0.01, 0.05, 0.5, 1].map((errorRatio) => {
    return { name: `fails ${100 * errorRatio} %`, requestsPerSecond: 1000, errorRatio };
  }),
];

/** What became of the ramps of each row so far, in the order of their seeds: `succeed 3915 4574900` (state, bad requests, ms). */
export interface Ramps {
  /** Of the judge that they had. */
  readonly fingerprint: string;
  readonly rows: Record<string, string[]>;
}

export interface RampsRun {
  /** Ramps wanted of each sound canary; of each bad one a fifth of that. */
  readonly runs: number;
  readonly log: (line: string) => void;
  readonly folder?: string;
  /** Default: the ramp of a seed. */
  readonly take?: (row: Row, seed: number) => Pick<Ramp, 'state' | 'canaryBad' | 'tookMs'>;
}

/** Goes on from what there is, with the row that has the smallest share of what is wanted. */
export function runRamps({ runs, log, folder, take = takeRamp }: RampsRun): Ramps {
  const found = readResult('ramps', folder) as Ramps | null;
  const judge = fingerprint();
  const known: Ramps = found?.fingerprint === judge ? found : { fingerprint: judge, rows: {} };
  const wanted = (row: Row): number => Math.ceil(runs / (row.errorRatio === SOUND.errorRatio ? 1 : 5));
  const shareOf = (row: Row): number => (known.rows[keyOf(row)]?.length ?? 0) / wanted(row);
  for (;;) {
    const [row] = ROWS.toSorted((a, b) => shareOf(a) - shareOf(b));
    if (row === undefined || shareOf(row) >= 1) return known;
    const done = known.rows[keyOf(row)] ?? [];
    known.rows[keyOf(row)] = done;
    const { state, canaryBad, tookMs } = take(row, SEED + done.length);
    done.push(`${state} ${canaryBad} ${Math.round(tookMs)}`);
    writeResult('ramps', known, folder);
    log(`${keyOf(row)}: ramp ${done.length}: ${done.at(-1)}`);
  }
}

function takeRamp({ requestsPerSecond, errorRatio }: Row, seed: number): Ramp {
  return ramp({ ...SOUND, requestsPerSecond, canaryErrorRatio: () => errorRatio }, seed);
}

function keyOf({ name, requestsPerSecond }: Row): string {
  return `${name}, ${requestsPerSecond.toLocaleString('en-US')} rps`;
}

/** One row per canary. */
export function rampTable({ rows }: Ramps): Table {
  return {
    title: 'Canaries through the default ramp (1, 5, 25, 50, 100 %, bake), whole controller; stable 0.1 % bad',
    head: ['canary', 'requests/s', 'runs', 'succeeded', 'rolled back', 'bad requests p50', 'p95', 'minutes p50', 'p95'],
    rows: ROWS.map((row) => tableRow(row, rows[keyOf(row)] ?? [])),
  };
}

function tableRow({ name, requestsPerSecond }: Row, outcomes: readonly string[]): string[] {
  const head = [name, requestsPerSecond.toLocaleString('en-US'), `${outcomes.length}`];
  if (outcomes.length === 0) return [...head, ...new Array<string>(6).fill('not run')];
  const ended = (state: string): string => `${outcomes.filter((one) => one.startsWith(`${state} `)).length}`;
  const sorted = (at: number): number[] => outcomes.map((one) => Number(one.split(' ')[at])).toSorted((a, b) => a - b);
  const [bad, tookMs] = [sorted(1), sorted(2)];
  return [
    ...head,
    ended('succeed'),
    ended('rollback'),
    ...[0.5, 0.95].map((q) => `${quantileOf(bad, q)}`),
    ...[0.5, 0.95].map((q) => (quantileOf(tookMs, q) / 60_000).toFixed(1)),
  ];
}
